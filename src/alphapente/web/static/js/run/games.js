// @ts-check
/** Games of a run: those in play now, on small boards, and the newest in its database; each opens in the Review room. */

import { get } from "../api.js";
import { Board } from "../board.js";
import { h, setText, show } from "../dom.js";
import { writeLink } from "../link.js";
import { ago, count } from "./format.js";

const LIVE_MS = 1200;
const RECENT_MS = 10_000;
const RESULTS = ["1/2-1/2", "1-0", "0-1"];

/** The games in play now. */
export class LiveGamesPanel {
  constructor() {
    this.about = h("p", { class: "muted" });
    this.grid = h("div", { class: "live-games" });
    this.element = h("section", { class: "card" }, h("h2", {}, "Games in play now"), this.about, this.grid);
    this.element.hidden = true;
    /** @type {Map<string, LiveBoard>} */
    this.boards = new Map();
    this.readAt = -Infinity;
    this.reading = false;
    this.config = "";
  }

  /** @param {any} run a snapshot */
  update(run) {
    if (run.config !== this.config) {
      this.config = run.config;
      this.set({ games: [] });
    }
    const live = run.state === "running" || run.state === "ending";
    if (!live) this.set({ games: [] });
    else if (performance.now() - this.readAt > LIVE_MS) void this.read();
  }

  async read() {
    if (this.reading) return;
    this.reading = true;
    this.readAt = performance.now();
    const config = this.config;
    try {
      const told = await get(`/run/games/live?config=${encodeURIComponent(config)}`);
      if (config === this.config) this.set(told);
    } catch {
      // the next snapshot asks again
    } finally {
      this.reading = false;
    }
  }

  /** @param {any} told */
  set(told) {
    show(this.element, told.games.length > 0);
    if (told.games.length > 0) setText(this.about, `${told.variant} ${told.board_size}x${told.board_size}, ${told.model_type} of step ${count(told.step)}`);
    const seeds = new Set(told.games.map((/** @type {any} */ game) => game.seed));
    for (const [seed, board] of this.boards) {
      if (!seeds.has(seed) || board.size !== told.board_size) {
        board.element.remove();
        this.boards.delete(seed);
      }
    }
    for (const game of told.games) {
      let board = this.boards.get(game.seed);
      if (board === undefined) {
        board = new LiveBoard(told.board_size);
        this.boards.set(game.seed, board);
        this.grid.append(board.element);
      }
      board.set(told.variant, game);
    }
  }
}

/** A game in play, on a small board that is a link to it. */
class LiveBoard {
  /** @param {number} size */
  constructor(size) {
    this.size = size;
    this.board = new Board(size, { label: "", coordinates: false });
    this.board.element.setAttribute("aria-hidden", "true");
    this.caption = h("span", { class: "number" });
    this.element = h("a", { class: "live-game" }, this.board.element, this.caption);
  }

  /** @param {string} variant @param {any} game */
  set(variant, game) {
    const link = `#review/${writeLink({ variant, board_size: this.size, moves: game.moves })}`;
    if (this.element.getAttribute("href") === link) return;
    this.element.setAttribute("href", link);
    this.board.setStones(game.stones);
    const last = game.moves[game.moves.length - 1] ?? null;
    this.board.marks?.setLast(last, []);
    const pairs = game.captured["1"] + game.captured["2"] > 0 ? `, pairs ${game.captured["1"]}:${game.captured["2"]}` : "";
    setText(this.caption, `move ${game.moves.length}${last === null ? "" : ` ${last}`}${pairs}`);
  }
}

/** The newest games of the database. */
export class RecentGamesPanel {
  constructor() {
    this.rows = h("tbody");
    this.nothing = h("p", { class: "muted" }, "No games yet");
    this.more = h("button", { type: "button", class: "button small", onclick: () => void this.readMore() }, "Older games");
    this.table = h(
      "div",
      { class: "run-scroll", tabindex: 0, role: "region", "aria-label": "Newest games" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ...["Game", "Board", "Moves", "Result", "By", "Network", "Stored"].map((name) => h("th", { scope: "col" }, name)))),
        this.rows,
      ),
    );
    this.element = h("section", { class: "card" }, h("h2", {}, "Newest games"), this.nothing, this.table, this.more);
    this.config = "";
    this.readAt = -Infinity;
    this.seen = "";
    this.reading = false;
    /** @type {any[]} */
    this.games = [];
    this.paged = false;
  }

  /** @param {any} run a snapshot */
  update(run) {
    if (run.config !== this.config) {
      this.config = run.config;
      this.readAt = -Infinity;
      this.paged = false;
      this.set([]);
    }
    const seen = `${run.state} ${run.games}`;
    if (seen === this.seen || this.paged || performance.now() - this.readAt < RECENT_MS) return;
    this.seen = seen;
    void this.read(null);
  }

  readMore() {
    this.paged = true;
    return this.read(this.games[this.games.length - 1]?.id ?? null);
  }

  /** @param {number | null} before */
  async read(before) {
    if (this.reading) return;
    this.reading = true;
    this.readAt = performance.now();
    const config = this.config;
    try {
      const older = before === null ? "" : `&before=${before}`;
      const games = await get(`/run/games?limit=12&config=${encodeURIComponent(config)}${older}`);
      if (config !== this.config) return;
      this.set(before === null ? games : [...this.games, ...games]);
      this.more.disabled = games.length === 0;
    } catch {
      this.seen = ""; // the next snapshot asks again
    } finally {
      this.reading = false;
    }
  }

  /** @param {any[]} games */
  set(games) {
    this.games = games;
    show(this.nothing, games.length === 0);
    show(this.table, games.length > 0);
    show(this.more, games.length > 0);
    this.rows.replaceChildren(...games.map(gameRow));
  }
}

/** @param {any} game */
function gameRow(game) {
  const result = game.winner === null ? null : RESULTS[game.winner];
  const winner = game.winner === null ? "unfinished" : ["draw", "White", "Black"][game.winner];
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("a", { href: `#review/${writeLink(game, result)}` }, h("span", { class: "sr-only" }, "Review game "), `#${game.id}`)),
    h("td", { class: "number" }, `${game.board_size}x${game.board_size}`),
    h("td", { class: "number" }, game.moves.length),
    h("td", {}, winner),
    h("td", {}, game.won_by === "five" ? "five in a row" : game.won_by),
    h("td", { class: "number" }, `${game.model_type} ${count(game.step)}`),
    h("td", { class: "number" }, ago(game.created_at)),
  );
}
