// @ts-check
/** A game under review: its moves stepped through, what the engine thinks of them, and lines tried beside them. */

import { announce } from "./announce.js";
import { isAbort, messageOf, post } from "./api.js";
import { Board } from "./board.js";
import { h } from "./dom.js";
import { Game } from "./game.js";
import { Insight } from "./insight.js";
import { Judge, MARKED, written } from "./judge.js";
import { writeLink } from "./link.js";
import { networks, titleOf } from "./opponents.js";
import { COLOURS, inColours, moveNumber } from "./points.js";
import { layOut } from "./review_view.js";
import { progressOf, Search } from "./search.js";
import { copy, showText } from "./share.js";
import { endingOf } from "./speak.js";

/** @import { Meta, ParsedGame } from "../../openapi.js" */

const THOUGHT_S = 60; // how long a position is thought about while one looks at it
const PAUSE_MS = 150; // so that stepping through a game starts no searches on the way

/** The view of one game. */
export class Review {
  /** @param {Meta} meta */
  constructor(meta) {
    this.meta = meta;
    this.open_ = false;
    this.live = false;
    this.note = "";
    /** @type {ParsedGame} */
    this.parsed = { ...meta.default, moves: [], headers: {}, comments: {}, notes: [], result: null };
    this.board = new Board(meta.default.board_size, {
      label: "Board. Left and right step through the game; type a point's name and Enter to try a move",
      onchoose: (point) => this.tryMove(point),
      onhover: (point) => this.insight.over(point),
      onarrow: (step) => this.step(step),
    });
    this.board.describe = (point) => {
      const stone = this.board.stones.get(point);
      return stone === undefined ? "empty" : `${stone.player === 1 ? "white" : "black"} stone`;
    };
    this.insight = new Insight(this.board, {
      name: "review",
      on: ["value", "lines", "captures", "threats"],
      ongo: (ply) => this.jump(ply),
      onswitch: () => this.think(),
      nothing: "White's chance over the game: drawn as moves are judged",
      graphElsewhere: true,
    });
    this.search = new Search(() => this.searched());
    this.judge = new Judge(() => this.show());
    this.game = new Game(this.parsed);
    /** @type {Game | null} a line that is tried, with the game's moves up to `branch` before it */
    this.line = null;
    this.branch = 0;
    /** @type {string[]} the moves that were drawn last */
    this.shown = [];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.pause = undefined;
    this.view = layOut(this.board, this.insight, {
      go: (ply) => this.jump(ply),
      jump: (ply) => (this.line === null ? this.jump(ply) : this.jumpInLine(ply)),
      step: (by) => this.step(by),
      back: () => this.jump(this.branch),
      mistake: () => this.nextMistake(),
      judge: () => (this.judge.busy ? this.stopJudging() : this.startJudging()),
      link: () => void this.shareLink(),
      save: () => void this.save(),
      play: () => {
        location.hash = `play/${writeLink({ ...this.rules, moves: this.now.request.moves })}`;
      },
      better: (shown) => this.pointAtBetter(shown),
      choice: () => {
        this.search.stop();
        this.think();
      },
    });
    this.element = h("div", { class: "review" }, this.view.element);
    document.addEventListener("keydown", (event) => this.pressed(event));
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.search.stop();
      else this.think();
    });
  }

  get rules() {
    return { variant: this.parsed.variant, board_size: this.parsed.board_size };
  }

  /** What is on the board: the game, or the line tried. */
  get now() {
    return this.line ?? this.game;
  }

  /**
   * @param {ParsedGame} parsed
   * @param {number} ply where to open it
   * @param {boolean} judged whether the engine judges it at once
   */
  open(parsed, ply, judged) {
    this.leave();
    this.open_ = true;
    this.live = !judged;
    this.note = "";
    this.parsed = parsed;
    this.judge.clear();
    this.line = null;
    if (this.board.size !== parsed.board_size) this.board.resize(parsed.board_size);
    this.board.setStones({});
    this.shown = [];
    this.game = new Game(parsed, this.listeners());
    void this.listNetworks().then(() => {
      if (judged && this.open_ && this.parsed === parsed && parsed.moves.length > 0) this.startJudging();
    });
    this.game.go(ply);
  }

  listeners() {
    return {
      onmove: () => this.moved(),
      onposition: () => this.settled(),
      onerror: (/** @type {unknown} */ error) => this.refused(error),
    };
  }

  async listNetworks() {
    const { network } = this.view;
    try {
      const known = await networks();
      const chosen = network.value || this.meta.default.network;
      network.replaceChildren(...known.map((one) => h("option", { value: one.id, selected: one.id === chosen }, titleOf(one))));
    } catch (error) {
      this.say(messageOf(error));
    }
  }

  leave() {
    this.open_ = false;
    clearTimeout(this.pause);
    this.search.stop();
    this.judge.stop();
  }

  /** A game in play has gone on. @param {string[]} moves */
  extend(moves) {
    if (moves.length <= this.game.moves.length) return;
    const following = this.line === null && this.game.atEnd;
    this.game.moves = [...moves];
    this.parsed = { ...this.parsed, moves };
    if (following) this.game.go(moves.length);
    else this.show();
  }

  /** A game in play is over. */
  ended() {
    this.live = false;
    this.say("This game has ended");
  }

  /** @param {string} text */
  say(text) {
    this.note = inColours(text);
    announce(this.note);
    this.show();
  }

  /** To a ply of the game itself. @param {number} ply */
  jump(ply) {
    this.line = null;
    this.game.go(ply);
  }

  /** @param {number} ply */
  jumpInLine(ply) {
    if (ply === 0) this.jump(this.branch);
    else this.line?.go(ply);
  }

  /** @param {number} by @returns {boolean} */
  step(by) {
    const ply = this.now.ply + by;
    if (this.line !== null && ply > this.branch) this.line.go(ply);
    else if (ply >= 0 && ply <= this.game.moves.length) this.jump(ply);
    return true;
  }

  /** @param {string} point */
  tryMove(point) {
    const { now, board } = this;
    if (now.position?.result) return this.say("The game is over here");
    if (board.stones.has(point)) return this.say(`${point} is taken`);
    const forbidden = now.position?.forbidden.find((one) => one.point === point);
    if (forbidden !== undefined) return this.say(forbidden.reason);
    if (this.line === null && now.moves[now.ply] === point) {
      now.go(now.ply + 1);
      return undefined;
    }
    board.put(point, now.toMove);
    if (this.line === null) {
      this.branch = now.ply;
      this.line = new Game({ ...this.rules, moves: now.moves.slice(0, now.ply) }, this.listeners());
    }
    this.line.play(point);
    return undefined;
  }

  moved() {
    const { now, board, shown } = this;
    this.note = "";
    clearTimeout(this.pause); // a search of the position before
    this.search.stop();
    if (now.ply === shown.length + 1 && now.last !== null) board.put(now.last, now.ply % 2 === 1 ? 1 : 2);
    else if (now.ply === shown.length - 1) board.take(shown[now.ply]);
    this.shown = now.request.moves;
    this.board.setGhost(this.now.toMove);
    this.insight.set(null, null, "");
    this.show();
  }

  settled() {
    const { board, now } = this;
    if (now.position === null || !this.open_) return;
    const { position } = now;
    board.setStones(position.stones);
    board.marks.setLast(position.last?.point ?? null, position.last?.captured ?? []);
    board.marks.setFive(position.result?.line ?? []);
    board.setGhost(position.result ? 0 : now.toMove);
    this.insight.set(position, null, "");
    this.show();
    this.think();
  }

  /** @param {unknown} error */
  refused(error) {
    if (this.line !== null) this.jump(this.branch);
    if (!isAbort(error)) this.say(messageOf(error));
  }

  think() {
    const { now, search } = this;
    if (!this.open_ || now.position === null) return;
    if (!this.insight.wantsSearch || now.position.result || document.hidden || this.judge.busy) {
      search.stop();
      this.searched();
    } else if (!search.busy && search.state !== "done") {
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.startSearch(), PAUSE_MS);
    }
  }

  startSearch() {
    const { now, search } = this;
    if (!this.open_ || now.position === null || search.busy || this.judge.busy) return;
    const seconds = Math.min(THOUGHT_S, this.meta.limits.seconds);
    void search.start({ ...now.request, network: this.network, seconds, purpose: "analyse", every_ms: 200 });
  }

  get network() {
    return this.view.network.value || this.meta.default.network;
  }

  searched() {
    const { search, now } = this;
    if (search.view !== null && search.state !== "idle") now.values[now.ply] = search.view.value;
    this.insight.set(now.position, search.view, this.judge.busy && this.insight.wantsSearch ? "after the judging" : progressOf(search));
    this.show();
  }

  startJudging() {
    this.search.stop();
    const simulations = Math.min(Number(this.view.effort.value), this.meta.limits.simulations);
    void this.judge.start({ ...this.rules, moves: this.game.moves, network: this.network, simulations }).then(() => this.think());
    this.searched();
  }

  stopJudging() {
    this.judge.stop();
    this.think();
    this.show();
  }

  nextMistake() {
    const plies = [...this.judge.moves.values()].filter(({ verdict }) => MARKED.includes(verdict)).map(({ ply }) => ply);
    const next = plies.find((ply) => ply > this.game.ply) ?? plies[0];
    if (next !== undefined) this.jump(next);
  }

  /** Shows the line that was better than the move on the board. @param {boolean} shown */
  pointAtBetter(shown) {
    const move = this.line === null ? this.judge.moves.get(this.game.ply) : undefined;
    const played = move && this.board.stones.get(move.move)?.element;
    played?.classList.toggle("instead", shown); // the line begins before it
    if (!shown || move === undefined) this.insight.pointAt(null);
    else this.insight.pointAt(move.best_line, move.ply % 2 === 1 ? 1 : 2);
  }

  async shareLink() {
    const { game, parsed } = this;
    const address = new URL(`#review/${writeLink({ ...this.rules, moves: game.moves }, parsed.result, game.ply)}`, location.href).href;
    if (await copy(address)) this.say("The link is in the clipboard");
    else showText("Link to this game", address, null);
  }

  async save() {
    /** @type {Record<string, string>} */
    const comments = { ...this.parsed.comments };
    for (const [ply, move] of this.judge.moves) {
      const words = written(move);
      if (words !== "") comments[ply] = [comments[ply], words].filter(Boolean).join(" ");
    }
    try {
      const { text } = await post("/games/format", {
        ...this.rules,
        moves: this.game.moves,
        comments,
        headers: this.parsed.headers,
        result: this.parsed.result,
      });
      showText("Game text", text, "game.txt");
    } catch (error) {
      this.say(messageOf(error));
    }
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (!this.open_ || event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    if (event.target instanceof Element && event.target.closest("input, textarea, select, dialog") !== null) return;
    if (event.key === "ArrowLeft") this.step(-1);
    else if (event.key === "ArrowRight") this.step(1);
    else if (event.key === "Home") this.jump(0);
    else if (event.key === "End") this.jump(this.game.moves.length);
    else if (event.key === "Escape" && this.line !== null) this.jump(this.branch);
    else return;
    event.preventDefault();
  }

  /** What is said of the move on the board. */
  comment() {
    const { game, line, judge, parsed } = this;
    if (this.note !== "") return { label: "", kind: "", text: this.note, better: "", back: line !== null };
    if (line !== null) {
      const tried = line.moves.slice(this.branch, line.ply).join(" ");
      return {
        label: "Tried",
        kind: "",
        text: `after ${this.branch ? `${moveNumber(this.branch)} ${game.moves[this.branch - 1]}` : "the start"}: ${tried}`,
        better: "",
        back: true,
      };
    }
    const move = judge.moves.get(game.ply);
    const said = [parsed.comments[game.ply], move?.comment, game.result ? endingOf(game.result) : ""].filter(Boolean).join(". ");
    const better =
      move && move.best !== null && move.best !== move.move && move.verdict !== "good"
        ? `Better: ${move.best_line.slice(0, 7).join(" ")}`
        : "";
    const label = game.ply === 0 ? "Start" : `${moveNumber(game.ply)} ${game.last}`;
    const kind = move?.verdict ?? "";
    return { label: kind === "" ? label : `${label}: ${kind}`, kind, text: inColours(said), better, back: false };
  }

  title() {
    const { headers, variant, board_size: size, result } = this.parsed;
    const kind = this.meta.variants.find(({ name }) => name === variant)?.title ?? variant;
    const date = headers.Date && headers.Date !== "?" ? headers.Date : "";
    const parts = [headers.Event, `${kind} ${size} × ${size}`, result ?? "", date];
    return parts.filter((part) => part && part !== "?").join(" · ");
  }

  show() {
    const { game, now, view, judge, parsed } = this;
    if (!this.open_) return;
    const values = judge.values(game.moves.length);
    game.values.forEach((value, ply) => {
      values[ply] ??= value;
    });
    for (const [tray, player] of /** @type {const} */ ([
      [view.near, 1],
      [view.far, 2],
    ])) {
      const rating = parsed.headers[`Player ${player} Rating`];
      const named = parsed.headers[`Player ${player} Name`];
      tray.set({
        player,
        name: named || COLOURS[player],
        detail: [named ? COLOURS[player] : "", rating && rating !== "?" ? rating : ""].filter(Boolean).join(", "),
        turn: now.result === null && now.toMove === player,
        captured: now.position?.captured_stones[player] ?? tray.captures,
        needed: now.position === null ? tray.needs : now.position.stones_to_win,
      });
    }
    view.title.textContent = this.title();
    view.moves.set(game.moves, this.line === null ? game.ply : this.branch, (ply) => judge.moves.get(ply)?.verdict ?? null);
    view.comment(this.comment());
    const value = this.line === null ? values[game.ply] : now.values[now.ply];
    this.insight.setValue(value ?? this.insight.value);
    const spots = [...judge.moves.values()]
      .filter(({ verdict }) => MARKED.includes(verdict))
      .map(({ ply, verdict }) => ({ ply, kind: verdict }));
    this.insight.graph.set(values, game.moves.length, this.line === null ? game.ply : this.branch, spots);
    view.first.disabled = view.previous.disabled = now.ply === 0;
    view.next.disabled = view.last.disabled = now.atEnd;
    view.judge.disabled = this.live || game.moves.length === 0;
    view.mistake.disabled = spots.length === 0;
    const done = judge.moves.size;
    const words =
      judge.error ||
      (judge.busy
        ? `${done} of ${game.moves.length} moves judged`
        : this.live
          ? "Followed as it is played"
          : done > 0
            ? `${done} moves judged`
            : "");
    view.judged(done, game.moves.length, judge.busy, words);
    const percent = (/** @type {number} */ player) =>
      judge.accuracy?.[player] == null ? "–" : `${Math.round(Number(judge.accuracy[player]))}%`;
    const white = judge.errors(1);
    const black = judge.errors(2);
    const rows = white.map(
      ([kind, count], at) => /** @type {[string, string, string]} */ ([plural(kind), String(count), String(black[at][1])]),
    );
    view.summary([["Accuracy", percent(1), percent(2)], ...rows]);
  }
}

/** @param {string} kind */
function plural(kind) {
  const words = kind === "inaccuracy" ? "inaccuracies" : `${kind}s`;
  return words[0].toUpperCase() + words.slice(1);
}
