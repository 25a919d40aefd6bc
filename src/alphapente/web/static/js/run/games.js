/** Games of a run: those in play now, on small boards, and the newest in its database; each opens in the Review room. */

import { get } from "../api.js";
import { h, setText, show } from "../dom.js";
import { resultText, writeLink } from "../link.js";
import { aboutLive, LiveBoards, liveGames, NO_GAMES } from "../live.js";
import { wonBy } from "../speak.js";
import { ago, count } from "./format.js";
import { isActive, scrolledTable } from "./overview.js";
import { Refresh } from "./refresh.js";

/** @import { BoardsAnswer, RunGame, RunSnapshot } from "../../../openapi.js" */

const LIVE_MS = 1000;
const RECENT_MS = 10_000;

/** The games in play now. */
export class LiveGamesPanel {
  constructor() {
    this.about = h("p", { class: "muted" });
    this.boards = new LiveBoards();
    this.element = h("section", { class: "card" }, h("h2", {}, "Games in play now"), this.about, this.boards.element);
    this.element.hidden = true;
    this.refresh = new Refresh(() => this.read(), LIVE_MS);
    this.config = "";
    this.playing = false;
  }

  /** @param {RunSnapshot} run a snapshot */
  update(run) {
    if (run.config !== this.config) {
      this.config = run.config;
      this.set(NO_GAMES);
    }
    this.playing = isActive(run) && run.state !== "starting";
    if (this.playing) this.refresh.soon();
    else this.leave();
  }

  leave() {
    this.playing = false;
    this.refresh.stop();
    this.set(NO_GAMES);
  }

  async read() {
    const { config } = this;
    const live = await liveGames(config);
    if (config === this.config && this.playing) this.set(live); // else the run has ended meanwhile
  }

  /** @param {BoardsAnswer} live */
  set(live) {
    show(this.element, live.games.length > 0);
    if (live.games.length > 0) setText(this.about, aboutLive(live));
    this.boards.set(live, this.config);
  }
}

/** The newest games of the database. */
export class RecentGamesPanel {
  constructor() {
    this.rows = h("tbody");
    this.nothing = h("p", { class: "muted" }, "No games yet");
    this.more = h("button", { type: "button", class: "button small", onclick: () => void this.readMore() }, "Older games");
    this.table = scrolledTable("Newest games", ["Game", "Board", "Moves", "Result", "By", "Network", "Stored"], this.rows);
    this.element = h("section", { class: "card" }, h("h2", {}, "Newest games"), this.nothing, this.table, this.more);
    this.refresh = new Refresh(() => this.read(null), RECENT_MS);
    this.config = "";
    this.state = "";
    this.count = -1;
    /** @type {RunGame[]} */
    this.games = [];
    this.paged = false;
  }

  /** @param {RunSnapshot} run a snapshot */
  update(run) {
    if (run.config !== this.config) {
      this.config = run.config;
      this.state = "";
      this.paged = false;
      this.set([]);
    }
    const { state, count: before } = this;
    this.state = run.state;
    this.count = run.games;
    if (this.paged) return;
    if (run.state !== state) this.refresh.now();
    else if (run.games !== before) this.refresh.soon();
  }

  leave() {
    this.refresh.stop();
    this.state = "";
  }

  async readMore() {
    this.paged = true;
    this.refresh.stop();
    this.more.disabled = true;
    try {
      await this.read(this.games[this.games.length - 1]?.id ?? null);
    } catch {
      this.more.disabled = false;
    }
  }

  /** @param {number | null} before */
  async read(before) {
    const config = this.config;
    const games = await get("/run/games", { config, limit: 12, before });
    if (config !== this.config || (before === null && this.paged)) return;
    this.set(before === null ? games : [...this.games, ...games]);
    this.more.disabled = games.length === 0;
  }

  /** @param {RunGame[]} games */
  set(games) {
    this.games = games;
    show(this.nothing, games.length === 0);
    show(this.table, games.length > 0);
    show(this.more, games.length > 0);
    this.rows.replaceChildren(...games.map(gameRow));
  }
}

/** @param {RunGame} game */
function gameRow(game) {
  const winner = game.winner === null ? "unfinished" : ["draw", "White", "Black"][game.winner];
  return h(
    "tr",
    {},
    h(
      "th",
      { scope: "row" },
      h("a", { href: `#review/${writeLink(game, resultText(game.winner))}`, "aria-label": `Review game #${game.id}` }, `#${game.id}`),
    ),
    h("td", { class: "number" }, `${game.board_size}x${game.board_size}`),
    h("td", { class: "number" }, game.moves.length),
    h("td", {}, winner),
    h("td", {}, wonBy(game.won_by)),
    h("td", { class: "number" }, `${game.model_type} ${count(game.step)}`),
    h("td", { class: "number" }, ago(game.created_at)),
  );
}
