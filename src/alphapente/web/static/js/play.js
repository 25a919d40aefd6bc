// @ts-check
/** The Play room: a game against the engine, or by hand on both sides. */

import { announce } from "./announce.js";
import { messageOf } from "./api.js";
import { Board } from "./board.js";
import { show } from "./dom.js";
import { Game } from "./game.js";
import { Insight } from "./insight.js";
import { readLink, resultText, writeLink } from "./link.js";
import { askForGame, askForOpponent, confirm, networks, shortTitleOf } from "./opponents.js";
import { layOut } from "./play_view.js";
import { COLOURS, inColours } from "./points.js";
import { recall, remember } from "./preferences.js";
import { progressOf, Search } from "./search.js";
import { describePoint, detailOf, endingFor, statusOf } from "./speak.js";

/** @import { Meta, NetworkInfo } from "../../openapi.js" */
/** @import { Player } from "./points.js" */
/** @import { Setup } from "./opponents.js" */
/** @typedef {{setup: Setup, moves: string[], resigned: Player | null, values: (number | null)[]}} KeptGame */

const IDLE_THOUGHT_S = 30; // how long the engine thinks aloud on its opponent's time

/** @param {HTMLElement} root @param {Meta} meta */
export function mount(root, meta) {
  const room = new PlayRoom(root, meta);
  return { enter: (/** @type {string} */ path) => room.enter(path), leave: () => room.leave() };
}

class PlayRoom {
  /** @param {HTMLElement} root @param {Meta} meta */
  constructor(root, meta) {
    this.meta = meta;
    this.open = false;
    this.trouble = "";
    /** @type {NetworkInfo[]} */
    this.networks = [];
    /** @type {Setup} */
    this.setup = {
      variant: meta.default.variant,
      board_size: meta.default.board_size,
      side: 1,
      network: meta.default.network,
      strength: meta.default.strength,
    };
    this.board = new Board(this.setup.board_size, {
      label: "Board. Arrows move the cursor, Enter plays, or type a point's name",
      onchoose: (point) => this.choose(point),
      onhover: (point) => this.insight.over(point),
      onpreview: (point) => this.view.preview(point),
    });
    this.board.describe = (point) => describePoint(point, this.board, this.game.position, this.insight.on);
    this.insight = new Insight(this.board, {
      name: "play",
      on: ["value", "captures", "threats"],
      ongo: (ply) => this.game.go(ply),
      onswitch: () => this.think(),
      nothing: "White's chance over the game: drawn as the engine thinks",
    });
    this.search = new Search(() => this.searched());
    this.game = new Game({ ...this.setup, moves: [] });
    this.view = layOut(root, this.board, this.insight, {
      go: (ply) => this.game.go(ply),
      undo: () => this.undo(),
      redo: () => this.redo(),
      swap: () => this.swap(),
      resign: () => void this.resign(),
      fresh: () => void this.fresh(),
      again: () => this.begin({ ...this.setup, side: this.setup.side === 0 ? 0 : this.setup.side === 1 ? 2 : 1 }, []),
      review: () => {
        location.hash = `review/${this.link()}`;
      },
      opponent: () => void this.opponent(),
      retry: () => this.think(),
    });
    document.addEventListener("keydown", (event) => this.pressed(event));
    document.addEventListener("visibilitychange", () => {
      if (!this.open) return;
      if (document.hidden && !this.engineToMove) this.search.stop();
      else if (!document.hidden && !this.search.busy) this.think();
    });
    this.restore();
  }

  /** Restores the game that this browser had at the last visit. */
  restore() {
    const kept = recall("game", /** @type {Partial<KeptGame> | null} */ (null));
    try {
      this.begin({ ...this.setup, ...kept?.setup }, kept?.moves ?? [], kept?.resigned ?? null, kept?.values ?? []);
    } catch {
      this.begin(this.setup, []);
    }
  }

  /** @param {string} path */
  enter(path) {
    this.open = true;
    const linked = readLink(path);
    if (linked !== null) {
      history.replaceState(null, "", "#play");
      const { moves, ...rules } = linked.game;
      const side = moves.length % 2 === 0 ? 1 : 2;
      this.begin({ ...this.setup, ...rules, side }, moves);
    } else if (path !== "") {
      this.say("This address contains no valid game. Is it complete?");
    }
    void networks().then(
      (known) => {
        this.networks = known;
        if (!known.some(({ id }) => id === this.setup.network)) this.setup.network = this.meta.default.network;
        this.show();
      },
      (error) => this.fail(error),
    );
    void this.game.settle();
  }

  leave() {
    this.open = false;
    this.search.stop();
  }

