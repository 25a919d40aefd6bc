/** The engine's review of each move of a game, as it arrives. */

import { isAbort, messageOf, stream } from "./api.js";
import { playerOf } from "./points.js";

/** @import { ReviewedMove } from "../../openapi.js" */

export const MARKED = ["inaccuracy", "mistake", "blunder", "missed win"];

/** A review on the server, followed as it goes. */
export class Judge {
  /** @param {() => void} onchange */
  constructor(onchange) {
    this.onchange = onchange;
    /** @type {Map<number, ReviewedMove>} by ply, 1 the first move */
    this.moves = new Map();
    /** @type {Record<string, number | null> | null} in percent, by player */
    this.accuracy = null;
    this.error = "";
    /** @type {AbortController | null} */
    this.abort = null;
  }

  get busy() {
    return this.abort !== null;
  }

  /** @param {object} request the body of POST /review */
  async start(request) {
    this.clear();
    const abort = new AbortController();
    this.abort = abort;
    this.onchange();
    try {
      for await (const { event, data } of stream("/review", request, abort.signal)) {
        if (abort.signal.aborted) return;
        if (event === "move") this.moves.set(data.ply, data);
        else if (event === "done") this.accuracy = data.accuracy;
        this.onchange();
      }
    } catch (error) {
      if (isAbort(error) || abort.signal.aborted) return;
      this.error = messageOf(error);
    }
    this.abort = null;
    this.onchange();
  }

  stop() {
    this.abort?.abort();
    this.abort = null;
  }

  /** Forgets all opinions. */
  clear() {
    this.stop();
    this.moves.clear();
    this.accuracy = null;
    this.error = "";
  }

  /** @param {number} player @returns {[string, number][]} how often each kind of error was made */
  errors(player) {
    const mine = [...this.moves.values()].filter(({ ply }) => playerOf(ply) === player);
    return MARKED.map((kind) => [kind, mine.filter(({ verdict }) => verdict === kind).length]);
  }

  /** The value at each ply of a game of `plies` plies, from the view of player 1. @param {number} plies */
  values(plies) {
    /** @type {(number | undefined)[]} */
    const values = new Array(plies + 1).fill(undefined);
    for (const { ply, value_before: before, value_after: after } of this.moves.values()) {
      values[ply - 1] ??= before;
      values[ply] = after;
    }
    return values;
  }
}

/** What is written of a move in an exported text; empty for a good one. @param {ReviewedMove} move */
export function written(move) {
  if (move.verdict === "good") return "";
  const title = move.verdict[0].toUpperCase() + move.verdict.slice(1);
  const comment = move.comment || (move.best === null ? "" : `${move.best} was better`);
  return comment === "" ? title : `${title}: ${comment}`;
}
