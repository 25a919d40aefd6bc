/**
 * The board in SVG: lines, coordinates, stones, and what one does on it by mouse, touch and keyboard.
 *
 * It draws what its caller sets and reports the chosen point; it has no rules. One unit of the drawing is a hundredth
 * of the distance between two lines.
 */

import { announce } from "./announce.js";
import { h, s } from "./dom.js";
import { BoardMarks } from "./marks.js";
import { COLUMNS, nameOf, placeOf, readPoint, starPoints } from "./points.js";

const CELL = 100;
const NEAR = 112; // from the edge with coordinates to the first line
const FAR = 62; // from the last line to the edge without
const CLOSE_LINES = 27; // pixels between lines, below which a finger needs a second tap

let boards = 0;

/**
 * @typedef {object} BoardOptions
 * @property {string} label what a screen reader calls it
 * @property {((point: string) => void)} [onchoose] a point was chosen; without it the board is a picture
 * @property {((point: string | null) => void)} [onhover] the pointer is over a point
 * @property {((point: string | null) => void)} [onpreview] a first tap, to be confirmed by a second
 * @property {((step: number) => boolean)} [onarrow] left (-1) and right (1): true where they are used otherwise
 * @property {boolean} [coordinates] whether they are drawn; default true
 */

/** A board, its stones and its marks. */
export class Board {
  /** @param {number} size @param {BoardOptions} options */
  constructor(size, options) {
    this.options = options;
    this.id = `board${(boards += 1)}`;
    /** @type {Map<string, {player: number, element: SVGElement}>} */
    this.stones = new Map();
    /** @type {string | null} */
    this.cursor = null;
    /** @type {string | null} */
    this.preview = null;
    /** @type {0 | 1 | 2} */
    this.ghostPlayer = 0;
    this.typed = "";
    this.describe = (/** @type {string} */ _point) => "";
    this.near = options.coordinates === false ? FAR : NEAR;
    const active = options.onchoose !== undefined;
    this.element = h("div", {
      class: active ? "board active" : "board",
      role: active ? "application" : "img",
      "aria-roledescription": active ? "board" : null,
      "aria-label": options.label,
      tabindex: active ? 0 : null,
    });
    this.size = size;
    this.extent = this.extentOf(size);
    this.layers = newLayers();
    this.svg = this.draw();
    this.marks = new BoardMarks(this);
    if (active) this.listen();
  }

  /** Draws an empty board of another size. @param {number} size */
  resize(size) {
    this.size = size;
    this.extent = this.extentOf(size);
    this.stones.clear();
    this.cursor = null;
    this.preview = null;
    this.layers = newLayers();
    this.svg = this.draw();
    this.marks = new BoardMarks(this);
  }

  /** @param {number} size */
  extentOf(size) {
    return (size - 1) * CELL + this.near + FAR;
  }

  draw() {
    const extent = this.extent;
    const svg = s(
      "svg",
      { viewBox: `0 0 ${extent} ${extent}`, "aria-hidden": "true", focusable: "false" },
      this.definitions(),
      s("rect", { class: "wood", width: extent, height: extent, rx: 26 }),
      s("rect", { fill: `url(#${this.id}-sheen)`, width: extent, height: extent, rx: 26 }),
      this.lines(),
      this.options.coordinates === false ? null : this.coordinates(),
      ...Object.values(this.layers),
    );
    this.element.replaceChildren(svg);
    return svg;
  }

  definitions() {
    const stop = (/** @type {string} */ offset, /** @type {string} */ name) => s("stop", { offset, class: name });
    return s(
      "defs",
      {},
      s(
        "radialGradient",
        { id: `${this.id}-1`, cx: "36%", cy: "30%", r: "75%" },
        stop("0", "white-0"),
        stop("0.6", "white-1"),
        stop("1", "white-2"),
      ),
      s(
        "radialGradient",
        { id: `${this.id}-2`, cx: "36%", cy: "30%", r: "75%" },
        stop("0", "black-0"),
        stop("0.5", "black-1"),
        stop("1", "black-2"),
      ),
      s("linearGradient", { id: `${this.id}-sheen`, x1: "0", y1: "0", x2: "1", y2: "1" }, stop("0", "sheen-0"), stop("1", "sheen-1")),
    );
  }