  /**
   * Begins or continues a game.
   * @param {Setup} setup
   * @param {string[]} moves
   * @param {Player | null} [resigned]
   * @param {(number | null)[]} [values] null where none is known
   */
  begin(setup, moves, resigned = null, values = []) {
    this.search.stop();
    this.setup = setup;
    this.trouble = "";
    if (this.board.size !== setup.board_size) this.board.resize(setup.board_size);
    this.board.setStones({});
    this.board.marks.setLast(null, []);
    this.board.marks.setFive([]);
    this.game = new Game(
      { ...setup, moves },
      { onmove: () => this.moved(), onposition: () => this.settled(), onerror: (error) => this.refused(error) },
    );
    this.game.resigned = resigned;
    this.game.values = values.map((value) => value ?? undefined);
    this.moved();
    if (this.open) void this.game.settle();
  }

  get engineToMove() {
    const { side } = this.setup;
    return side !== 0 && this.game.toMove !== side && this.game.atEnd && this.game.result === null;
  }

  get mayPlay() {
    const { side } = this.setup;
    return this.game.result === null && (side === 0 || this.game.toMove === side);
  }

  /** @param {string} point */
  choose(point) {
    this.trouble = "";
    if (this.game.result !== null) return this.say("The game is over");
    if (!this.mayPlay) return this.say(this.game.atEnd ? "It is the engine's turn" : "It was the engine's turn here");
    if (this.board.stones.has(point)) return this.say(`${point} is taken`);
    const forbidden = this.game.position?.forbidden.find((one) => one.point === point);
    if (forbidden !== undefined) return this.say(forbidden.reason);
    this.board.put(point, this.game.toMove); // at once; the server's answer corrects it
    this.board.marks.setLast(point, []);
    this.game.play(point);
  }

  /** The moves or the ply changed: what needs no server. */
  moved() {
    this.search.stop();
    this.trouble = "";
    this.board.setGhost(this.mayPlay ? this.game.toMove : 0);
    this.insight.set(null, null, "");
    this.keep();
    this.show();
  }

  /** The server has answered with the position. */
  settled() {
    const { game, board } = this;
    const position = game.position;
    if (position === null) return;
    board.setStones(position.stones);
    board.marks.setLast(position.last?.point ?? null, position.last?.captured ?? []);
    board.marks.setFive(position.result?.line ?? []);
    board.setGhost(this.mayPlay ? game.toMove : 0);
    if (game.result !== null) {
      game.values[game.ply] = game.result.winner === 1 ? 1 : game.result.winner === 2 ? -1 : 0;
      announce(endingFor(game.result, this.setup.side));
    }
    this.insight.set(position, null, "");
    this.show();
    this.think();
  }

  /** Has the engine move, or think aloud while its opponent thinks. */
  think() {
    const { game, setup } = this;
    if (!this.open || game.position === null || game.result !== null) return;
    if (this.engineToMove) {
      if (!this.search.busy) void this.engineMove();
      return;
    }
    if (!this.insight.wantsSearch || document.hidden) {
      this.search.stop();
      this.searched();
    } else if (!this.search.busy && this.search.state !== "done") {
      const seconds = Math.min(IDLE_THOUGHT_S, this.meta.limits.seconds);
      void this.search.start({ ...game.request, network: setup.network, seconds, purpose: "analyse", every_ms: 200 });
    }
  }

  async engineMove() {
    const { game } = this;
    const { network, strength } = this.setup;
    this.trouble = "";
    const view = await this.search.start({ ...game.request, network, strength, purpose: "play", every_ms: 100 });
    if (view === null || game !== this.game || !this.engineToMove) return;
    game.values[game.ply] = view.value;
    this.board.put(view.best, game.toMove);
    announce(`The engine plays ${view.best}`);
    game.play(view.best);
  }

  /** The search reports progress. */
  searched() {
    const { view } = this.search;
    if (view !== null && this.search.state !== "idle") this.game.values[this.game.ply] = view.value;
    this.insight.set(this.game.position, view, this.engineToMove ? "" : progressOf(this.search));
    this.show();
  }

  /** The server would not have the last move. @param {unknown} error */
  refused(error) {
    const known = this.game.positions.has(this.game.key(this.game.ply - 1));
    if (known && error instanceof Error && "status" in error && error.status === 400) this.game.withdraw();
    this.fail(error);
  }

  /** @param {unknown} error */
  fail(error) {
    this.say(messageOf(error));
  }

  /** @param {string} text */
  say(text) {
    this.trouble = inColours(text);
    announce(this.trouble);
    this.show();
  }

