/** What the browser remembers for its user: switches, the last opponent, the game in play. */

const PREFIX = "alphapente.";

/**
 * @template T
 * @param {string} name
 * @param {T} otherwise what holds when nothing, or nothing readable, is remembered
 * @returns {T}
 */
export function recall(name, otherwise) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise; // storage may be switched off
  }
}

/**
 * @param {string} name
 * @param {unknown} value
 */
export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // nothing is lost but the memory
  }
}
