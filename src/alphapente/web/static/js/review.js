/** The Review room: a game is chosen, or named by the address, and looked over. */

import { get, messageOf, post } from "./api.js";
import { h, setText, show } from "./dom.js";
import { readLink, resultText } from "./link.js";
import { followLive } from "./live.js";
import { inColours } from "./points.js";
import { recall, remember } from "./preferences.js";
import { Review } from "./review_game.js";
import { linkOf, Sources } from "./sources.js";

/** @import { Meta, ParsedGame } from "../../openapi.js" */
/** @typedef {{link: string} & Pick<ParsedGame, "headers" | "comments" | "notes">} KeptReview what an address cannot hold */

/** @param {HTMLElement} root @param {Meta} meta */
export function mount(root, meta) {
  const room = new ReviewRoom(root, meta);
  return { enter: (/** @type {string} */ path) => void room.enter(path), leave: () => room.leave() };
}

class ReviewRoom {
  /** @param {HTMLElement} root @param {Meta} meta */
  constructor(root, meta) {
    this.trouble = h("p", { class: "trouble card", role: "alert", hidden: true });
    this.sources = new Sources(meta, (game) => this.read(game));
    this.review = new Review(meta);
    /** @type {(() => void) | null} */
    this.stopLive = null;
    this.path = "";
    root.replaceChildren(this.trouble, this.sources.element, this.review.element);
    show(this.sources.element, false);
    show(this.review.element, false);
  }

  /** @param {string} path */
  async enter(path) {
    this.leave();
    this.path = path;
    show(this.trouble, false);
    show(this.sources.element, path === "");
    show(this.review.element, path !== "");
    if (path === "") {
      this.sources.enter();
      return;
    }
    try {
      await this.open(path);
    } catch (error) {
      if (this.path !== path) return;
      setText(this.trouble, inColours(messageOf(error)));
      show(this.trouble, true);
      show(this.review.element, false);
      show(this.sources.element, true);
      this.sources.enter();
    }
  }

  /** @param {string} path */
  async open(path) {
    const [kind, ...ids] = path.split("/").map(decodeURIComponent);
    if (kind === "game") {
      const game = await get("/games/{game_id}", { game_id: Number(ids[0]) });
      if (this.path !== path) return;
      const headers = { Event: `Game ${game.id} of the database`, ...game.headers };
      this.review.open({ ...game, headers, notes: [], result: resultText(game.winner) }, game.moves.length, true);
    } else if (kind === "live") {
      this.watch(ids[1] ?? ids[0], ids.length > 1 ? ids[0] : "");
    } else {
      const linked = readLink(path);
      if (linked === null) throw new Error("This address contains no valid game. Is it complete?");
      const kept = recall("review", /** @type {KeptReview | null} */ (null));
      const link = path.replace(/\?.*$/, "");
      const { headers, comments, notes = [] } = kept?.link === link ? kept : { headers: {}, comments: {}, notes: [] };
      await post("/position", linked.game); // an address may be wrong: the server looks at all its moves first
      if (this.path !== path) return;
      this.review.open({ ...linked.game, headers, comments, notes, result: linked.result }, linked.ply ?? 0, true);
      if (notes.length > 0) this.review.say(notes.join(". "));
    }
  }

  /** @param {string} seed @param {string} config whose run plays it, "" for the server's own */
  watch(seed, config) {
    let begun = false;
    this.stopLive = followLive(
      config,
      (live) => {
        const game = live.games.find((one) => one.seed === seed);
        if (game !== undefined && live.variant !== null && live.board_size !== null) {
          if (begun) this.review.extend(game.moves);
          else
            this.review.open(
              {
                variant: live.variant,
                board_size: live.board_size,
                moves: game.moves,
                headers: { Event: "In play now" },
                comments: {},
                notes: [],
                result: null,
              },
              game.moves.length,
              false,
            );
          begun = true;
          return;
        }
        this.stopLive?.();
        this.stopLive = null;
        if (begun) this.review.ended();
        else void this.fallBack("This game is not in play any more");
      },
      (error) => this.review.say(messageOf(error)),
    );
  }

  /** @param {string} text */
  fallBack(text) {
    history.replaceState(null, "", "#review");
    return this.enter("").then(() => {
      setText(this.trouble, text);
      show(this.trouble, true);
    });
  }

  /** A text was read: its game goes into the address, what the address cannot hold is remembered. @param {ParsedGame} game */
  read(game) {
    const link = linkOf(game);
    remember("review", { link, headers: game.headers, comments: game.comments, notes: game.notes });
    const hash = `#review/${link}`;
    if (location.hash === hash) void this.enter(link);
    else location.hash = hash;
  }

  leave() {
    this.path = "";
    this.stopLive?.();
    this.stopLive = null;
    this.sources.leave();
    this.review.leave();
  }
}