  undo() {
    const { game, setup } = this;
    if (game.ply === 0) return;
    let ply = game.ply - 1;
    if (setup.side !== 0 && ply % 2 !== setup.side - 1) ply -= 1; // back to one's own turn
    if (ply >= 0) game.go(ply);
  }

  redo() {
    const { game, setup } = this;
    let ply = game.ply + 1;
    if (setup.side !== 0 && ply % 2 !== setup.side - 1) ply += 1;
    game.go(ply);
  }

  swap() {
    const { setup } = this;
    if (setup.side === 0) return;
    this.search.stop();
    this.setup = { ...setup, side: setup.side === 1 ? 2 : 1 };
    announce(`You play ${COLOURS[this.setup.side]} now`);
    this.game.go(this.game.ply);
  }

  async resign() {
    if (this.game.result !== null || this.game.ply === 0 || !(await confirm("Resign this game?", "Resign"))) return;
    this.search.stop();
    this.game.go(this.game.moves.length);
    this.game.resigned = this.setup.side === 0 ? this.game.toMove : this.setup.side;
    this.game.go(this.game.ply);
  }

  async fresh() {
    try {
      const setup = await askForGame(this.meta, this.setup);
      if (setup !== null) this.begin(setup, []);
    } catch (error) {
      this.fail(error);
    }
  }

  async opponent() {
    try {
      const opponent = await askForOpponent(this.meta, this.setup);
      if (opponent === null) return;
      this.setup = { ...this.setup, ...opponent };
      this.search.stop();
      this.keep();
      this.searched();
      this.think();
    } catch (error) {
      this.fail(error);
    }
  }

  link() {
    const { resigned, moves } = this.game;
    const result = resultText(resigned === null ? null : resigned === 1 ? 2 : 1);
    return writeLink({ ...this.setup, moves }, result, moves.length);
  }

  keep() {
    const { moves, resigned, values } = this.game;
    remember("game", { setup: this.setup, moves, resigned, values });
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (!this.open || event.altKey) return;
    if (event.target instanceof Element && event.target.closest("input, textarea, select, dialog") !== null) return;
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) this.undo();
    else if (key === "y" || key === "z") this.redo();
    else if (key === "home" && !event.ctrlKey) this.game.go(0);
    else if (key === "end" && !event.ctrlKey) this.game.go(this.game.moves.length);
    else return;
    event.preventDefault();
  }

  /** Everything around the board. */
  show() {
    const { game, setup, view } = this;
    const over = game.result !== null;
    const network = this.networks.find(({ id }) => id === setup.network);
    const strength = this.meta.strengths.find(({ id }) => id === setup.strength)?.title.split(":")[0] ?? setup.strength;
    const engine = network === undefined ? strength : `${strength} · ${shortTitleOf(network)}`;
    const near = setup.side === 2 ? 2 : 1;
    for (const [tray, player] of /** @type {const} */ ([
      [view.near, near],
      [view.far, near === 1 ? 2 : 1],
    ])) {
      const mine = setup.side === 0 || player === setup.side;
      tray.set({
        player,
        name: setup.side === 0 ? COLOURS[player] : mine ? "You" : "AlphaPente",
        detail: setup.side === 0 ? "" : mine ? COLOURS[player] : engine,
        turn: !over && game.toMove === player,
        captured: game.position?.captured_stones[player] ?? tray.captures,
        needed: game.position === null ? tray.needs : game.position.stones_to_win,
      });
    }
    this.insight.setValue(game.values[game.ply] ?? lastKnown(game.values, game.ply));
    this.insight.graph.set(game.values, game.moves.length, game.ply);
    view.moves.set(game.moves, game.ply);
    view.status(this.trouble || statusOf(this), this.trouble ? "" : detailOf(this), {
      busy: this.engineToMove && this.search.busy,
      bad: this.trouble !== "" || (this.search.state === "failed" && this.engineToMove),
      over,
      retry: this.search.state === "failed" && this.engineToMove,
    });
    const first = setup.side === 2 ? 1 : 0;
    view.undo.disabled = game.ply <= first;
    view.redo.disabled = game.atEnd;
    view.swap.disabled = setup.side === 0 || over;
    view.resign.disabled = over || game.ply === 0;
    show(view.far.detail, setup.side !== 0);
  }
}

/** The value at the ply, or at the nearest one before it that is known. @param {(number | undefined)[]} values @param {number} ply */
function lastKnown(values, ply) {
  for (let at = Math.min(ply, values.length - 1); at >= 0; at -= 1) {
    const value = values[at];
    if (value !== undefined) return value;
  }
  return null;
}
