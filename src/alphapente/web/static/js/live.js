// @ts-check
/** Games that self-play has on its boards now, followed move by move. */

import { get } from "./api.js";

/** @typedef {{seed: string, moves: string[]}} LiveGame */
/** @typedef {{variant: string | null, board_size: number | null, model_type: string | null, step: number | null, games: LiveGame[]}} LiveGames */

const BUSY_MS = 1000; // self-play tells its games every second
const IDLE_MS = 4000;

/**
 * Asks for the games in play until it is stopped.
 * @param {(live: LiveGames) => void} ontell
 * @param {(error: unknown) => void} onerror
 * @returns {() => void} stops it
 */
export function followLive(ontell, onerror) {
  let stopped = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const ask = async () => {
    let pause = IDLE_MS;
    if (!document.hidden) {
      try {
        const live = await get("/games/live");
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
