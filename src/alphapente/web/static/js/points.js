/** Names of points and where they are drawn: "K10" is column 9 from the left, row 9 from the top of 19x19. */

export const COLUMNS = "ABCDEFGHJKLMNOPQRST";

/** @import { PositionAnswer } from "../../openapi.js" */
/** @typedef {PositionAnswer["to_move"]} Player */
/** @typedef {{column: number, row: number}} Place column from the left, row from the top, both from 0 */

/**
 * @param {string} name
 * @param {number} size
 * @returns {Place}
 */
export function placeOf(name, size) {
  return { column: COLUMNS.indexOf(name[0]), row: size - Number(name.slice(1)) };
}

/**
 * @param {number} column
 * @param {number} row
 * @param {number} size
 * @returns {string}
 */
export function nameOf(column, row, size) {
  return `${COLUMNS[column]}${size - row}`;
}

/**
 * The name that `text` stands for, null where it is none on a board of `size`.
 * @param {string} text
 * @param {number} size
 * @returns {string | null}
 */
export function readPoint(text, size) {
  const match = /^([A-HJ-T])([1-9][0-9]?)$/.exec(text.toUpperCase());
  if (match === null) return null;
  const fits = COLUMNS.indexOf(match[1]) < size && Number(match[2]) <= size;
  return fits ? match[0] : null;
}

/** @param {number} size @returns {string[]} every point of a board */
export function allPoints(size) {
  return Array.from({ length: size * size }, (_, at) => nameOf(at % size, Math.floor(at / size), size));
}

/**
 * The points with a dot on them: centre, corners and sides, as Go boards have them; fewer on small boards.
 * @param {number} size
 * @returns {Place[]}
 */
export function starPoints(size) {
  const middle = Math.floor(size / 2);
  const centre = [{ column: middle, row: middle }];
  if (size < 9 || size % 2 === 0) return centre;
  const edge = size < 13 ? 2 : 3;
  const places = size < 13 ? [edge, size - 1 - edge] : [edge, middle, size - 1 - edge];
  const around = places.flatMap((column) => places.map((row) => ({ column, row })));
  return [...around.filter(({ column, row }) => column !== middle || row !== middle), ...centre];
}

/** The colours that players 1 and 2 have on this page, as pente.org draws them. */
export const COLOURS = /** @type {Record<number, string>} */ ({ 1: "White", 2: "Black" });

/** Who makes the move of a ply. @param {number} ply from 1 @returns {Player} */
export function playerOf(ply) {
  return ply % 2 === 1 ? 1 : 2;
}

/** @param {Player} player @returns {Player} */
export function opponentOf(player) {
  return player === 1 ? 2 : 1;
}

/** The server speaks of players, the page of colours. @param {string} text @returns {string} */
export function inColours(text) {
  return text.replace(/player ([12])/gi, (_, player) => COLOURS[player]);
}

/** A move's number as game texts count, "7." for player 1 and "7…" for player 2. @param {number} ply from 1 */
export function moveNumber(ply) {
  return `${Math.ceil(ply / 2)}${ply % 2 ? "." : "…"}`;
}
