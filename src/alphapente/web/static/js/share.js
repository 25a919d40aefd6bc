/** Handing things on: to the clipboard, into a file. */

import { announce } from "./announce.js";
import { h, setText } from "./dom.js";

/** @param {string} text @returns {Promise<boolean>} whether the clipboard took it; it may be closed to pages without TLS */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    announce("Copied");
    return true;
  } catch {
    return false;
  }
}

/**
 * Shows a text that can be copied or saved.
 * @param {string} title
 * @param {string} text
 * @param {string | null} file the name to save it by, null where it is not to be saved
 */
export function showText(title, text, file) {
  const area = h("textarea", { readonly: true, rows: file === null ? 3 : 14, "aria-label": title, class: "mono" });
  area.value = text;
  const copied = h("button", { type: "button", class: "button primary" }, "Copy");
  copied.addEventListener("click", async () => {
    if (await copy(text)) {
      setText(copied, "Copied");
    } else {
      area.select();
      setText(copied, "Selected: press Ctrl+C");
    }
  });
  const save =
    file === null
      ? null
      : h("a", { class: "button", download: file, href: URL.createObjectURL(new Blob([text], { type: "text/plain" })) }, "Save");
  const dialog = h(
    "dialog",
    { "aria-labelledby": "text-title" },
    h(
      "form",
      { method: "dialog" },
      h("h1", { id: "text-title" }, title),
      area,
      h("div", { class: "row end" }, h("button", { class: "button" }, "Close"), save, copied),
    ),
  );
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    if (save) URL.revokeObjectURL(save.href);
    dialog.remove();
  });
  dialog.showModal();
}
