/** Think aloud: what the engine and the rules see in a position, each part of it behind a switch of its own. */

import { h, setText, show, whilePointedAt } from "./dom.js";
import { COLOURS } from "./points.js";
import { recall, remember } from "./preferences.js";
import { percent, ValueBar, ValueGraph } from "./values.js";

/** @import { Candidate, PositionAnswer, SearchView } from "../../openapi.js" */

/** @type {[string, string, string][]} */
const SWITCHES = [
  ["value", "Value", "White's chance, beside the board and over the game"],
  ["lines", "Best lines", "the most visited moves; point at one to see its continuation"],
  ["policy", "First thoughts", "heat map of the network's policy before the search"],
  ["visits", "Search", "heat map of the search's visits"],
  ["captures", "Captures", "pairs that can be captured, yours and the opponent's"],
  ["threats", "Threats", "points that win at once, or must be answered"],
  ["forced", "Forced wins", "a win found by the solver, shown as numbered stones"],
];
const SEARCHED = ["lines", "policy", "visits", "forced"]; // what asks for a search
const ROWS = 5;

/**
 * @typedef {object} InsightOptions
 * @property {string} name under which the switches are remembered
 * @property {string[]} on those that are on for a new visitor
 * @property {(ply: number) => void} ongo a click on the graph
 * @property {() => void} onswitch
 * @property {string} nothing what the graph says while no value is known
 * @property {boolean} [graphElsewhere] whether the room has its own place for the graph
 */

/** The switches, the best lines, the value; and what they draw on a board. */
export class Insight {
  /** @param {import("./board.js").Board} board @param {InsightOptions} options */
  constructor(board, { name, on, ongo, onswitch, nothing, graphElsewhere = false }) {
    this.board = board;
    this.on = new Set(/** @type {string[]} */ (recall(`insight.${name}`, on)));
    this.bar = new ValueBar();
    this.graph = new ValueGraph(ongo, nothing);
    /** @type {PositionAnswer | null} */
    this.position = null;
    /** @type {SearchView | null} */
    this.view = null;
    /** @type {number | null} */
    this.value = null;
    /** @type {{line: string[], mover: number | null} | null} a line that is pointed at */
    this.pointed = null;
    this.status = h("p", { class: "insight-status muted number" });
    this.forced = h("p", { class: "insight-forced" });
    this.rows = Array.from({ length: ROWS }, () => this.row());
    const head = ["Move", "White", "Search", "Continuation"].map((word) => h("span", {}, word));
    this.lines = h(
      "div",
      { class: "lines-box" },
      h("div", { class: "candidates-head muted", "aria-hidden": "true" }, ...head),
      h("ul", { class: "candidates", "aria-label": "Best lines" }, ...this.rows.map((row) => row.item)),
    );
    const switches = SWITCHES.map(([id, title, hint]) =>
      h(
        "label",
        { class: "switch", title: hint },
        h("input", {
          type: "checkbox",
          name: id,
          checked: this.on.has(id),
          onchange: (/** @type {Event} */ event) => {
            if (/** @type {HTMLInputElement} */ (event.target).checked) this.on.add(id);
            else this.on.delete(id);
            remember(`insight.${name}`, [...this.on]);
            this.draw();
            onswitch();
          },
        }),
        h("i"),
        title,
      ),
    );
    this.element = h(
      "section",
      { class: "card insight", "aria-label": "Think aloud" },
      h("div", { class: "row spread" }, h("h2", {}, "Think aloud"), this.status),
      h("div", { class: "switches" }, ...switches),
      graphElsewhere ? null : this.graph.element,
      this.forced,
      this.lines,
    );
  }

  /** Whether any switch that is on needs a search. */
  get wantsSearch() {
    return SEARCHED.some((name) => this.on.has(name));
  }

