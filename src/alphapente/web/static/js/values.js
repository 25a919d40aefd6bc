/** The value of the game: a bar beside the board, and a graph over the moves. */

import { h, s, show } from "./dom.js";
import { moveNumber } from "./points.js";

/** Player 1's chance in percent, from a value in [-1, 1]. @param {number} value */
export function percent(value) {
  return Math.round((value + 1) * 50);
}

/** A bar, player 1's part of it white, as long as player 1's chance. */
export class ValueBar {
  constructor() {
    this.part = h("span", { class: "value-white" });
    this.label = h("span", { class: "value-label number", "aria-hidden": "true" });
    this.element = h("div", { class: "value-bar", role: "img", "aria-label": "No value yet" }, this.part, this.label);
    this.set(null);
  }

  /** @param {number | null} value as player 1 sees it, null while nobody knows */
  set(value) {
    const share = value === null ? 50 : percent(value);
    this.element.style.setProperty("--share", `${share}%`);
    this.element.classList.toggle("low", share < 50);
    this.label.classList.toggle("full", share === 0 || share === 100);
    this.label.textContent = value === null ? "" : `${Math.max(share, 100 - share)}`;
    this.element.setAttribute("aria-label", value === null ? "No value yet" : `White's chance: ${share}%`);
  }
}

const WIDTH = 600;
const HEIGHT = 100;

/** The value after each move; a click goes there. */
export class ValueGraph {
  /** @param {(ply: number) => void} ongo @param {string} nothing what it says while no value is known */
  constructor(ongo, nothing) {
    this.plies = 0;
    this.shown = "";
    this.white = s("path", { class: "graph-white" });
    this.black = s("path", { class: "graph-black" });
    this.curve = s("path", { class: "graph-curve" });
    this.spots = s("g");
    this.now = s("line", { class: "graph-now", y1: 0, y2: HEIGHT });
    this.svg = s(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" },
      this.black,
      this.white,
      s("line", { class: "graph-even", x1: 0, x2: WIDTH, y1: HEIGHT / 2, y2: HEIGHT / 2 }),
      this.curve,
      this.spots,
      this.now,
    );
    this.nothing = h("span", { class: "graph-nothing" }, nothing);
    this.element = h("div", { class: "graph empty", role: "img", "aria-label": "The value over the game" }, this.svg, this.nothing);
    this.element.addEventListener("click", (event) => {
      const box = this.svg.getBoundingClientRect();
      ongo(Math.round(((event.clientX - box.left) / box.width) * this.plies));
    });
  }

  /**
   * @param {(number | undefined)[]} values by ply, as player 1 sees them
   * @param {number} plies in the whole game
   * @param {number} ply where the board is
   * @param {{ply: number, kind: string}[]} [spots] moves to be marked
   */
  set(values, plies, ply, spots = []) {
    this.plies = Math.max(1, plies);
    const x = (/** @type {number} */ at) => (at / this.plies) * WIDTH;
    const y = (/** @type {number} */ value) => HEIGHT / 2 - value * (HEIGHT / 2 - 4);
    this.now.setAttribute("x1", String(x(ply)));
    this.now.setAttribute("x2", String(x(ply)));
    const shown = `${plies}|${values.map((value) => value?.toFixed(3)).join()}|${spots.map((spot) => spot.ply + spot.kind).join()}`;
    if (shown === this.shown) return;
    this.shown = shown;
    /** @type {[number, number][]} */
    const known = [];
    values.forEach((value, at) => value !== undefined && at <= plies && known.push([at, value]));
    const points = known.map(([at, value]) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`);
    this.curve.setAttribute("d", points.length ? `M${points.join("L")}h0` : ""); // one point alone is a dot
    show(this.nothing, known.length < 2); // one value alone is no curve
    this.element.classList.toggle("empty", known.length < 2);
    this.shade(known, points, x);
    this.spots.replaceChildren(
      ...spots.map((spot) => {
        const at = `${x(spot.ply).toFixed(1)} ${y(values[spot.ply] ?? 0).toFixed(1)}`;
        return s("path", { class: `graph-spot spot-${spot.kind.replace(" ", "-")}`, d: `M${at}L${at}` });
      }),
    );
    const last = known[known.length - 1];
    const text =
      last === undefined
        ? "no value yet"
        : `after ${last[0] ? `move ${moveNumber(last[0])}` : "no move"} White's chance is ${percent(last[1])}%`;
    this.element.setAttribute("aria-label", `The value over the game: ${text}`);
  }

  /**
   * White's part below the curve and Black's above it, as far as values are known; an engine that plays one side judges
   * every other position, so that the first or the last ply of a game may go with its neighbour.
   * @param {[number, number][]} known
   * @param {string[]} points of the curve
   * @param {(ply: number) => number} x
   */
  shade(known, points, x) {
    if (known.length === 0) {
      this.white.setAttribute("d", "");
      this.black.setAttribute("d", "");
      return;
    }
    const [first] = known[0];
    const [last] = known[known.length - 1];
    const from = x(first <= 1 ? 0 : first);
    const to = x(last >= this.plies - 1 ? this.plies : last);
    const curve = `V${points[0].split(" ")[1]}L${points.join("L")}H${to}`;
    this.white.setAttribute("d", `M${from} ${HEIGHT}${curve}V${HEIGHT}Z`);
    this.black.setAttribute("d", `M${from} 0${curve}V0Z`);
  }
}
