/**
 * Opens the rooms: Play, Review and Run, by the address's hash (`#review/...`).
 *
 * A room is a module with `mount(root)`: it fills its section once and returns `enter(path)`, called each time the room
 * is opened or its address changes (`path` is what follows the room's name in the hash), and `leave()`, which stops
 * whatever it has running.
 */

import { get, messageOf } from "./api.js";
import { inText } from "./dom.js";
import { openHelp } from "./help.js";

/** @import { Meta } from "../../openapi.js" */

/** @typedef {{enter: (path: string) => void, leave: () => void}} Room */

/** @type {Record<string, {title: string, load: () => Promise<{mount: (root: HTMLElement, meta: Meta) => Room | Promise<Room>}>}>} */
const ROOMS = {
  play: { title: "Play", load: () => import("./play.js") },
  review: { title: "Review", load: () => import("./review.js") },
  run: { title: "Run", load: () => import("./run.js") },
};

/** @type {Map<string, Promise<Room>>} */
const mounted = new Map();
/** @type {{name: string, room: Room} | null} */
let current = null;
/** @type {Promise<Meta> | null} */
let meta = null;

const notice = /** @type {HTMLElement} */ (document.getElementById("notice"));

/** @param {string} name @returns {HTMLElement} */
function sectionOf(name) {
  return /** @type {HTMLElement} */ (document.getElementById(`room-${name}`));
}

/** @returns {{name: string, path: string}} */
function address() {
  const hash = location.hash.slice(1);
  const slash = hash.search(/[/?]/);
  const name = slash < 0 ? hash : hash.slice(0, slash);
  return name in ROOMS ? { name, path: slash < 0 ? "" : hash.slice(slash + 1) } : { name: "play", path: "" };
}

/** @param {string} name @returns {Promise<Room>} */
async function mount(name) {
  meta ??= get("/meta");
  const [module, data] = await Promise.all([ROOMS[name].load(), meta]);
  return module.mount(sectionOf(name), data);
}

async function open() {
  const { name, path } = address();
  if (current !== null && current.name !== name) {
    current.room.leave();
    current = null;
  }
  for (const other of Object.keys(ROOMS)) {
    sectionOf(other).hidden = other !== name;
  }
  for (const tab of document.querySelectorAll(".tabs a")) {
    if (tab.getAttribute("data-room") === name) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  document.title = `${ROOMS[name].title} · AlphaPente`;
  try {
    if (!mounted.has(name)) mounted.set(name, mount(name));
    const room = await /** @type {Promise<Room>} */ (mounted.get(name));
    if (address().name !== name) return; // another room was opened meanwhile
    current = { name, room };
    notice.hidden = true;
    room.enter(path);
  } catch (error) {
    mounted.delete(name);
    meta = null;
    sectionOf(name).replaceChildren();
    notice.textContent = `${messageOf(error)} Reload the page to try again.`;
    notice.hidden = false;
  }
}

document.getElementById("skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main")?.focus();
});
document.getElementById("help")?.addEventListener("click", () => openHelp());
document.addEventListener("keydown", (event) => {
  if (event.key === "?" && !inText(event)) openHelp();
});
window.addEventListener("hashchange", () => void open());
window.addEventListener("pagehide", () => current?.room.leave());
window.addEventListener("pageshow", (event) => event.persisted && void open());
void open();
