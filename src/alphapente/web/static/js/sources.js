/** Where a game to review comes from: a text, the database, or the games in play now. */

import { get, messageOf, post } from "./api.js";
import { h, setText, show } from "./dom.js";
import { writeLink } from "./link.js";
import { aboutLive, followLive, LiveBoards } from "./live.js";
import { COLOURS, inColours } from "./points.js";
import { wonBy } from "./speak.js";

/** @import { BoardsAnswer, GameSummary, Meta, ParsedGame } from "../../openapi.js" */

const PAGE = 15; // games listed at a time
const EXAMPLE = "pente/19/K10M9N10M7M8O7L10J10M10O10L9N7L7P7Q7L11L8L6K8J9J11H12J8N8H8";

/** The room's first view. */
export class Sources {
  /** @param {Meta} meta @param {(game: ParsedGame) => void} onread a text was read */
  constructor(meta, onread) {
    this.meta = meta;
    this.onread = onread;
    /** @type {(() => void) | null} */
    this.stopLive = null;
    /** @type {number | null} */
    this.oldest = null;
    this.trouble = h("p", { class: "trouble", role: "alert", hidden: true });
    this.area = h("textarea", {
      name: "text",
      rows: 9,
      spellcheck: "false",
      placeholder: "1. K10 L9 2. K14 N11 3. K12 …",
      "aria-label": "Game text, with or without headers",
    });
    this.liveText = h("p", { class: "muted" }, "Looking for games");
    this.live = new LiveBoards();
    this.stored = h("ul", { class: "stored" });
    this.storedText = h("p", { class: "muted" });
    this.more = h("button", { type: "button", class: "button small", hidden: true, onclick: () => void this.list(false) }, "Older games");
    this.element = h(
      "div",
      { class: "sources" },
      h("h1", {}, "Review a game"),
      h("div", { class: "sources-grid" }, this.fromText(), this.fromRun(), this.fromDatabase()),
    );
  }

  enter() {
    this.element.hidden = false;
    this.oldest = null;
    void this.list(true);
    this.stopLive ??= followLive(
      "",
      (live) => this.showLive(live),
      (error) => setText(this.liveText, messageOf(error)),
    );
  }

  leave() {
    this.stopLive?.();
    this.stopLive = null;
  }

  fromText() {
    const { area } = this;
    const file = h("input", {
      type: "file",
      class: "sr-only",
      accept: ".txt,.pgn,text/plain",
      tabindex: -1,
      "aria-label": "A file with a game",
    });
    file.addEventListener(
      "change",
      () =>
        void this.readFile(file.files?.[0]).then(() => {
          file.value = "";
        }),
    );
    area.addEventListener("dragover", (event) => event.preventDefault());
    area.addEventListener("drop", (event) => {
      const dropped = event.dataTransfer?.files[0];
      if (dropped === undefined) return;
      event.preventDefault();
      void this.readFile(dropped);
    });
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void this.read();
    });
    return h(
      "section",
      { class: "card source-text", "aria-labelledby": "source-text" },
      h("h2", { id: "source-text" }, "A game text"),
      h("p", { class: "muted" }, "As pente.org writes games, or just the moves. Paste it here, or drop a file."),
      area,
      this.trouble,
      h(
        "div",
        { class: "row" },
        h("button", { type: "button", class: "button primary", onclick: () => void this.read() }, "Review it"),
        h("button", { type: "button", class: "button", onclick: () => file.click() }, "Open a file"),
        file,
        h("a", { href: `#review/${EXAMPLE}?ply=0` }, "An example"),
      ),
    );
  }

  /** @param {File | undefined} file */
  async readFile(file) {
    if (file === undefined) return;
    const most = this.meta.limits.body_bytes;
    if (file.size > most) {
      this.complain(`The file has ${file.size.toLocaleString("en")} bytes: at most ${most.toLocaleString("en")} are read`);
      return;
    }
    this.area.value = await file.text();
    await this.read();
  }

  async read() {
    this.complain("");
    const text = this.area.value;
    if (text.trim() === "") return this.complain("Paste a game text first");
    try {
      this.onread(await post("/games/parse", { text }));
    } catch (error) {
      this.complain(inColours(messageOf(error)));
    }
  }

  /** @param {string} text */
  complain(text) {
    setText(this.trouble, text);
    show(this.trouble, text !== "");
  }

  fromRun() {
    return h(
      "section",
      { class: "card source-live", "aria-labelledby": "source-live" },
      h("h2", { id: "source-live" }, "In play now"),
      this.liveText,
      this.live.element,
    );
  }

  /** @param {BoardsAnswer} live */
  showLive(live) {
    const message =
      live.games.length === 0
        ? "No self-play is running. While one is, its games are shown here as they are played."
        : `Self-play, ${aboutLive(live)}`;
    setText(this.liveText, message);
    this.live.set(live);
  }

  fromDatabase() {
    return h(
      "section",
      { class: "card source-stored", "aria-labelledby": "source-stored" },
      h("h2", { id: "source-stored" }, "From the database, newest first"),
      this.storedText,
      this.stored,
      this.more,
    );
  }

  /** @param {boolean} afresh */
  async list(afresh) {
    const { stored, storedText, more } = this;
    try {
      const games = await get("/games", { limit: PAGE, before: afresh ? null : this.oldest });
      if (afresh) stored.replaceChildren();
      stored.append(...games.map((game) => this.storedRow(game)));
      if (games.length > 0) this.oldest = games[games.length - 1].id;
      show(more, games.length === PAGE);
      setText(storedText, stored.childElementCount === 0 ? "The database holds no games yet: a run fills it." : "");
      show(storedText, stored.childElementCount === 0);
    } catch (error) {
      setText(storedText, messageOf(error));
      show(storedText, true);
    }
  }

  /** @param {GameSummary} game */
  storedRow(game) {
    const title = this.meta.variants.find(({ name }) => name === game.variant)?.title ?? game.variant;
    const end = game.winner === 0 ? "a draw" : game.winner === null ? "unfinished" : wonBy(game.won_by);
    const sign = h("i", { class: `small-stone small-stone-${game.winner || "none"}`, "aria-hidden": "true" });
    const who = game.winner ? `${COLOURS[game.winner]} by ${end}` : end;
    const maker = game.source === "import" ? "imported" : `${game.made_by.model_type} ${game.made_by.step.toLocaleString("en")}`;
    return h(
      "li",
      {},
      h(
        "a",
        { href: `#review/game/${game.id}` },
        h("span", { class: "muted number" }, `#${game.id}`),
        sign,
        h("span", { class: "stored-end" }, who),
        h("span", { class: "muted number" }, `${game.plies} moves`),
        h("span", { class: "muted stored-kind" }, `${title} ${game.board_size} × ${game.board_size}, ${maker}`),
      ),
    );
  }
}

/** Where a parsed game stands in an address. @param {ParsedGame} game */
export function linkOf(game) {
  return writeLink(game, game.result, 0).replace(/\?ply=0$/, "");
}
