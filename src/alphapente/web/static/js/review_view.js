// @ts-check
/** How a game under review is laid out: the board, what is said of the move, the moves, the buttons. */

import { h, setText, show } from "./dom.js";
import { iconButton } from "./icons.js";
import { MoveList } from "./movelist.js";
import { Tray } from "./tray.js";

const EFFORTS = /** @type {[number, string][]} */ ([
  [50, "Quick"],
  [200, "Thorough"],
  [800, "Deep"],
]);

/**
 * @typedef {object} Actions
 * @property {(ply: number) => void} go
 * @property {(step: number) => void} step
 * @property {(ply: number) => void} jump
 * @property {() => void} back
 * @property {() => void} mistake
 * @property {() => void} judge
 * @property {() => void} link
 * @property {() => void} save
 * @property {() => void} play
 * @property {(shown: boolean) => void} better
 * @property {() => void} choice
 */

/**
 * @param {import("./board.js").Board} board
 * @param {import("./insight.js").Insight} insight
 * @param {Actions} actions
 */
export function layOut(board, insight, actions) {
  const far = new Tray();
  const near = new Tray();
  const moves = new MoveList(actions.go);
  const title = h("h1", { class: "game-title" });
  const label = h("span", { class: "verdict-label" });
  const text = h("span", { class: "verdict-text" });
  const better = h("button", {
    type: "button",
    class: "link better",
    onpointerenter: () => actions.better(true),
    onfocus: () => actions.better(true),
    onclick: () => actions.better(true),
    onpointerleave: () => actions.better(false),
    onblur: () => actions.better(false),
  });
  const back = h("button", { type: "button", class: "button small", onclick: actions.back }, "Back to the game");
  const comment = h("div", { class: "comment", role: "status" }, h("p", {}, label, text), h("p", { class: "row" }, better, back));
  const first = iconButton("first", "First (Home)", () => actions.jump(0), { bare: true });
  const previous = iconButton("previous", "Back (←)", () => actions.step(-1), { bare: true });
  const next = iconButton("next", "Forward (→)", () => actions.step(1), { bare: true });
  const last = iconButton("last", "Last (End)", () => actions.jump(Infinity), { bare: true });
  const effort = h(
    "select",
    { "aria-label": "Effort for each move", name: "effort", onchange: actions.choice },
    ...EFFORTS.map(([value, words]) => h("option", { value, selected: value === 200 }, `${words}: ${value}`)),
  );
  const network = h("select", { "aria-label": "Network", name: "network", onchange: actions.choice });
  const judge = h("button", { type: "button", class: "button primary", onclick: actions.judge }, "Judge the moves");
  const progress = h("progress", { max: 1, value: 0, "aria-label": "Moves judged" });
  const status = h("p", { class: "muted number judged", role: "status" });
  const summary = h("table", { class: "summary number" });
  const mistake = h("button", { type: "button", class: "button small", onclick: actions.mistake }, "Next mistake");
  const element = h(
    "div",
    { class: "table review-table" },
    h("div", { class: "area-far" }, far.element),
    h("div", { class: "area-board" }, insight.bar.element, h("div", { class: "board-box" }, board.element)),
    h("div", { class: "area-near" }, near.element),
    h(
      "div",
      { class: "area-status card" },
      title,
      comment,
      h("div", { class: "steps" }, first, previous, next, last),
      insight.graph.element,
    ),
    h("section", { class: "area-moves card", "aria-label": "Game" }, moves.element),
    h(
      "div",
      { class: "area-insight" },
      h(
        "section",
        { class: "card judging", "aria-label": "The engine's review" },
        h("div", { class: "judge-row" }, network, effort, judge),
        progress,
        h("div", { class: "row spread" }, status, mistake),
        summary,
        h(
          "div",
          { class: "buttons" },
          iconButton("link", "Link", actions.link, { hint: "Copy a link to the whole game" }),
          iconButton("save", "Export", actions.save, { hint: "The game as text, with the comments" }),
          iconButton("play", "Play", actions.play, { hint: "Continue from here in Play" }),
        ),
        h("p", {}, h("a", { href: "#review" }, "Open another game")),
      ),
      insight.element,
    ),
  );
  return {
    element,
    far,
    near,
    moves,
    first,
    previous,
    next,
    last,
    effort,
    network,
    judge,
    mistake,
    title,
    /** @param {{label: string, kind: string, text: string, better: string, back: boolean}} note */
    comment(note) {
      setText(label, note.label);
      label.dataset.verdict = note.kind;
      show(label, note.label !== "");
      setText(text, note.text);
      setText(better, note.better);
      show(better, note.better !== "");
      show(back, note.back);
    },
    /** @param {number} done @param {number} of @param {boolean} busy @param {string} words */
    judged(done, of, busy, words) {
      progress.max = Math.max(1, of);
      progress.value = done;
      progress.classList.toggle("idle", !busy);
      setText(judge, busy ? "Stop" : done > 0 ? "Judge again" : "Judge the moves");
      setText(status, words);
    },
    /** @param {[string, string, string][]} rows words, White, Black */
    summary(rows) {
      const head = h("tr", {}, h("td"), h("th", { scope: "col" }, "White"), h("th", { scope: "col" }, "Black"));
      summary.replaceChildren(
        h(
          "tbody",
          {},
          head,
          ...rows.map(([words, white, black]) => h("tr", {}, h("th", { scope: "row" }, words), h("td", {}, white), h("td", {}, black))),
        ),
      );
    },
  };
}
