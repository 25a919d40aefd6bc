/**
 * The dialog that starts or resumes a run: the configuration key by key, with changes.
 *
 * The server checks each change as it is made, by the code that checks the command line; nothing is judged here.
 */

import { get, messageOf, post } from "../api.js";
import { h, setText, show } from "../dom.js";
import { withCode } from "./format.js";

/** @import { RunSnapshot, SettingView } from "../../../openapi.js" */

/** The settings changed most often, listed first. */
const FIRST = [
  "game.variant",
  "game.board_size",
  "generation.model_type",
  "training.model_type",
  "generation.simulations",
  "generation.record_limit",
  "training.reuse",
  "training.learning_rate",
  "pipeline.mode",
  "pipeline.generation_cycles",
  "pipeline.training_cycles_per_generation",
  "pipeline.total_records_target",
  "pipeline.time_limit_minutes",
  "pipeline.keep_checkpoints",
  "pipeline.promotion",
];
const SECTIONS = ["game", "generation", "search", "training", "pipeline", "records", "network", "models"];
const TITLES = /** @type {Record<string, string>} */ ({
  game: "The game",
  generation: "Self-play",
  search: "Search",
  training: "Training",
  pipeline: "The schedule",
  records: "The database",
  network: "Where the network runs",
  models: "Models",
});
const CHECK_MS = 250;

let dialogs = 0;

/** The dialog. */
export class StartDialog {
  /** @param {(config: string) => void} onstarted */
  constructor(onstarted) {
    this.onstarted = onstarted;
    this.id = `start${(dialogs += 1)}`;
    this.title = h("h2", { id: `${this.id}-title` });
    this.about = h("p", { class: "muted" });
    this.find = h("input", { type: "search", placeholder: "Find a setting", "aria-label": "Find a setting", oninput: () => this.filter() });
    this.list = h("div", { class: "settings" });
    this.summary = h("p", { class: "settings-summary", role: "status" });
    this.go = h("button", { type: "submit", class: "button primary" }, "Start");
    this.element = h(
      "dialog",
      { class: "start-dialog", "aria-labelledby": `${this.id}-title` },
      h(
        "form",
        { method: "dialog", onsubmit: (/** @type {Event} */ event) => void this.submit(event) },
        this.title,
        this.about,
        this.find,
        this.list,
        this.summary,
        h(
          "div",
          { class: "row end" },
          h("button", { type: "button", class: "button", onclick: () => this.element.close() }, "Cancel"),
          this.go,
        ),
      ),
    );
    /** @type {Map<string, SettingRow>} */
    this.rows = new Map();
    this.config = "";
    this.checks = 0;
    this.timer = 0;
  }

  /**
   * Opens it for a configuration.
   * @param {RunSnapshot} run a snapshot
   * @param {string[]} [more] overrides that are filled in
   */
  async open(run, more = []) {
    this.config = run.config;
    const goesOn = run.state === "paused" || run.state === "failed";
    const [plain, inForce] = await Promise.all([
      get("/configs/{name}", { name: run.config }),
      goesOn && run.run !== null ? get("/run/settings", { config: run.config }) : null,
    ]);
    setText(this.title, goesOn ? `Resume the run of ${run.config}` : `Start a run of ${run.config}`);
    setText(
      this.about,
      goesOn
        ? "The run resumes where it stopped. Changed settings apply from now on."
        : `From ${plain.path ?? "the built-in defaults"}; changes apply to this run and not to the file. ` +
            "The run is a process of its own: it continues when this page or its server is closed.",
    );
    setText(this.go, goesOn ? "Resume" : "Start");
    this.build(plain.settings);
    for (const override of [...(inForce?.overrides ?? []), ...more]) this.preset(override);
    this.find.value = "";
    this.filter();
    this.check();
    this.element.showModal();
    this.list.scrollTop = 0;
  }

  /** @param {SettingView[]} settings */
  build(settings) {
    this.rows.clear();
    const onchange = () => this.changed();
    for (const setting of settings) this.rows.set(setting.path, new SettingRow(setting, onchange));
    const group = (/** @type {string} */ title, /** @type {string[]} */ paths, /** @type {boolean} */ open) =>
      h(
        "details",
        { open, class: "settings-group" },
        h("summary", {}, h("h3", {}, title), h("span", { class: "muted number" })),
        ...paths.map((path) => /** @type {SettingRow} */ (this.rows.get(path)).element),
      );
    const first = FIRST.filter((path) => this.rows.has(path));
    const others = [...this.rows.keys()].filter((path) => !first.includes(path));
    const sections = SECTIONS.map((name) => ({ name, paths: others.filter((path) => path.startsWith(`${name}.`)) }));
    const extra = others.filter((path) => !SECTIONS.includes(path.split(".")[0]) && !path.startsWith("web."));
    this.list.replaceChildren(
      group("Most changed", first, true),
      ...sections.filter(({ paths }) => paths.length > 0).map(({ name, paths }) => group(TITLES[name], paths, false)),
      ...(extra.length > 0 ? [group("More", extra, false)] : []),
    );
  }

  /** Fills in an override, `key=value`. @param {string} text */
  preset(text) {
    const equals = text.indexOf("=");
    const row = this.rows.get(text.slice(0, equals));
    if (row === undefined) return;
    row.write(text.slice(equals + 1));
    const group = row.element.closest("details");
    if (group !== null) group.open = true;
  }

  /** @returns {string[]} */
  overrides() {
    return [...this.rows.values()].map((row) => row.override()).filter((text) => text !== null);
  }

