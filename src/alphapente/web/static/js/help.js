/** The window that lists the keys and the signs on the board. */

import { h } from "./dom.js";

/** @type {[string[], string][]} */
const KEYS = [
  [["Arrows"], "Play: move the cursor on the board. Review: step through the game"],
  [["Enter", "Space"], "place a stone"],
  [["K", "1", "0"], "type a point's name to move the cursor there, then Enter"],
  [["Z", "Ctrl+Z"], "undo"],
  [["Y", "Ctrl+Y"], "redo"],
  [["Home", "End"], "to the beginning, to the end of the game"],
  [["Escape"], "cancel"],
  [["?"], "this window"],
];

/** @type {[string, string][]} */
const SIGNS = [
  ["dot", "the last stone"],
  ["forbidden", "not allowed by the opening rule"],
  ["win", "a stone here wins at once"],
  ["must", "must be answered here, or the opponent wins"],
  ["capture", "a pair that can be captured, and the capturing point"],
  ["danger", "a pair of yours that the opponent can capture"],
  ["policy", "the network's policy before the search (darker: higher)"],
  ["visits", "the search's visits (larger: more)"],
];

/** @type {HTMLDialogElement | null} */
let dialog = null;

/** Opens the window. */
export function openHelp() {
  dialog ??= document.body.appendChild(build());
  if (!dialog.open) dialog.showModal();
}

/** @returns {HTMLDialogElement} */
function build() {
  const keys = KEYS.flatMap(([names, text]) => [
    h("dt", {}, ...names.flatMap((name, at) => (at ? [" ", h("kbd", {}, name)] : [h("kbd", {}, name)]))),
    h("dd", {}, text),
  ]);
  const signs = SIGNS.flatMap(([kind, text]) => [
    h("dt", {}, h("span", { class: `sign sign-${kind}`, "aria-hidden": "true" })),
    h("dd", {}, text),
  ]);
  return h(
    "dialog",
    { class: "help", "aria-labelledby": "help-title" },
    h(
      "form",
      { method: "dialog" },
      h("h1", { id: "help-title" }, "Keys and signs"),
      h("dl", { class: "legend" }, ...keys),
      h("h2", {}, "On the board"),
      h("dl", { class: "legend" }, ...signs),
      h("div", { class: "row end" }, h("button", { class: "button primary", autofocus: true }, "Close")),
    ),
  );
}
