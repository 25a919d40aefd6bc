/** Says things to those who listen to the page. */

let turn = false;

/**
 * Has a screen reader say `text` when it is free to.
 * @param {string} text
 */
export function announce(text) {
  const region = document.getElementById("announcer");
  if (region === null) return;
  turn = !turn; // the same words twice are two messages
  region.textContent = turn ? text : `${text}\u00a0`;
}