  lines() {
    const last = this.at(this.size - 1);
    const first = this.at(0);
    let path = "";
    for (let line = 0; line < this.size; line += 1) {
      path += `M${this.at(line)} ${this.down(0)}V${this.down(this.size - 1)}`;
      path += `M${first} ${this.down(line)}H${last}`;
    }
    const dots = starPoints(this.size).map(({ column, row }) => s("circle", { cx: this.at(column), cy: this.down(row), r: 10 }));
    return s("g", { class: "lines" }, s("path", { d: path }), ...dots);
  }

  coordinates() {
    const labels = [];
    for (let line = 0; line < this.size; line += 1) {
      labels.push(s("text", { x: this.at(line), y: this.extent - 20 }, COLUMNS[line]));
      labels.push(s("text", { x: 36, y: this.down(line) + 15 }, this.size - line));
    }
    return s("g", { class: "coordinates" }, ...labels);
  }

  /** The x of a column. @param {number} column */
  at(column) {
    return this.near + column * CELL;
  }

  /** The y of a row. @param {number} row */
  down(row) {
    return FAR + row * CELL;
  }

  /** @param {string} point @returns {{x: number, y: number}} where it is drawn */
  xy(point) {
    const { column, row } = placeOf(point, this.size);
    return { x: this.at(column), y: this.down(row) };
  }

  /**
   * Puts on the board the stones that are not there yet, and takes off the others, which fade.
   * @param {Record<string, string[]>} stones points by player, "1" and "2"
   */
  setStones(stones) {
    /** @type {Map<string, number>} */
    const wanted = new Map();
    for (const player of [1, 2]) {
      for (const point of stones[player] ?? []) wanted.set(point, player);
    }
    for (const [point, stone] of this.stones) {
      if (wanted.get(point) !== stone.player) this.take(point);
    }
    for (const [point, player] of wanted) this.put(point, player);
  }

  /** Draws a stone at once. @param {string} point @param {number} player */
  put(point, player) {
    if (this.stones.get(point)?.player === player) return;
    this.take(point);
    const element = this.stone(point, player);
    element.dataset.point = point;
    element.classList.add("stone");
    this.layers.stones.append(element);
    this.stones.set(point, { player, element });
  }

  /** @param {string} point */
  take(point) {
    const stone = this.stones.get(point);
    if (stone === undefined) return;
    this.stones.delete(point);
    stone.element.classList.add("leaving");
    this.layers.gone.append(stone.element);
    setTimeout(() => stone.element.remove(), 260);
  }

  /** A stone as it is drawn. @param {string} point @param {number} player @param {number} [radius] @returns {SVGGElement} */
  stone(point, player, radius = 46) {
    const { x, y } = this.xy(point);
    return s(
      "g",
      {},
      s("circle", { class: "stone-shadow", cx: x + 4, cy: y + 6, r: radius }),
      s("circle", { class: `stone-${player}`, cx: x, cy: y, r: radius, fill: `url(#${this.id}-${player})` }),
    );
  }

  /** Whose stone is shown under the pointer; 0 for nobody's. @param {0 | 1 | 2} player */
  setGhost(player) {
    if (this.ghostPlayer === player) return;
    this.ghostPlayer = player;
    this.element.classList.toggle("playable", player !== 0);
    this.drawGhost(null);
    this.setPreview(null);
  }

  /** @param {string | null} point @param {boolean} [aimed] with lines through it */
  drawGhost(point, aimed = false) {
    this.layers.ghost.replaceChildren();
    if (point === null || this.ghostPlayer === 0 || this.stones.has(point)) return;
    const { x, y } = this.xy(point);
    if (aimed) {
      this.layers.ghost.append(s("path", { class: "aim", d: `M${x} 0V${this.extent}M0 ${y}H${this.extent}` }));
    }
    this.layers.ghost.append(this.stone(point, this.ghostPlayer));
  }

  /** Shows a stone that waits for its second tap. @param {string | null} point */
  setPreview(point) {
    if (this.preview === point) return;
    this.preview = point;
    this.drawGhost(point, true);
    this.options.onpreview?.(point);
  }

