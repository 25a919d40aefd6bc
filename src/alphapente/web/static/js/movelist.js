/** The moves of a game as a list; a click on one goes there. */

import { h, setText } from "./dom.js";

const SIGNS = /** @type {Record<string, string>} */ ({ inaccuracy: "?!", mistake: "?", blunder: "??", "missed win": "✕" });

/** A list that changes only where the game has changed, so that focus and scroll stay. */
export class MoveList {
  /** @param {(ply: number) => void} ongo */
  constructor(ongo) {
    this.ongo = ongo;
    /** @type {{button: HTMLButtonElement, name: HTMLElement, sign: HTMLElement}[]} */
    this.items = [];
    this.list = h("ol", { class: "moves" });
    this.empty = h("p", { class: "muted moves-empty" }, "No moves yet");
    this.element = h("div", { class: "moves-box", tabindex: 0, role: "group", "aria-label": "Moves" }, this.empty, this.list);
  }

  /**
   * @param {string[]} moves
   * @param {number} ply the move at which the board is, 0 for none
   * @param {(ply: number) => string | null} [verdictOf] by ply from 1
   */
  set(moves, ply, verdictOf = () => null) {
    this.empty.hidden = moves.length > 0;
    while (this.items.length > moves.length) {
      const item = this.items.pop();
      const row = item?.button.parentElement;
      item?.button.remove();
      if (this.items.length % 2 === 0) row?.remove();
    }
    moves.forEach((move, at) => {
      if (at === this.items.length) this.add(at);
      const { button, name, sign } = this.items[at];
      const verdict = verdictOf(at + 1);
      setText(name, move);
      setText(sign, verdict === null ? "" : (SIGNS[verdict] ?? ""));
      button.dataset.verdict = verdict ?? "";
      button.setAttribute("aria-label", verdict !== null && verdict !== "good" ? `${move}, ${verdict}` : move);
      if (at + 1 === ply) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    });
    this.scroll(ply);
  }

  /** @param {number} at */
  add(at) {
    const name = h("span");
    const sign = h("span", { class: "verdict-sign", "aria-hidden": "true" });
    const button = h("button", { type: "button", class: "move", onclick: () => this.ongo(at + 1) }, name, sign);
    this.items.push({ button, name, sign });
    if (at % 2 === 0) this.list.append(h("li", {}, h("span", { class: "muted number" }, `${at / 2 + 1}.`), button));
    else this.list.lastElementChild?.append(button);
  }

  /** @param {number} ply */
  scroll(ply) {
    if (ply === 0) {
      this.element.scrollTop = 0;
      return;
    }
    const row = this.items[ply - 1].button;
    const top = row.offsetTop; // within the box, which is positioned
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop || top + row.offsetHeight > scrollTop + clientHeight) {
      this.element.scrollTop = top - clientHeight / 2;
    }
  }
}
