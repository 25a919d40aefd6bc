/** How a game under review is laid out: the board, what is said of the move, the moves, the buttons. */

import { h, setText, show, whilePointedAt } from "./dom.js";
import { iconButton } from "./icons.js";
import { layOut } from "./table.js";

const EFFORTS = /** @type {[number, string][]} */ ([
  [50, "Quick"],
  [200, "Thorough"],
  [800, "Deep"],
]);

/** @param {import("./review_game.js").Review} review */
export function reviewView(review) {
  const title = h("h1", { class: "game-title" });
  const label = h("span", { class: "verdict-label" });
  const text = h("span", { class: "verdict-text" });
  const better = h("button", { type: "button", class: "link better" });
  whilePointedAt(
    better,
    () => review.pointAtBetter(true),
    () => review.pointAtBetter(false),
  );
  const back = h("button", { type: "button", class: "button small", onclick: () => review.back() }, "Back to the game");
  const comment = h("div", { class: "comment", role: "status" }, h("p", {}, label, text), h("p", { class: "row" }, better, back));
  const first = iconButton("first", "First (Home)", () => review.goHere(0), { bare: true });
  const previous = iconButton("previous", "Back (←)", () => review.step(-1), { bare: true });
  const next = iconButton("next", "Forward (→)", () => review.step(1), { bare: true });
  const last = iconButton("last", "Last (End)", () => review.goHere(Infinity), { bare: true });
  const effort = h(
    "select",
    { "aria-label": "Effort for each move", name: "effort", onchange: () => review.chosen() },
    ...EFFORTS.map(([value, words]) => h("option", { value, selected: value === 200 }, `${words}: ${value}`)),
  );
  const network = h("select", { "aria-label": "Network", name: "network", onchange: () => review.chosen() });
  const judge = h("button", { type: "button", class: "button primary", onclick: () => review.startOrStop() }, "Judge the moves");
  const progress = h("progress", { max: 1, value: 0, "aria-label": "Moves judged" });
  const judged = h("p", { class: "muted number judged", role: "status" });
  const summary = h("table", { class: "summary number" });
  const mistake = h("button", { type: "button", class: "button small", onclick: () => review.nextMistake() }, "Next mistake");
  const judging = h(
    "section",
    { class: "card judging", "aria-label": "The engine's review" },
    h("div", { class: "judge-row" }, network, effort, judge),
    progress,
    h("div", { class: "row spread" }, judged, mistake),
    summary,
    h(
      "div",
      { class: "buttons" },
      iconButton("link", "Link", () => void review.shareLink(), { hint: "Copy a link to the whole game" }),
      iconButton("save", "Export", () => void review.save(), { hint: "The game as text, with the comments" }),
      iconButton("play", "Play", () => review.play(), { hint: "Continue from here in Play" }),
    ),
    h("p", {}, h("a", { href: "#review" }, "Open another game")),
  );
  const status = [title, comment, h("div", { class: "steps" }, first, previous, next, last), review.insight.graph.element];
  const element = layOut(review, { kind: "review-table", status, beside: judging });
  return {
    element,
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
      setText(judged, words);
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
