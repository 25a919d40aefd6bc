/** What is drawn on the board beside its stones: the last move, threats, heat, and lines of numbered stones. */

import { s } from "./dom.js";
import { allPoints, playerOf } from "./points.js";

/** @import { Capture, Share } from "../../openapi.js" */
/** @typedef {import("./board.js").Board} Board */

const FAINT = 0.005; // shares below it are noise
const WRITTEN = 0.03; // shares from it on are written out

/** The marks of one board. */
export class BoardMarks {
  /** @param {Board} board */
  constructor(board) {
    this.board = board;
    const below = () => board.layers.below.appendChild(s("g"));
    const above = () => board.layers.above.appendChild(s("g"));
    this.layers = {
      policy: below(),
      visits: below(),
      rings: below(),
      five: above(),
      last: above(),
      threats: above(),
      line: above(),
    };
    /** @type {Map<SVGElement, string>} what each layer was last drawn from */
    this.drawn = new Map();
  }

  /**
   * Whether a layer shows this already; if not, it is noted that from now on it does. A search reports four
   * times a second, and most of it is as before.
   * @param {SVGElement} layer @param {unknown} what
   */
  shows(layer, what) {
    const from = JSON.stringify([what, [...this.board.stones.keys()]]);
    if (this.drawn.get(layer) === from) return true;
    this.drawn.set(layer, from);
    return false;
  }

  /** @param {string | null} point @param {string[]} captured the stones that it took off */
  setLast(point, captured) {
    this.layers.rings.replaceChildren(...captured.map((gone) => this.circle(gone, "was-captured", 40)));
    if (point === null) return this.layers.last.replaceChildren();
    const player = this.board.stones.get(point)?.player ?? 0;
    return this.layers.last.replaceChildren(this.circle(point, `last last-${player}`, 19));
  }

  /** @param {string[]} points the stones of a five */
  setFive(points) {
    this.layers.five.replaceChildren(...points.map((point) => this.circle(point, "five", 46)));
  }

  /**
   * @param {{wins?: string[], must?: string[], captures?: Capture[], danger?: Capture[], forbidden?: string[]}} shown
   */
  setThreats({ wins = [], must = [], captures = [], danger = [], forbidden = [] }) {
    if (this.shows(this.layers.threats, { wins, must, captures, danger, forbidden })) return;
    /** @type {SVGElement[]} */
    const marks = [];
    marks.push(...this.forbidden(forbidden));
    marks.push(...this.pairs(captures, "capture"), ...this.pairs(danger, "danger"));
    for (const point of must) marks.push(this.shape(point, "must", "M0 -30L30 0L0 30L-30 0Z"));
    for (const point of wins) {
      marks.push(this.shape(point, "win", "M0 -36L10 -12L36 -10L16 7L23 33L0 18L-23 33L-16 7L-36 -10L-10 -12Z"));
    }
    this.layers.threats.replaceChildren(...marks);
  }

  /** @param {Capture[]} captures @param {string} kind */
  pairs(captures, kind) {
    const taken = new Set(captures.flatMap(({ takes }) => takes));
    const pairs = [...taken].map((point) => this.circle(point, `pair pair-${kind}`, 47));
    return [...pairs, ...captures.map(({ point }) => this.circle(point, `from from-${kind}`, 26))];
  }

  /**
   * Crosses on the forbidden points; where they are more than the others, rings on those instead.
   * @param {string[]} points
   */
  forbidden(points) {
    const { size, stones } = this.board;
    if (points.length <= (size * size - stones.size) / 2) {
      return points.map((point) => this.shape(point, "forbidden", "M-14 -14L14 14M14 -14L-14 14"));
    }
    const kept = new Set(points);
    return allPoints(size)
      .filter((point) => !kept.has(point) && !stones.has(point))
      .map((point) => this.circle(point, "only", 42));
  }

  /** @param {string} point @param {string} kind @param {number} radius */
  circle(point, kind, radius) {
    const { x, y } = this.board.xy(point);
    return s("circle", { class: kind, cx: x, cy: y, r: radius });
  }

  /** @param {string} point @param {string} kind @param {string} path around the point */
  shape(point, kind, path) {
    const { x, y } = this.board.xy(point);
    return s("path", { class: `mark mark-${kind}`, d: path, transform: `translate(${x} ${y})` });
  }

  /** @param {Share[]} shares */
  setPolicy(shares) {
    if (this.shows(this.layers.policy, shares)) return;
    const most = Math.max(...shares.map(({ share }) => share), 0.01);
    this.layers.policy.replaceChildren(
      ...this.free(shares).map(({ point, share }) => {
        const { x, y } = this.board.xy(point);
        const opacity = 0.06 + 0.74 * Math.sqrt(share / most);
        return s("rect", { class: "heat-policy", x: x - 47, y: y - 47, width: 94, height: 94, rx: 12, "fill-opacity": opacity.toFixed(3) });
      }),
    );
  }

  /** @param {Share[]} shares */
  setVisits(shares) {
    if (this.shows(this.layers.visits, shares)) return;
    this.layers.visits.replaceChildren(
      ...this.free(shares).flatMap(({ point, share }) => {
        const { x, y } = this.board.xy(point);
        const radius = 10 + 34 * Math.sqrt(share);
        const disc = this.circle(point, "heat-visits", radius);
        if (share < WRITTEN) return [disc];
        return [disc, s("text", { class: "heat-text", x, y: y + 11 }, Math.round(share * 100))];
      }),
    );
  }

  /** @param {Share[]} shares @returns {Share[]} those that are worth drawing */
  free(shares) {
    return shares.filter(({ point, share }) => share >= FAINT && !this.board.stones.has(point));
  }

  /**
   * Stones to come, numbered from 1.
   * @param {string[]} points
   * @param {number} player who plays the first of them
   * @param {boolean} [certain] a forced line rather than a likely one
   */
  setLine(points, player, certain = false) {
    this.board.element.classList.toggle("shows-line", points.length > 0);
    this.board.element.classList.toggle("points-at", points.length > 0 && !certain);
    if (this.shows(this.layers.line, [points, player, certain])) return;
    /** @type {Map<string, string>} */
    const numbers = new Map();
    points.forEach((point, at) => numbers.set(point, numbers.has(point) ? `${numbers.get(point)},${at + 1}` : `${at + 1}`));
    const drawn = new Set();
    this.layers.line.replaceChildren(
      ...points.flatMap((point, at) => {
        if (drawn.has(point)) return [];
        drawn.add(point);
        const { x, y } = this.board.xy(point);
        const who = playerOf(player + at);
        const stone = this.board.stone(point, who, 43);
        stone.setAttribute("class", certain ? "to-come certain" : "to-come");
        const text = numbers.get(point) ?? "";
        stone.append(s("text", { class: `number-${who}`, x, y: y + 17, "font-size": text.length > 2 ? 34 : 48 }, text));
        return [stone];
      }),
    );
  }
}
