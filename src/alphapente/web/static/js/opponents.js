/** The opponent and the game: networks, strengths, and the dialogs to choose them. */

import { get } from "./api.js";
import { h } from "./dom.js";
import { inColours } from "./points.js";

/** @import { PlayedGame } from "./link.js" */
/** @import { Meta, NetworkInfo } from "../../openapi.js" */
/** @typedef {{network: string, strength: string}} Opponent */
/** @typedef {Omit<PlayedGame, "moves"> & Opponent & {side: 0 | 1 | 2}} Setup side 0: both are moved by hand */

/** @param {NetworkInfo} network @returns {string} */
export function titleOf(network) {
  if (network.rating === null) return network.title;
  const { elo, low, high } = network.rating;
  return `${network.title} · ${Math.round(elo)} ± ${Math.round((high - low) / 2)} Elo`;
}

/** @param {NetworkInfo} network @returns {string} for where there is little room */
export function shortTitleOf(network) {
  const rating = network.rating === null ? "" : `, ${Math.round(network.rating.elo)} Elo`;
  return `${network.model_type} ${network.step.toLocaleString("en")}${rating}`;
}

/** The networks that can be chosen, requested each time: a run may have made another. @returns {Promise<NetworkInfo[]>} */
export async function networks() {
  return get("/networks");
}

/**
 * @param {string} words
 * @param {string} name
 * @param {[string, string][]} options value and text
 * @param {string} chosen
 */
export function selectField(words, name, options, chosen) {
  const select = h("select", { name }, ...options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  return h("label", { class: "field" }, h("span", {}, words), select);
}

/** @param {Meta} meta @param {NetworkInfo[]} known @param {Opponent} now */
function opponentFields(meta, known, now) {
  return [
    selectField(
      "Network",
      "network",
      known.map((one) => [one.id, titleOf(one)]),
      now.network,
    ),
    selectField(
      "Strength",
      "strength",
      meta.strengths.map(({ id, title, simulations }) => [id, simulations ? `${title} (${simulations} simulations)` : title]),
      now.strength,
    ),
  ];
}

/**
 * Opens a window with a form, and gives what was entered, null when it was left.
 * @param {string} title
 * @param {Node[]} fields
 * @param {string} action
 * @returns {Promise<FormData | null>}
 */
function ask(title, fields, action) {
  const form = h(
    "form",
    { method: "dialog" },
    h("h1", { id: "ask-title" }, title),
    ...fields,
    h(
      "div",
      { class: "row end" },
      h("button", { class: "button", value: "", formnovalidate: true }, "Cancel"),
      h("button", { class: "button primary", value: "go", autofocus: true }, action),
    ),
  );
  const dialog = h("dialog", { "aria-labelledby": "ask-title" }, form);
  // Enter in a field presses the form's first button, which is Cancel.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target instanceof HTMLButtonElement) return;
    event.preventDefault();
    dialog.close("go");
  });
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "go" ? new FormData(form) : null);
      dialog.remove();
    });
  });
}

/** @param {Meta} meta @param {Setup} now @returns {Promise<Setup | null>} */
export async function askForGame(meta, now) {
  const known = await networks();
  const rule = h("p", { class: "opening-rule muted", role: "status" });
  const variant = selectField(
    "Variant",
    "variant",
    meta.variants.map(({ name, title }) => [name, title]),
    now.variant,
  );
  const showRule = () => {
    const chosen = variant.querySelector("select")?.value;
    rule.textContent = inColours(meta.variants.find(({ name }) => name === chosen)?.opening_rule ?? "");
  };
  variant.addEventListener("change", showRule);
  showRule();
  const side = (/** @type {string} */ value, /** @type {Node} */ sign, /** @type {string} */ words) =>
    h("label", {}, h("input", { type: "radio", name: "side", value, checked: String(now.side) === value }), h("span", {}, sign, words));
  const stone = (/** @type {number} */ player) => h("i", { class: `small-stone small-stone-${player}` });
  const sides = h(
    "fieldset",
    { class: "choices" },
    h("legend", {}, "You play"),
    side("1", stone(1), "White, first"),
    side("2", stone(2), "Black"),
    side("0", h("span", { class: "both" }, stone(1), stone(2)), "Both"),
  );
  const size = selectField(
    "Board",
    "board_size",
    meta.board_sizes.map((one) => [String(one), `${one} × ${one}`]),
    String(now.board_size),
  );
  const answers = await ask(
    "New game",
    [h("div", { class: "pair-fields" }, variant, size, rule), sides, ...opponentFields(meta, known, now)],
    "Play",
  );
  if (answers === null) return null;
  return {
    variant: /** @type {Setup["variant"]} */ (answers.get("variant")),
    board_size: Number(answers.get("board_size")),
    side: /** @type {0 | 1 | 2} */ (Number(answers.get("side"))),
    network: String(answers.get("network")),
    strength: String(answers.get("strength")),
  };
}

/** @param {Meta} meta @param {Opponent} now @returns {Promise<Opponent | null>} */
export async function askForOpponent(meta, now) {
  const answers = await ask("Opponent", opponentFields(meta, await networks(), now), "Take");
  return answers === null ? null : { network: String(answers.get("network")), strength: String(answers.get("strength")) };
}

/**
 * Asks a question that is answered by yes or no.
 * @param {string} question
 * @param {string} action
 */
export async function confirm(question, action) {
  return (await ask(question, [], action)) !== null;
}
