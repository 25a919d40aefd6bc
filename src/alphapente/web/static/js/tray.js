/** A player's line beside the board: stone, name, whose turn it is, and the stones captured, in pairs. */

import { h, setText } from "./dom.js";
import { opponentOf } from "./points.js";

/** @import { Player } from "./points.js" */

/** The tray of one player. */
export class Tray {
  constructor() {
    this.stone = h("span", { class: "tray-stone", "aria-hidden": "true" });
    this.name = h("span", { class: "tray-name" });
    this.detail = h("span", { class: "tray-detail" });
    this.captured = h("span", { class: "tray-captured", role: "img" });
    this.element = h("div", { class: "tray" }, this.stone, h("span", { class: "tray-words" }, this.name, this.detail), this.captured);
    this.shown = "";
    this.captures = 0;
    /** @type {number | null} */
    this.needs = null;
  }

  /** Makes the line under the name a button. @param {() => void} onclick */
  change(onclick) {
    const button = h("button", { type: "button", class: "tray-detail link", title: "Change the opponent", onclick });
    this.detail.replaceWith(button);
    this.detail = button;
  }

  /**
   * @param {object} state
   * @param {Player} state.player
   * @param {string} state.name
   * @param {string} state.detail
   * @param {boolean} state.turn whether it is this player's
   * @param {number} state.captured stones captured by this player
   * @param {number | null} state.needed captured stones that win, null where nothing is captured
   */
  set({ player, name, detail, turn, captured, needed }) {
    this.element.classList.toggle("turn", turn);
    this.element.classList.toggle("near", needed !== null && captured >= needed - 2 && captured > 0);
    this.captures = captured;
    this.needs = needed;
    setText(this.name, name);
    setText(this.detail, detail);
    const shown = `${player} ${captured} ${needed}`;
    if (shown === this.shown) return;
    this.shown = shown;
    this.stone.className = `tray-stone small-stone-${player}`;
    this.captured.hidden = needed === null;
    if (needed === null) return;
    const slots = Array.from({ length: Math.max(needed, captured) }, (_, at) =>
      h("i", { class: at < captured ? `small-stone small-stone-${opponentOf(player)}` : "small-stone small-stone-none" }),
    );
    this.captured.replaceChildren(...slots);
    this.captured.setAttribute("aria-label", `captured ${captured} of ${needed} stones`);
    this.captured.title = `${captured} of ${needed} captured stones`;
  }
}
