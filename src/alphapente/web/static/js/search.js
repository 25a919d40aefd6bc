/** A search on the server, followed as it goes. */

import { isAbort, messageOf, stream } from "./api.js";

/** @import { SearchView } from "../../openapi.js" */

const SLOW_MS = 2500;

/** At most one search at a time: a new one, or `stop`, ends the one before, on the server too. */
export class Search {
  /** @param {() => void} onchange */
  constructor(onchange) {
    this.onchange = onchange;
    /** @type {"idle" | "waiting" | "running" | "done" | "failed"} */
    this.state = "idle";
    this.ahead = 0;
    this.slow = false; // no word from it for a while
    this.error = "";
    /** @type {SearchView | null} */
    this.view = null;
    /** @type {AbortController | null} */
    this.abort = null;
  }

  get busy() {
    return this.state === "waiting" || this.state === "running";
  }

  /**
   * @param {object} request the body of POST /analysis
   * @returns {Promise<SearchView | null>} what the search ended with, null when it was stopped or failed
   */
  async start(request) {
    this.stop();
    const abort = new AbortController();
    this.abort = abort;
    this.state = "waiting";
    this.ahead = 0;
    this.slow = false;
    const timer = setTimeout(() => {
      this.slow = this.state === "waiting" && this.abort === abort;
      if (this.slow) this.onchange();
    }, SLOW_MS);
    this.onchange();
    try {
      for await (const { event, data } of stream("/analysis", request, abort.signal)) {
        if (abort.signal.aborted) return null;
        if (event === "queued") {
          this.ahead = data.ahead;
        } else if (event === "progress" || event === "done") {
          this.view = data;
          this.state = event === "done" ? "done" : "running";
        }
        this.onchange();
        if (event === "done") return this.view;
      }
      throw new Error("The search ended without an answer");
    } catch (error) {
      if (isAbort(error) || abort.signal.aborted) return null;
      this.state = "failed";
      this.error = messageOf(error);
      this.onchange();
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the search and forgets what it thought. */
  stop() {
    this.abort?.abort();
    this.abort = null;
    this.state = "idle";
    this.view = null;
    this.error = "";
  }
}

/** How a search goes, in one line. @param {Search} search @returns {string} */
export function progressOf(search) {
  if (search.state === "failed") return search.error;
  if (search.state === "waiting") {
    if (search.ahead > 0) return `other active searches: ${search.ahead}`;
    return search.slow ? "getting ready, which takes a minute or two once" : "";
  }
  if (search.view === null) return "";
  const { simulations, simulations_per_s: rate } = search.view;
  if (simulations === 0) return "solved without a search";
  return `${simulations.toLocaleString("en")} simulations, ${Math.round(rate).toLocaleString("en")}/s`;
}
