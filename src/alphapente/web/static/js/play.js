/** The Play room: a game against the engine, or by hand on both sides. */

import { announce } from "./announce.js";
import { show } from "./dom.js";
import { readLink, resultText, writeLink } from "./link.js";
import { askForGame, askForOpponent, confirm, networks, shortTitleOf } from "./opponents.js";
import { fillRoom } from "./play_view.js";
import { COLOURS, opponentOf, playerOf } from "./points.js";
import { recall, remember } from "./preferences.js";
import { detailOf, endingFor, statusOf } from "./speak.js";
import { Table } from "./table.js";

/** @import { Meta, NetworkInfo } from "../../openapi.js" */
/** @import { Player } from "./points.js" */
/** @import { Setup } from "./opponents.js" */
/** @typedef {{setup: Setup, moves: string[], resigned: Player | null, values: (number | null)[]}} KeptGame */

/** @param {HTMLElement} root @param {Meta} meta */
export function mount(root, meta) {
  const room = new PlayRoom(root, meta);
  return { enter: (/** @type {string} */ path) => room.enter(path), leave: () => room.leave() };
}

export class PlayRoom extends Table {
  /** @param {HTMLElement} root @param {Meta} meta */
  constructor(root, meta) {
    super(meta, {
      board: {
        label: "Board. Arrows move the cursor, Enter plays, or type a point's name",
        onpreview: (point) => this.view.preview(point),
      },
      insight: {
        name: "play",
        on: ["value", "captures", "threats"],
        nothing: "White's chance over the game: drawn as the engine thinks",
      },
      seconds: 30,
    });
    /** @type {NetworkInfo[]} */
    this.networks = [];
    /** @type {Setup} */
    this.setup = { ...meta.default, side: 1 };
    this.view = fillRoom(root, this);
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
    this.here = true;
    const linked = readLink(path);
    if (linked !== null) {
      history.replaceState(null, "", "#play");
      const { moves, ...rules } = linked.game;
      const side = playerOf(moves.length + 1);
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

  /**
   * Begins or continues a game.
   * @param {Setup} setup
   * @param {string[]} moves
   * @param {Player | null} [resigned]
   * @param {(number | null)[]} [values] null where none is known
   */
  begin(setup, moves, resigned = null, values = []) {
    this.setup = setup;
    this.lay({ ...setup, moves });
    this.game.resigned = resigned;
    this.game.values = values.map((value) => value ?? undefined);
    this.moved();
    if (this.here) void this.game.settle();
  }

  get network() {
    return this.setup.network;
  }

  get engineToMove() {
    const { side } = this.setup;
    return side !== 0 && this.game.toMove !== side && this.game.atEnd && this.game.result === null;
  }

  get mayPlay() {
    const { side } = this.setup;
    return super.mayPlay && (side === 0 || this.game.toMove === side);
  }

  /** @param {string} point */
  refusal(point) {
    if (this.game.result !== null || this.mayPlay) return super.refusal(point);
    return this.game.atEnd ? "It is the engine's turn" : "It was the engine's turn here";
  }

  moved() {
    super.moved();
    this.keep();
  }

  settled() {
    const { game } = this;
    if (this.here && game.position !== null && game.result !== null) {
      game.values[game.ply] = game.result.winner === 1 ? 1 : game.result.winner === 2 ? -1 : 0;
      announce(endingFor(game.result, this.setup.side));
    }
    super.settled();
  }

  /** Has the engine move, or think aloud while its opponent thinks. */
  think() {
    if (!this.here || this.game.position === null || !this.engineToMove) super.think();
    else if (!this.search.busy) void this.engineMove();
  }

  async engineMove() {
    const { game } = this;
    const { network, strength } = this.setup;
    this.note = "";
    const view = await this.search.start({ ...game.request, network, strength, purpose: "play", every_ms: 100 });
    if (view === null || game !== this.game || !this.engineToMove) return;
    game.values[game.ply] = view.value;
    announce(`The engine plays ${view.best}`);
    game.play(view.best);
  }

  get progress() {
    return this.engineToMove ? "" : super.progress;
  }

  /** The server would not have the last move. @param {unknown} error */
  refused(error) {
    const known = this.game.positions.has(this.game.key(this.game.ply - 1));
    if (known && error instanceof Error && "status" in error && error.status === 400) this.game.withdraw();
    this.fail(error);
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
    this.setup = { ...setup, side: opponentOf(setup.side) };
    announce(`You play ${COLOURS[this.setup.side]} now`);
    this.game.go(this.game.ply);
  }

  /** The same opponent again, with the other colour. */
  again() {
    const { setup } = this;
    this.begin({ ...setup, side: setup.side === 0 ? 0 : opponentOf(setup.side) }, []);
  }

  review() {
    location.hash = `review/${this.link()}`;
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
    const { resigned, whole } = this.game;
    const result = resultText(resigned && opponentOf(resigned));
    return writeLink(whole, result, whole.moves.length);
  }

  keep() {
    const { moves, resigned, values } = this.game;
    remember("game", { setup: this.setup, moves, resigned, values });
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) this.undo();
    else if (key === "y" || key === "z") this.redo();
    else return super.pressed(event);
    return true;
  }

  /** Everything around the board. */
  show() {
    const { game, setup, view } = this;
    const over = game.result !== null;
    const network = this.networks.find(({ id }) => id === setup.network);
    const strength = this.meta.strengths.find(({ id }) => id === setup.strength)?.title.split(":")[0] ?? setup.strength;
    const engine = network === undefined ? strength : `${strength} · ${shortTitleOf(network)}`;
    this.showPlayers(setup.side || 1, (player) => {
      if (setup.side === 0) return { name: COLOURS[player], detail: "" };
      return player === setup.side ? { name: "You", detail: COLOURS[player] } : { name: "AlphaPente", detail: engine };
    });
    this.insight.setValue(game.values[game.ply] ?? lastKnown(game.values, game.ply));
    this.insight.graph.set(game.values, game.moves.length, game.ply);
    this.moves.set(game.moves, game.ply);
    view.status(this.note || statusOf(this), this.note ? "" : detailOf(this), {
      busy: this.engineToMove && this.search.busy,
      bad: this.note !== "" || (this.search.state === "failed" && this.engineToMove),
      over,
      retry: this.search.state === "failed" && this.engineToMove,
    });
    const first = setup.side === 2 ? 1 : 0;
    view.undo.disabled = game.ply <= first;
    view.redo.disabled = game.atEnd;
    view.swap.disabled = setup.side === 0 || over;
    view.resign.disabled = over || game.ply === 0;
    show(this.far.detail, setup.side !== 0);
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
