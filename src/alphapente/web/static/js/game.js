/** A game on the page: its rules' name, its moves and how far they are played; the server says what they make. */

import { isAbort, post } from "./api.js";
import { opponentOf, playerOf } from "./points.js";

/** @import { PlayedGame } from "./link.js" */
/** @import { PositionAnswer, Result } from "../../openapi.js" */
/** @import { Player } from "./points.js" */

const REMEMBERED = 1500; // positions kept, to step through without asking again

/**
 * Moves, and the position after `ply` of them.
 *
 * `onmove` is called at once when the moves or the ply change, `onposition` when the server has answered with the position,
 * `onerror` when it would not.
 */
export class Game {
  /** @param {PlayedGame} moves @param {{onmove?: () => void, onposition?: () => void, onerror?: (error: unknown) => void}} listeners */
  constructor({ variant, board_size, moves }, listeners = {}) {
    this.variant = variant;
    this.size = board_size;
    this.moves = [...moves];
    this.ply = moves.length;
    this.listeners = listeners;
    /** @type {PositionAnswer | null} what the server says of this ply, null until it has said it */
    this.position = null;
    /** @type {Player | null} */
    this.resigned = null;
    /** @type {(number | undefined)[]} what the engine thought at each ply, as player 1 sees it */
    this.values = [];
    /** @type {Map<string, PositionAnswer>} */
    this.positions = new Map();
    /** @type {AbortController | null} */
    this.asking = null;
  }

  get toMove() {
    return playerOf(this.ply + 1);
  }

  /** The last move that was played, null before the first. */
  get last() {
    return this.ply > 0 ? this.moves[this.ply - 1] : null;
  }

  get atEnd() {
    return this.ply === this.moves.length;
  }

  /** @returns {Result | null} how the game stands at this ply */
  get result() {
    if (this.position?.result) return this.position.result;
    if (this.resigned === null || !this.atEnd) return null;
    return { winner: opponentOf(this.resigned), by: "resignation", line: [] };
  }

  /** All its moves, as requests and links name them. @returns {PlayedGame} */
  get whole() {
    return { variant: this.variant, board_size: this.size, moves: this.moves };
  }

  /** The moves up to this ply. @returns {PlayedGame} */
  get request() {
    return { ...this.whole, moves: this.moves.slice(0, this.ply) };
  }

  /** Plays a point; what had been played after this ply is forgotten. @param {string} point */
  play(point) {
    if (this.moves[this.ply] !== point) {
      this.moves.length = this.ply;
      this.values.length = Math.min(this.values.length, this.ply + 1);
      this.moves.push(point);
    }
    this.resigned = null;
    this.go(this.ply + 1);
  }

  /** Takes back a move that the server refused. */
  withdraw() {
    this.moves.length = this.ply - 1;
    this.go(this.ply - 1);
  }

  /** Goes to a ply, 0 for the empty board. @param {number} ply */
  go(ply) {
    this.ply = Math.max(0, Math.min(this.moves.length, ply));
    this.position = this.positions.get(this.key(this.ply)) ?? null;
    this.listeners.onmove?.();
    void this.settle();
  }

  /** @param {number} ply */
  key(ply) {
    return this.moves.slice(0, ply).join("");
  }

  /** Has the server say what is on the board. */
  async settle() {
    this.asking?.abort();
    this.asking = null;
    if (this.position === null) {
      const key = this.key(this.ply);
      const asking = new AbortController();
      this.asking = asking;
      try {
        const position = await post("/position", this.request, asking.signal);
        if (asking.signal.aborted) return;
        if (this.positions.size > REMEMBERED) this.positions.clear();
        this.positions.set(key, position);
        this.position = position;
        this.asking = null;
      } catch (error) {
        if (!isAbort(error)) this.listeners.onerror?.(error);
        return;
      }
    }
    this.listeners.onposition?.();
  }
}