  /** Moves the keyboard's point, null to hide it. @param {string | null} point @param {boolean} [spoken] */
  setCursor(point, spoken = false) {
    this.cursor = point;
    this.layers.cursor.replaceChildren();
    if (point === null) return;
    const { x, y } = this.xy(point);
    this.layers.cursor.append(
      s("rect", { class: "cursor-edge", x: x - 50, y: y - 50, width: 100, height: 100, rx: 16 }),
      s("rect", { class: "cursor", x: x - 50, y: y - 50, width: 100, height: 100, rx: 16 }),
    );
    if (spoken) announce(`${point}, ${this.describe(point)}`);
  }

  /** @param {{clientX: number, clientY: number}} event @returns {string | null} the nearest point */
  pointAt(event) {
    const box = this.svg.getBoundingClientRect();
    const scale = this.extent / box.width;
    const column = Math.round(((event.clientX - box.left) * scale - this.near) / CELL);
    const row = Math.round(((event.clientY - box.top) * scale - FAR) / CELL);
    const on = column >= 0 && row >= 0 && column < this.size && row < this.size;
    return on ? nameOf(column, row, this.size) : null;
  }

  listen() {
    /** @type {string | null} */
    let over = null;
    this.element.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      const point = this.pointAt(event);
      if (point === over) return;
      over = point;
      this.drawGhost(point);
      this.options.onhover?.(point);
    });
    this.element.addEventListener("pointerleave", () => {
      over = null;
      if (this.preview === null) this.drawGhost(null);
      this.options.onhover?.(null);
    });
    this.element.addEventListener("click", (event) => this.clicked(/** @type {PointerEvent} */ (event)));
    this.element.addEventListener("keydown", (event) => this.pressed(event));
    this.element.addEventListener("focus", () => {
      if (this.element.matches(":focus-visible") && this.options.onarrow === undefined) {
        this.setCursor(this.cursor ?? this.centre(), true);
      }
    });
    this.element.addEventListener("blur", () => this.setCursor(null));
  }

  centre() {
    const middle = Math.floor(this.size / 2);
    return nameOf(middle, middle, this.size);
  }

  /** @param {PointerEvent} event */
  clicked(event) {
    const point = this.pointAt(event);
    if (point === null) return;
    this.setCursor(null);
    const tight = this.svg.getBoundingClientRect().width / (this.extent / CELL) < CLOSE_LINES;
    if (event.pointerType === "touch" && tight && this.ghostPlayer !== 0 && this.preview !== point) {
      this.setPreview(this.stones.has(point) ? null : point);
      return;
    }
    this.choose(point);
  }

  /** @param {string} point */
  choose(point) {
    this.setPreview(null);
    this.drawGhost(null);
    this.options.onchoose?.(point);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key;
    /** @type {Record<string, [number, number]>} */
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (key in arrows) {
      const [across, down] = arrows[key];
      if (this.options.onarrow !== undefined) {
        if (across !== 0 && this.options.onarrow(across)) event.preventDefault();
        return;
      }
      this.moveCursor(across, down);
    } else if (key === "Enter" || key === " ") {
      if (this.cursor === null) return;
      const point = this.cursor;
      this.typed = "";
      this.choose(point);
    } else if (key === "Escape") {
      this.typed = "";
      this.setPreview(null);
      this.setCursor(null);
      return; // others may want it too
    } else if (/^[a-hj-t]$/i.test(key)) {
      this.typed = key.toUpperCase();
    } else if (/^[0-9]$/.test(key) && this.typed !== "") {
      this.typed += key;
      const point = readPoint(this.typed, this.size);
      if (point === null) this.typed = "";
      else this.setCursor(point, true);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} across @param {number} down */
  moveCursor(across, down) {
    const { column, row } = placeOf(this.cursor ?? this.centre(), this.size);
    const inside = (/** @type {number} */ line) => Math.min(this.size - 1, Math.max(0, line));
    this.typed = "";
    this.setCursor(nameOf(inside(column + across), inside(row + down), this.size), true);
  }
}

/** What lies on the board, from the wood up. */
function newLayers() {
  return {
    below: s("g"),
    stones: s("g", { class: "stones" }),
    gone: s("g"),
    above: s("g"),
    ghost: s("g", { class: "ghost" }),
    cursor: s("g"),
  };
}
