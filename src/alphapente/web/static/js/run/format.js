/** Numbers, times and lines of the server for people. */

import { h } from "../dom.js";

/** @param {number} number @returns {string} a whole number with its thousands apart */
export function count(number) {
  return Math.round(number).toLocaleString("en-US");
}

/** @param {number} number @param {string} thing @returns {string} "1 game", "1,200 games" */
export function counted(number, thing) {
  return `${count(number)} ${thing}${number === 1 ? "" : "s"}`;
}

/** @param {number | null | undefined} seconds @returns {string} "4.2 s", "3 min 20 s", "2 h 05 min", "3 d 4 h" */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !(seconds >= 0)) return "?";
  const whole = Math.round(seconds);
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  if (whole < 48 * 3600) return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** @param {number} seconds @returns {string} a guess at a time, no finer than a guess is: "about 46 min" */
export function roughly(seconds) {
  if (seconds < 55) return `about ${Math.max(5, 5 * Math.round(seconds / 5))} s`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return `about ${minutes} min`;
  if (minutes < 48 * 60) return `about ${duration(300 * Math.round(minutes / 5))}`;
  return `about ${duration(seconds)}`;
}

/** @param {number | null | undefined} perSecond @returns {string} two figures below ten, whole numbers above */
export function rate(perSecond) {
  if (perSecond === null || perSecond === undefined) return "?";
  return perSecond > 0 && perSecond < 10 ? String(Number(perSecond.toPrecision(2))) : count(perSecond);
}

/** @param {number | null | undefined} number @returns {string} as short as three figures make it: "3.46k", "0.521" */
export function brief(number) {
  if (number === null || number === undefined) return "–";
  const size = Math.abs(number);
  if (size >= 1e6) return `${Number((number / 1e6).toPrecision(3))}M`;
  if (size >= 1e4) return `${Number((number / 1e3).toPrecision(3))}k`;
  if (size >= 1000) return count(number);
  return String(Number(number.toPrecision(3)));
}

/** @param {number} at seconds since 1970 @returns {string} the local time, with the day where it is not today */
export function moment(at) {
  const date = new Date(1000 * at);
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  if (date.toDateString() === new Date().toDateString()) return time;
  return `${date.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
}

/** @param {number} at seconds since 1970 @param {number} [now] @returns {string} "12 s ago" */
export function ago(at, now = Date.now() / 1000) {
  const seconds = Math.max(0, now - at);
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

/** @param {string} text @returns {(string | HTMLElement)[]} its parts, those between backticks as code */
export function withCode(text) {
  return text.split("`").map((part, place) => (place % 2 === 1 ? h("code", {}, part) : part));
}
