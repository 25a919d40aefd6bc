/** A game at its board, as Play and Review have it: stones, players, moves, keys, and the engine that thinks aloud. */

import { announce } from "./announce.js";
import { messageOf } from "./api.js";
import { Board } from "./board.js";
import { h, inText } from "./dom.js";
import { Game } from "./game.js";
import { Insight } from "./insight.js";
import { MoveList } from "./movelist.js";
import { inColours, opponentOf, playerOf } from "./points.js";
import { progressOf, Search } from "./search.js";
import { describePoint } from "./speak.js";
import { Tray } from "./tray.js";

/** @import { Meta } from "../../openapi.js" */
/** @import { BoardOptions } from "./board.js" */
/** @import { InsightOptions } from "./insight.js" */
/** @import { PlayedGame } from "./link.js" */
/** @import { Player } from "./points.js" */

const PAUSE_MS = 150; // so that stepping through a game starts no searches on the way

/**
 * @typedef {object} Options
 * @property {BoardOptions} board
 * @property {Omit<InsightOptions, "ongo" | "onswitch">} insight
 * @property {number} seconds how long a position is thought about while one looks at it
 */

/** Its subclasses have the buttons, and draw in `show` what changes around the board. */
export class Table {
  /** @param {Meta} meta @param {Options} options */
  constructor(meta, options) {
    this.meta = meta;
    this.here = false; // whether the page shows it
    this.note = ""; // what is said in place of how the game stands
    this.seconds = Math.min(options.seconds, meta.limits.seconds);
    this.board = new Board(meta.default.board_size, {
      onchoose: (point) => this.choose(point),
      onhover: (point) => this.insight.over(point),
      ...options.board,
    });
    this.board.describe = (point) => describePoint(point, this.board, this.now.position, this.insight.on);
    this.insight = new Insight(this.board, { ongo: (ply) => this.go(ply), onswitch: () => this.think(), ...options.insight });
    this.search = new Search(() => this.searched());
    this.game = this.newGame({ ...meta.default, moves: [] });
    this.far = new Tray();
    this.near = new Tray();
    this.moves = new MoveList((ply) => this.go(ply));
    /** @type {string[]} the moves that were drawn last */
    this.shown = [];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.pause = undefined;
    document.addEventListener("keydown", (event) => {
      if (!this.here || event.altKey || event.defaultPrevented || inText(event)) return;
      if (this.pressed(event)) event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden && !this.engineToMove) this.search.stop();
      else if (!document.hidden) this.think();
    });
  }

  /** What is on the board. */
  get now() {
    return this.game;
  }

  /** The network that thinks. */
  get network() {
    return this.meta.default.network;
  }

  get engineToMove() {
    return false;
  }

  /** Whether a stone can be placed by hand. */
  get mayPlay() {
    return this.now.result === null;
  }

  /** Whether the engine has something else to do than to think aloud. */
  get engaged() {
    return this.engineToMove;
  }

  /** @param {PlayedGame} played */
  newGame(played) {
    return new Game(played, {
      onmove: () => this.moved(),
      onposition: () => this.settled(),
      onerror: (error) => this.refused(error),
    });
  }

  /** Takes the board for another game. @param {PlayedGame} played */
  lay(played) {
    this.search.stop();
    this.note = "";
    if (this.board.size !== played.board_size) this.board.resize(played.board_size);
    this.board.setStones({});
    this.board.marks.setLast(null, []);
    this.board.marks.setFive([]);
    this.shown = [];
    this.game = this.newGame(played);
  }

  leave() {
    this.here = false;
    clearTimeout(this.pause);
    this.search.stop();
  }

  /** To a ply of the game. @param {number} ply */
  go(ply) {
    this.game.go(ply);
  }

  /** Why no stone can be placed on a point, null where one can. @param {string} point @returns {string | null} */
  refusal(point) {
    const { now, board } = this;
    if (now.result !== null) return "The game is over";
    if (board.stones.has(point)) return `${point} is taken`;
    return now.position?.forbidden.find((one) => one.point === point)?.reason ?? null;
  }

  /** @param {string} point */
  choose(point) {
    const refusal = this.refusal(point);
    if (refusal === null) this.place(point);
    else this.say(refusal);
  }

  /** @param {string} point where a stone can be placed */
  place(point) {
    this.game.play(point);
  }

  /** The moves or the ply changed: what needs no server. The server's answer corrects it. */
  moved() {
    const { now, board, shown } = this;
    this.note = "";
    clearTimeout(this.pause); // a search of the position before
    this.search.stop();
    if (now.ply === shown.length + 1 && now.last !== null) {
      board.put(now.last, playerOf(now.ply));
      board.marks.setLast(now.last, []);
    } else if (now.ply === shown.length - 1) {
      board.take(shown[now.ply]);
    }
    this.shown = now.request.moves;
    board.setGhost(this.mayPlay ? now.toMove : 0);
    this.insight.set(null, null, "");
    this.show();
  }

  /** The server has answered with the position. */
  settled() {
    const { now, board } = this;
    const { position } = now;
    if (position === null || !this.here) return;
    board.setStones(position.stones);
    board.marks.setLast(position.last?.point ?? null, position.last?.captured ?? []);
    board.marks.setFive(position.result?.line ?? []);
    board.setGhost(this.mayPlay ? now.toMove : 0);
    this.insight.set(position, null, "");
    this.show();
    this.think();
  }

  /** The server would not have the moves. @param {unknown} error */
  refused(error) {
    this.fail(error);
  }

  /** Has the engine think aloud, where that is wanted. */
  think() {
    const { now, search } = this;
    if (!this.here || now.position === null) return;
    if (!this.insight.wantsSearch || now.result !== null || document.hidden || this.engaged) {
      search.stop();
      this.searched();
    } else if (!search.busy && search.state !== "done") {
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.analyse(), PAUSE_MS);
    }
  }

  analyse() {
    const { now, search, network, seconds } = this;
    if (!this.here || now.position === null || search.busy || this.engaged) return;
    void search.start({ ...now.request, network, seconds, purpose: "analyse", every_ms: 200 });
  }

  /** The search reports progress. */
  searched() {
    const { search, now } = this;
    if (search.view !== null && search.state !== "idle") now.values[now.ply] = search.view.value;
    this.insight.set(now.position, search.view, this.progress);
    this.show();
  }

  /** How the engine's thinking aloud goes. */
  get progress() {
    return progressOf(this.search);
  }

  /** @param {unknown} error */
  fail(error) {
    this.say(messageOf(error));
  }

  /** @param {string} text */
  say(text) {
    this.note = inColours(text);
    announce(this.note);
    this.show();
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was for it */
  pressed(event) {
    if (event.ctrlKey || event.metaKey || (event.key !== "Home" && event.key !== "End")) return false;
    this.go(event.key === "Home" ? 0 : this.game.moves.length);
    return true;
  }

  /** Everything around the board. */
  show() {}

  /** The players' lines. @param {Player} below who sits below @param {(player: Player) => {name: string, detail: string}} about */
  showPlayers(below, about) {
    const { position, result, toMove } = this.now;
    for (const [tray, player] of /** @type {[Tray, Player][]} */ ([
      [this.near, below],
      [this.far, opponentOf(below)],
    ])) {
      tray.set({
        player,
        ...about(player),
        turn: result === null && toMove === player,
        captured: position?.captured_stones[player] ?? tray.captures,
        needed: position === null ? tray.needs : position.stones_to_win,
      });
    }
  }
}

/**
 * The board between its players, with what is said of the game, its moves, and what the engine thinks.
 * @param {Table} table
 * @param {{kind?: string, status: Node[], confirm?: Node, beside?: Node}} parts
 */
export function layOut({ far, near, board, insight, moves }, { kind = "", status, confirm, beside }) {
  return h(
    "div",
    { class: `table ${kind}` },
    h("div", { class: "area-far" }, far.element),
    h("div", { class: "area-board" }, insight.bar.element, h("div", { class: "board-box" }, board.element)),
    h("div", { class: "area-near" }, near.element),
    confirm && h("div", { class: "area-confirm" }, confirm),
    h("div", { class: "area-status card" }, ...status),
    h("section", { class: "area-moves card", "aria-label": "Game" }, moves.element),
    h("div", { class: "area-insight" }, beside, insight.element),
  );
}
