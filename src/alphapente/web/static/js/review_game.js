/** A game under review: its moves stepped through, what the engine thinks of them, and lines tried beside them. */

import { messageOf, post } from "./api.js";
import { h } from "./dom.js";
import { Judge, MARKED, written } from "./judge.js";
import { writeLink } from "./link.js";
import { networks, titleOf } from "./opponents.js";
import { COLOURS, inColours, moveNumber, playerOf } from "./points.js";
import { reviewView } from "./review_view.js";
import { copy, showText } from "./share.js";
import { endingOf } from "./speak.js";
import { Table } from "./table.js";

/** @import { Meta, ParsedGame } from "../../openapi.js" */
/** @import { Game } from "./game.js" */

/** The view of one game. */
export class Review extends Table {
  /** @param {Meta} meta */
  constructor(meta) {
    super(meta, {
      board: {
        label: "Board. Left and right step through the game; type a point's name and Enter to try a move",
        onarrow: (step) => this.step(step),
      },
      insight: {
        name: "review",
        on: ["value", "lines", "captures", "threats"],
        nothing: "White's chance over the game: drawn as moves are judged",
        graphElsewhere: true,
      },
      seconds: 60,
    });
    this.live = false;
    /** @type {ParsedGame} */
    this.parsed = { ...meta.default, moves: [], headers: {}, comments: {}, notes: [], result: null };
    this.judge = new Judge(() => this.show());
    /** @type {Game | null} a line that is tried, with the game's moves up to `branch` before it */
    this.line = null;
    this.branch = 0;
    this.view = reviewView(this);
    this.element = h("div", { class: "review" }, this.view.element);
  }

  /** The game, or the line tried. */
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
    this.here = true;
    this.live = !judged;
    this.parsed = parsed;
    this.judge.clear();
    this.line = null;
    this.lay(parsed);
    void this.listNetworks().then(() => {
      if (judged && this.here && this.parsed === parsed && parsed.moves.length > 0) this.startJudging();
    });
    this.game.go(ply);
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
    super.leave();
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

  /** @param {number} ply of the game itself */
  go(ply) {
    this.line = null;
    super.go(ply);
  }

  /** @param {number} ply of the line tried, where there is one */
  goHere(ply) {
    if (this.line === null) this.go(ply);
    else if (ply === 0) this.back();
    else this.line.go(ply);
  }

  /** From the line tried back to the game. */
  back() {
    this.go(this.branch);
  }

  /** @param {number} by @returns {boolean} */
  step(by) {
    const ply = this.now.ply + by;
    if (this.line !== null && ply > this.branch) this.line.go(ply);
    else if (ply >= 0 && ply <= this.game.moves.length) this.go(ply);
    return true;
  }

  /** @param {string} point */
  place(point) {
    const { game } = this;
    if (this.line === null && game.moves[game.ply] === point) {
      this.go(game.ply + 1);
      return;
    }
    if (this.line === null) {
      this.branch = game.ply;
      this.line = this.newGame(game.request);
    }
    this.line.play(point);
  }

  /** @param {unknown} error */
  refused(error) {
    if (this.line !== null) this.back();
    this.fail(error);
  }

  get engaged() {
    return this.judge.busy;
  }

  get network() {
    return this.view.network.value || this.meta.default.network;
  }

  get progress() {
    return this.judge.busy && this.insight.wantsSearch ? "after the judging" : super.progress;
  }

  /** Another network or effort was chosen. */
  chosen() {
    this.search.stop();
    this.think();
  }

  startOrStop() {
    if (this.judge.busy) this.stopJudging();
    else this.startJudging();
  }

  startJudging() {
    this.search.stop();
    const simulations = Math.min(Number(this.view.effort.value), this.meta.limits.simulations);
    void this.judge.start({ ...this.game.whole, network: this.network, simulations }).then(() => this.think());
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
    if (next !== undefined) this.go(next);
  }

  /** Shows the line that was better than the move on the board. @param {boolean} shown */
  pointAtBetter(shown) {
    const move = this.line === null ? this.judge.moves.get(this.game.ply) : undefined;
    const played = move && this.board.stones.get(move.move)?.element;
    played?.classList.toggle("instead", shown); // the line begins before it
    if (!shown || move === undefined) this.insight.pointAt(null);
    else this.insight.pointAt(move.best_line, playerOf(move.ply));
  }

  /** Continues from here in Play. */
  play() {
    location.hash = `play/${writeLink(this.now.request)}`;
  }

  async shareLink() {
    const { game, parsed } = this;
    const address = new URL(`#review/${writeLink(game.whole, parsed.result, game.ply)}`, location.href).href;
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
        ...this.game.whole,
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
    if (event.ctrlKey || event.metaKey) return false;
    if (event.key === "ArrowLeft") this.step(-1);
    else if (event.key === "ArrowRight") this.step(1);
    else if (event.key === "Escape" && this.line !== null) this.back();
    else return super.pressed(event);
    return true;
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
    if (!this.here) return;
    const values = judge.values(game.moves.length);
    game.values.forEach((value, ply) => {
      values[ply] ??= value;
    });
    this.showPlayers(1, (player) => {
      const rating = parsed.headers[`Player ${player} Rating`];
      const named = parsed.headers[`Player ${player} Name`];
      const details = [named ? COLOURS[player] : "", rating !== "?" ? rating : ""];
      return { name: named || COLOURS[player], detail: details.filter(Boolean).join(", ") };
    });
    view.title.textContent = this.title();
    this.moves.set(game.moves, this.line === null ? game.ply : this.branch, (ply) => judge.moves.get(ply)?.verdict ?? null);
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
