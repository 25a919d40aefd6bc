/** Puts into words how a game stands, for eyes and for ears. */

import { COLOURS } from "./points.js";
import { progressOf } from "./search.js";

/** @import { PositionAnswer, Result } from "../../openapi.js" */

/** What a game was won by, in words. @param {string} by */
export function wonBy(by) {
  return by === "five" ? "five in a row" : by;
}

/** How a game ended. @param {Result} result */
export function endingOf(result) {
  return result.winner === 0 ? "A draw" : `${COLOURS[result.winner]} wins by ${wonBy(result.by)}`;
}

/** How a game ended for the one who plays `side`, 0 for both. @param {Result} result @param {0 | 1 | 2} side */
export function endingFor(result, side) {
  if (side === 0 || result.winner === 0) return endingOf(result);
  return `${result.winner === side ? "You win" : "The engine wins"} by ${wonBy(result.by)}`;
}

/**
 * The text of a point for screen readers: no more than the board shows.
 * @param {string} point
 * @param {import("./board.js").Board} board
 * @param {PositionAnswer | null} position
 * @param {Set<string>} shown the switches that are on
 */
export function describePoint(point, board, position, shown) {
  const stone = board.stones.get(point);
  if (stone !== undefined) return `${COLOURS[stone.player].toLowerCase()} stone`;
  if (position?.forbidden.some((one) => one.point === point)) return "empty, forbidden";
  const said = ["empty"];
  if (position !== null && shown.has("threats")) {
    if (position.threats.wins.includes(point)) said.push("wins");
    if (position.threats.must_answer.includes(point)) said.push("must be answered");
  }
  const takes = shown.has("captures") && position?.threats.captures.find((one) => one.point === point)?.takes;
  if (takes) said.push(`captures ${takes.join(" and ")}`);
  return said.join(", ");
}

/** @typedef {import("./play.js").PlayRoom} PlayRoom */

/** The state of a game against the engine, in a line. @param {PlayRoom} room */
export function statusOf({ game, search, setup, engineToMove }) {
  if (game.result !== null) return endingFor(game.result, setup.side);
  if (engineToMove) return search.state === "failed" ? search.error : "The engine thinks";
  if (!game.atEnd) return "Looking back";
  return setup.side === 0 ? `${COLOURS[game.toMove]} to move` : "Your turn";
}

/** What is to be added to that, in small. @param {PlayRoom} room */
export function detailOf({ game, search, engineToMove }) {
  if (game.result !== null) return "";
  if (engineToMove) {
    if (search.state === "failed") return "";
    const best = search.view === null ? "" : `${search.view.best} so far`;
    return [best, progressOf(search)].filter(Boolean).join(", ");
  }
  if (!game.atEnd) return `After move ${game.ply} of ${game.moves.length}`;
  return game.ply === 0 && game.position?.legal_count === 1 ? "The first stone goes on the centre" : "";
}
