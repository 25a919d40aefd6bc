/** A whole game in an address: `pente/19/K10M9N10M7`, followed by the result if the moves do not decide it. */

/** @import { GameMoves, ParsedGame } from "../../openapi.js" */
/** @typedef {Required<GameMoves>} PlayedGame */
/** @typedef {ParsedGame["result"]} ResultText */

/** A result as game texts write it. @param {0 | 1 | 2 | null} winner @returns {ResultText} */
export function resultText(winner) {
  return winner === null ? null : winner === 0 ? "1/2-1/2" : winner === 1 ? "1-0" : "0-1";
}

/**
 * @param {PlayedGame} game
 * @param {ResultText} [result]
 * @param {number} [ply] where to open it; default: at the end
 * @returns {string}
 */
export function writeLink(game, result = null, ply = undefined) {
  const ending = result === null ? "" : `/${result.replace("1/2-1/2", "draw")}`;
  const place = ply === undefined ? "" : `?ply=${ply}`;
  return `${game.variant}/${game.board_size}/${game.moves.join("")}${ending}${place}`;
}

/**
 * @param {string} text what `writeLink` wrote
 * @returns {{game: PlayedGame, result: ResultText, ply: number | null} | null} null for what is no game
 */
export function readLink(text) {
  const match = /^([a-z]+)\/([0-9]{1,2})\/((?:[A-HJ-T][0-9]{1,2})*)(?:\/(1-0|0-1|draw))?(?:\?ply=([0-9]{1,3}))?$/.exec(text);
  if (match === null) return null;
  const moves = match[3].match(/[A-Z][0-9]+/g) ?? [];
  const result = /** @type {ResultText} */ (match[4]?.replace("draw", "1/2-1/2") ?? null);
  const ply = match[5] === undefined ? null : Math.min(Number(match[5]), moves.length);
  const variant = /** @type {PlayedGame["variant"]} */ (match[1]); // the server knows which there are
  return { game: { variant, board_size: Number(match[2]), moves }, result, ply };
}