  row() {
    const point = h("span", { class: "candidate-point" });
    const value = h("span", { class: "candidate-value number" });
    const visits = h("span", { class: "candidate-visits number muted" });
    const line = h("span", { class: "candidate-line muted" });
    const words = (/** @type {string} */ text) => h("span", { class: "sr-only" }, text);
    const button = h(
      "button",
      { type: "button", class: "candidate" },
      point,
      words(", White's chance "),
      value,
      words(", visits "),
      visits,
      words(", continuation "),
      line,
    );
    const row = { item: h("li", {}, button), button, point, value, visits, line, moves: /** @type {string[]} */ ([]) };
    whilePointedAt(
      button,
      () => this.pointAt(row.moves),
      () => this.pointAt(null),
    );
    return row;
  }

  /**
   * Shows a line on the board as numbered stones, until null.
   * @param {string[] | null} line
   * @param {number | null} [mover] who plays the first of them; default: the player to move
   */
  pointAt(line, mover = null) {
    this.pointed = line === null || line.length === 0 ? null : { line, mover };
    this.drawLine();
  }

  /** The board's pointer is over a point: where it is one of the best moves, its line is shown. @param {string | null} point */
  over(point) {
    const candidate = this.on.has("lines") ? this.view?.candidates.find((one) => one.point === point) : undefined;
    if (candidate !== undefined || this.pointed !== null) this.pointAt(candidate?.line ?? null);
  }

  /**
   * @param {PositionAnswer | null} position null until the server has answered
   * @param {SearchView | null} view what the search thinks of it
   * @param {string} status
   */
  set(position, view, status) {
    if (position !== this.position && position !== null) this.pointed = null;
    this.position = position;
    this.view = view;
    setText(this.status, status);
    this.draw();
  }

  /** @param {number | null} value as player 1 sees it */
  setValue(value) {
    this.value = value;
    this.bar.set(value);
  }

  draw() {
    const { marks } = this.board;
    const { on, view, position } = this;
    const threats = position?.result ? undefined : position?.threats;
    marks.setPolicy(on.has("policy") && view ? view.policy : []);
    marks.setVisits(on.has("visits") && view ? view.visits : []);
    marks.setThreats({
      wins: on.has("threats") ? threats?.wins : [],
      must: on.has("threats") ? threats?.must_answer : [],
      captures: on.has("captures") ? threats?.captures : [],
      danger: on.has("captures") ? threats?.in_danger : [],
      forbidden: position?.forbidden.map(({ point }) => point),
    });
    this.bar.element.classList.toggle("off", !on.has("value"));
    show(this.graph.element, on.has("value"));
    show(this.lines, on.has("lines") && !position?.result);
    show(this.forced, on.has("forced") && !position?.result);
    setText(this.forced, view === null ? "" : this.forcedText());
    this.drawRows();
    this.drawLine();
  }

  forcedText() {
    const forced = this.view?.forced;
    if (!forced) return "No forced win found";
    const moves = Math.ceil(forced.plies / 2);
    return `${COLOURS[forced.winner]} wins by force in ${moves} ${moves === 1 ? "move" : "moves"}: ${forced.line.join(" ")}`;
  }

  drawRows() {
    const candidates = this.view?.candidates ?? [];
    const all = this.view?.visits ?? [];
    this.rows.forEach((row, at) => {
      const candidate = candidates[at];
      row.button.disabled = candidate === undefined;
      row.moves = candidate?.line ?? [];
      setText(row.point, candidate?.point ?? "");
      setText(row.value, candidate === undefined ? "" : `${percent(candidate.value)}%`);
      const share = all.find(({ point }) => point === candidate?.point)?.share;
      setText(row.visits, share === undefined ? "" : `${Math.round(share * 100)}%`);
      setText(row.line, candidate?.line.slice(1, 9).join(" ") ?? "");
      if (candidate === undefined) row.button.setAttribute("aria-label", "nothing yet");
      else row.button.removeAttribute("aria-label");
    });
  }

  drawLine() {
    const mover = this.position?.to_move ?? 1;
    const forced = this.on.has("forced") ? this.view?.forced : null;
    if (this.pointed !== null) this.board.marks.setLine(this.pointed.line, this.pointed.mover ?? mover);
    else if (forced && this.position !== null) this.board.marks.setLine(forced.line, mover, true);
    else this.board.marks.setLine([], mover);
  }
}