  changed() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.check(), CHECK_MS);
  }

  /** Has the server check what is filled in. */
  async check() {
    const number = (this.checks += 1);
    const overrides = this.overrides();
    let answer;
    try {
      answer = await post("/configs/check", { config: this.config, overrides });
    } catch (error) {
      answer = { ok: false, errors: [{ key: "", found: "", allowed: "", message: messageOf(error) }] };
    }
    if (number !== this.checks) return false; // another one has begun since
    for (const row of this.rows.values()) row.setError("");
    /** @type {string[]} */
    const loose = [];
    for (const error of answer.errors) {
      const row = this.rows.get(error.key);
      if (row === undefined) loose.push(error.message);
      else row.setError(error.allowed ? `Allowed: ${error.allowed}` : error.message);
    }
    const changes = overrides.length;
    const wrong = answer.errors.length;
    setText(
      this.summary,
      wrong > 0
        ? [`${wrong} setting${wrong === 1 ? " is" : "s are"} refused.`, ...loose].join(" ")
        : changes > 0
          ? `${changes} setting${changes === 1 ? "" : "s"} changed: ${overrides.join(", ")}`
          : "As in its file.",
    );
    this.summary.classList.toggle("bad", wrong > 0);
    this.go.disabled = !answer.ok;
    for (const group of this.list.querySelectorAll("details")) {
      const changed = group.querySelectorAll(".setting.changed").length;
      const refused = group.querySelectorAll(".setting.refused").length;
      if (refused > 0) group.open = true;
      setText(/** @type {Element} */ (group.querySelector("summary span")), changed > 0 ? `${changed} changed` : "");
    }
    return answer.ok;
  }

  filter() {
    const words = this.find.value.toLowerCase().trim();
    for (const row of this.rows.values()) show(row.element, row.matches(words));
    for (const group of this.list.querySelectorAll("details")) {
      const found = [...group.querySelectorAll(".setting")].some((row) => !(/** @type {HTMLElement} */ (row).hidden));
      show(group, found);
      if (words !== "" && found) group.open = true;
    }
  }

  /** @param {Event} event */
  async submit(event) {
    event.preventDefault();
    clearTimeout(this.timer);
    if (!(await this.check())) return;
    this.go.disabled = true;
    try {
      await post("/run/start", { config: this.config, overrides: this.overrides() });
      this.element.close();
      this.onstarted(this.config);
    } catch (error) {
      setText(this.summary, messageOf(error));
      this.summary.classList.add("bad");
    } finally {
      this.go.disabled = false;
    }
  }
}

/** One setting, with what it means and what it may be. */
class SettingRow {
  /** @param {SettingView} setting @param {() => void} onchange */
  constructor(setting, onchange) {
    this.setting = setting;
    const id = `setting-${setting.path.replaceAll(".", "-")}`;
    this.plain = written(setting.value);
    this.isText = typeof setting.value === "string";
    if (setting.choices.length > 0) {
      this.input = h("select", { id }, ...setting.choices.map((one) => h("option", { value: written(one) }, written(one))));
    } else {
      this.input = h("input", { id, type: "text", spellcheck: "false", autocomplete: "off", autocapitalize: "off" });
    }
    this.input.value = this.plain;
    if (!setting.changeable) this.input.disabled = true;
    this.input.setAttribute("aria-describedby", `${id}-about ${id}-error`);
    const react = () => {
      this.mark();
      onchange();
    };
    this.input.addEventListener("input", react);
    this.reset = h(
      "button",
      {
        type: "button",
        class: "button quiet small",
        hidden: true,
        "aria-label": `Reset ${setting.path}`,
        onclick: () => {
          this.input.value = this.plain;
          react();
          this.input.focus();
        },
      },
      "Reset",
    );
    this.error = h("p", { class: "setting-error", id: `${id}-error`, hidden: true });
    this.element = h(
      "div",
      { class: "setting" },
      h("label", { for: id }, setting.path),
      h(
        "div",
        { class: "setting-value" },
        this.input,
        setting.unit === "" ? null : h("span", { class: "muted" }, setting.unit),
        this.reset,
      ),
      h(
        "p",
        { class: "muted", id: `${id}-about` },
        ...withCode(setting.meaning),
        setting.changeable ? ` (${setting.source})` : " Set in the file, not here.",
      ),
      this.error,
    );
  }

  mark() {
    const changed = this.input.value !== this.plain;
    this.element.classList.toggle("changed", changed);
    show(this.reset, changed);
  }

  /** @param {string} json */
  write(json) {
    let value;
    try {
      value = written(JSON.parse(json));
    } catch {
      value = json; // a bare text
    }
    this.input.value = value;
    this.mark();
  }

  /** @returns {string | null} what is changed, as `--set` takes it */
  override() {
    const { value } = this.input;
    if (value === this.plain) return null;
    const quoted = this.isText && !value.startsWith('"') ? JSON.stringify(value) : value;
    return `${this.setting.path}=${quoted}`;
  }

  /** @param {string} message */
  setError(message) {
    setText(this.error, message);
    show(this.error, message !== "");
    this.element.classList.toggle("refused", message !== "");
    if (message === "") this.input.removeAttribute("aria-invalid");
    else this.input.setAttribute("aria-invalid", "true");
  }

  /** @param {string} words @returns {boolean} */
  matches(words) {
    return words === "" || `${this.setting.path} ${this.setting.meaning}`.toLowerCase().includes(words);
  }
}

/** A value as one types it: texts bare, all else as JSON. @param {unknown} value @returns {string} */
function written(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
