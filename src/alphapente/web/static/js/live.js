/** Games that self-play has on its boards now: followed move by move, and drawn small. */

import { get } from "./api.js";
import { Board } from "./board.js";
import { h, setText } from "./dom.js";

/** @import { BoardView, BoardsAnswer } from "../../openapi.js" */

const BUSY_MS = 1000; // self-play writes its games every second
const IDLE_MS = 4000;

/** @type {BoardsAnswer} */
export const NO_GAMES = { variant: null, board_size: null, model_type: null, step: null, updated_at: null, games: [] };

/** @param {string} [config] the run's configuration; default: the server's own @returns {Promise<BoardsAnswer>} */
export async function liveGames(config = "") {
  return get("/run/games/live", { config: config || null });
}

/**
 * Asks for the games in play until it is stopped.
 * @param {string} config
 * @param {(live: BoardsAnswer) => void} ontell
 * @param {(error: unknown) => void} onerror
 * @returns {() => void} stops it
 */
export function followLive(config, ontell, onerror) {
  let stopped = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const ask = async () => {
    let pause = IDLE_MS;
    if (!document.hidden) {
      try {
        const live = await liveGames(config);
        if (stopped) return;
        if (live.games.length > 0) pause = BUSY_MS;
        ontell(live);
      } catch (error) {
        if (stopped) return;
        onerror(error);
      }
    }
    timer = setTimeout(ask, pause);
  };
  void ask();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** @param {BoardsAnswer} live @returns {string} what is played, and by whom */
export function aboutLive(live) {
  return `${live.board_size} × ${live.board_size}, ${live.model_type} of step ${live.step?.toLocaleString("en")}`;
}

/** The games in play on small boards, each a link to where it is followed. */
export class LiveBoards {
  constructor() {
    this.element = h("div", { class: "live-boards" });
    /** @type {LiveBoard[]} by their places: a game that ends makes room for the next */
    this.boards = [];
  }

  /** @param {BoardsAnswer} live @param {string} [config] the run's configuration; default: the server's own */
  set({ games, board_size: size }, config = "") {
    const boards =
      size === null ? [] : games.map((_game, place) => (this.boards[place]?.size === size ? this.boards[place] : new LiveBoard(size)));
    if (boards.length !== this.boards.length || boards.some((board, place) => board !== this.boards[place])) {
      this.element.replaceChildren(...boards.map((board) => board.element));
    }
    this.boards = boards;
    boards.forEach((board, place) => board.set(games[place], config));
  }
}

/** A small board that is a link. */
class LiveBoard {
  /** @param {number} size */
  constructor(size) {
    this.size = size;
    this.board = new Board(size, { label: "", coordinates: false });
    this.board.element.setAttribute("aria-hidden", "true");
    this.seed = "";
    this.caption = h("span", { class: "live-caption number" });
    this.element = h("a", { class: "live-board" }, this.board.element, this.caption);
  }

  /** @param {BoardView} game @param {string} config */
  set({ seed, moves, stones, captured }, config) {
    this.element.setAttribute("href", `#review/live/${config && `${encodeURIComponent(config)}/`}${seed}`);
    if (seed !== this.seed) this.board.resize(this.size); // another game: its board is there at once
    this.seed = seed;
    this.board.setStones(stones);
    const last = moves[moves.length - 1] ?? null;
    this.board.marks.setLast(last, []);
    const pairs = captured["1"] + captured["2"] > 0 ? ` · ${captured["1"]}:${captured["2"]}` : "";
    setText(this.caption, `${moves.length}.${last === null ? "" : ` ${last}`}${pairs}`);
    this.element.setAttribute(
      "aria-label",
      `Game in play, move ${moves.length}${last === null ? "" : ` ${last}`}, captured pairs ${captured["1"]} to ${captured["2"]}`,
    );
  }
}
