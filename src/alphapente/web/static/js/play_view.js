/** How the Play room is laid out: the board, the players beside it, the moves, the buttons. */

import { h, setText, show } from "./dom.js";
import { iconButton } from "./icons.js";
import { layOut } from "./table.js";

/**
 * Fills the room's section and gives what changes in it.
 * @param {HTMLElement} root
 * @param {import("./play.js").PlayRoom} room
 */
export function fillRoom(root, room) {
  const { board } = room;
  room.far.change(() => void room.opponent());
  const status = h("p", { class: "status-text" });
  const detail = h("p", { class: "status-detail muted number" });
  const retry = h("button", { type: "button", class: "button small", onclick: () => room.think(), hidden: true }, "Try again");
  const again = h("button", { type: "button", class: "button small primary", onclick: () => room.again(), hidden: true }, "Rematch");
  const line = h(
    "div",
    { class: "status" },
    h("span", { class: "status-sign", "aria-hidden": "true" }),
    h("div", { class: "status-words" }, status, detail),
    retry,
    again,
  );
  const undo = iconButton("undo", "Undo", () => room.undo(), { hint: "Undo (Z)" });
  const redo = iconButton("redo", "Redo", () => room.redo(), { hint: "Redo (Y)" });
  const swap = iconButton("swap", "Swap", () => room.swap(), { hint: "Swap sides" });
  const resign = iconButton("flag", "Resign", () => void room.resign());
  const fresh = iconButton("plus", "New| game", () => void room.fresh(), { kind: "primary" });
  const review = iconButton("review", "Review", () => room.review(), { hint: "Review this game with the engine" });
  const place = h(
    "button",
    { type: "button", class: "button primary", onclick: () => board.preview && board.choose(board.preview) },
    "Tap a point",
  );
  const confirm = h("div", { class: "confirm" }, place);
  place.disabled = true;
  root.replaceChildren(
    h("h1", { class: "sr-only" }, "Play"),
    layOut(room, { status: [line, h("div", { class: "buttons" }, undo, redo, swap, resign, review, fresh)], confirm }),
  );
  return {
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
