// @ts-check
/** How the Play room is laid out: the board, the players beside it, the moves, the buttons. */

import { h, setText, show } from "./dom.js";
import { iconButton } from "./icons.js";
import { MoveList } from "./movelist.js";
import { Tray } from "./tray.js";

/**
 * @typedef {object} Actions
 * @property {(ply: number) => void} go
 * @property {() => void} undo
 * @property {() => void} redo
 * @property {() => void} swap
 * @property {() => void} resign
 * @property {() => void} fresh
 * @property {() => void} again
 * @property {() => void} review
 * @property {() => void} opponent
 * @property {() => void} retry
 */

/**
 * Fills the room's section and gives what changes in it.
 * @param {HTMLElement} root
 * @param {import("./board.js").Board} board
 * @param {import("./insight.js").Insight} insight
 * @param {Actions} actions
 */
export function layOut(root, board, insight, actions) {
  const far = new Tray();
  const near = new Tray();
  const moves = new MoveList(actions.go);
  far.change(actions.opponent);
  const status = h("p", { class: "status-text" });
  const detail = h("p", { class: "status-detail muted number" });
  const retry = h("button", { type: "button", class: "button small", onclick: actions.retry, hidden: true }, "Try again");
  const again = h("button", { type: "button", class: "button small primary", onclick: actions.again, hidden: true }, "Rematch");
  const line = h(
    "div",
    { class: "status" },
    h("span", { class: "status-sign", "aria-hidden": "true" }),
    h("div", { class: "status-words" }, status, detail),
    retry,
    again,
  );
  const undo = iconButton("undo", "Undo", actions.undo, { hint: "Undo (Z)" });
  const redo = iconButton("redo", "Redo", actions.redo, { hint: "Redo (Y)" });
  const swap = iconButton("swap", "Swap", actions.swap, { hint: "Swap sides" });
  const resign = iconButton("flag", "Resign", actions.resign);
  const fresh = iconButton("plus", "New| game", actions.fresh, { kind: "primary" });
  const review = iconButton("review", "Review", actions.review, { hint: "Review this game with the engine" });
  const place = h(
    "button",
    { type: "button", class: "button primary", onclick: () => board.preview && board.choose(board.preview) },
    "Tap a point",
  );
  const confirm = h("div", { class: "confirm" }, place);
  place.disabled = true;
  root.replaceChildren(
    h("h1", { class: "sr-only" }, "Play"),
    h(
      "div",
      { class: "table" },
      h("div", { class: "area-far" }, far.element),
      h("div", { class: "area-board" }, insight.bar.element, h("div", { class: "board-box" }, board.element)),
      h("div", { class: "area-near" }, near.element),
      h("div", { class: "area-confirm" }, confirm),
      h("div", { class: "area-status card" }, line, h("div", { class: "buttons" }, undo, redo, swap, resign, review, fresh)),
      h("section", { class: "area-moves card", "aria-label": "Game" }, moves.element),
      h("div", { class: "area-insight" }, insight.element),
    ),
  );
  return {
    far,
    near,
    moves,
    undo,
    redo,
    swap,
    resign,
    /** @param {string | null} point a stone that waits for its second tap */
    preview(point) {
      place.disabled = point === null;
      setText(place, point === null ? "Tap a point" : `Play ${point}`);
    },
    /** @param {string} text @param {string} more in small @param {{busy: boolean, bad: boolean, over: boolean, retry: boolean}} how */
    status(text, more, how) {
      setText(status, text);
      setText(detail, more);
      line.classList.toggle("busy", how.busy);
      line.classList.toggle("bad", how.bad);
      line.classList.toggle("over", how.over && !how.bad);
      show(retry, how.retry);
      show(again, how.over);
    },
  };
}
