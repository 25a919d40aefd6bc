/** The signs on buttons, drawn on a square of 24. */

import { h, s } from "./dom.js";

const PATHS = {
  undo: "M9 14L4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
  redo: "M15 14l5-5-5-5M20 9H10a6 6 0 0 0 0 12h3",
  swap: "M7 4L3 8l4 4M3 8h14M17 12l4 4-4 4M21 16H7",
  flag: "M5 21V4M5 4h13l-3 4.5L18 13H5",
  plus: "M12 5v14M5 12h14",
  first: "M18 5l-8 7 8 7M6 5v14",
  previous: "M15 5l-8 7 8 7",
  next: "M9 5l8 7-8 7",
  last: "M6 5l8 7-8 7M18 5v14",
  review: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  save: "M12 4v11M7 10l5 5 5-5M4 20h16",
  open: "M4 19V6h6l2 2h8v11z",
  play: "M8 5l11 7-11 7z",
  stop: "M7 7h10v10H7z",
};

/** @param {keyof typeof PATHS} name */
export function icon(name) {
  return s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, s("path", { d: PATHS[name] }));
}

/**
 * A button with a sign and words. Hidden words, all of them or those after a bar, are read by screen readers.
 * @param {keyof typeof PATHS} name
 * @param {string} words
 * @param {() => void} onclick
 * @param {{bare?: boolean, kind?: string, hint?: string}} [options]
 */
export function iconButton(name, words, onclick, { bare = false, kind = "", hint } = {}) {
  const [short, rest] = words.split("|"); // what follows a bar is only for screen readers: "New| game"
  const title = hint ?? (bare ? short : null);
  return h(
    "button",
    { type: "button", class: `button ${kind}`, onclick, title },
    icon(name),
    h("span", { class: bare ? "sr-only" : "" }, short, rest === undefined ? null : h("span", { class: "sr-only" }, rest)),
  );
}
