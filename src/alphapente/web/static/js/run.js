/** The Run room: a run watched live or looked back on, started, paused and stopped. */

import { announce } from "./announce.js";
import { addressOf, get, messageOf, post } from "./api.js";
import { loadChartStyles } from "./charts.js";
import { h, setText, show } from "./dom.js";
import { CurvesPanel } from "./run/curves.js";
import { DoctorPanel } from "./run/doctor.js";
import { LiveGamesPanel, RecentGamesPanel } from "./run/games.js";
import { LogsPanel } from "./run/logs.js";
import { isActive, OverviewPanel, STATE_WORDS, StepsPanel } from "./run/overview.js";
import { RatingsPanel } from "./run/ratings.js";
import { StartDialog } from "./run/start.js";

/** @import { RunEvents, RunSnapshot } from "../../openapi.js" */

const LIST_MS = 15_000;
const RETRY_MS = 2_000; // where no run can be followed at present

/** The room. */
class RunRoom {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.choice = h("select", { id: "run-config", onchange: () => this.chosen() });
    this.badge = h("span", { class: "badge", id: "run-state" });
    this.startButton = h("button", { type: "button", class: "button primary", disabled: true, onclick: () => void this.start() }, "Start…");
    this.pauseButton = h("button", { type: "button", class: "button", hidden: true, onclick: () => void this.act("pause") }, "Pause");
    this.stopButton = h(
      "button",
      { type: "button", class: "button danger", hidden: true, onclick: () => this.stopDialog.showModal() },
      "Stop…",
    );
    this.message = h("p", { class: "run-message", role: "status", hidden: true });
    this.lost = h(
      "p",
      { class: "notice", role: "alert", hidden: true },
      "The connection to the server is lost; trying again. The run continues.",
    );
    this.dialog = new StartDialog(() => this.watch());
    this.stopDialog = this.makeStopDialog();
    this.overview = new OverviewPanel();
    this.steps = new StepsPanel();
    this.curves = new CurvesPanel();
    this.live = new LiveGamesPanel();
    this.recent = new RecentGamesPanel();
    this.ratings = new RatingsPanel();
    this.doctor = new DoctorPanel((settings) => void this.start(settings));
    this.logs = new LogsPanel();
    this.panels = [this.overview, this.steps, this.live, this.curves, this.ratings, this.recent, this.doctor, this.logs];
    this.body = h(
      "div",
      { class: "run-body", hidden: true },
      this.overview.element,
      this.steps.element,
      this.live.element,
      this.curves.element,
      h("div", { class: "run-halves" }, h("div", {}, this.ratings.element, this.doctor.element), h("div", {}, this.recent.element)),
      this.logs.element,
    );
    root.replaceChildren(
      h(
        "div",
        { class: "run-head row" },
        h("h1", {}, h("label", { for: "run-config" }, "Run")),
        this.choice,
        this.badge,
        h("div", { class: "row run-buttons" }, this.startButton, this.pauseButton, this.stopButton),
      ),
      this.message,
      this.lost,
      this.body,
      this.dialog.element,
      this.stopDialog,
    );
    /** @type {EventSource | null} */
    this.source = null;
    /** @type {RunSnapshot | null} */
    this.run = null;
    this.config = "";
    this.timer = 0;
    this.here = false;
  }

  makeStopDialog() {
    const dialog = h("dialog", { "aria-labelledby": "stop-title" });
    const stop = () => {
      dialog.close();
      void this.act("stop");
    };
    dialog.append(
      h(
        "form",
        { method: "dialog" },
        h("h2", { id: "stop-title" }, "Stop this run for good?"),
        h(
          "p",
          {},
          "Its records and checkpoints stay, and the next start begins a new run with them. Pause ends its process too, but the run can be resumed.",
        ),
        h(
          "div",
          { class: "row end" },
          h("button", { class: "button", type: "submit" }, "Cancel"),
          h("button", { class: "button danger", type: "button", onclick: stop }, "Stop for good"),
        ),
      ),
    );
    return dialog;
  }

  /** @param {string} path the configuration's name, or nothing */
  async enter(path) {
    this.here = true;
    let wanted = "";
    try {
      wanted = decodeURIComponent(path);
    } catch {
      // a damaged address names no configuration
    }
    await this.list(wanted);
  }

  leave() {
    this.here = false;
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    for (const panel of [this.live, this.curves, this.recent, this.ratings, this.doctor, this.logs]) panel.leave();
    if (this.dialog.element.open) this.dialog.element.close();
    if (this.stopDialog.open) this.stopDialog.close();
  }

  /**
   * Reads which runs and configurations there are, now and then, and follows the one chosen if it is not yet.
   * @param {string} wanted
   */
  async list(wanted) {
    clearTimeout(this.timer);
    try {
      await this.readList(wanted);
    } catch (error) {
      if (this.run === null) this.say(messageOf(error)); // else the notice says so
    }
    clearTimeout(this.timer); // of another call meanwhile
    if (this.here) this.timer = window.setTimeout(() => void this.list(this.config || wanted), this.source === null ? RETRY_MS : LIST_MS);
  }

  /** @param {string} wanted */
  async readList(wanted) {
    const [configs, runs] = await Promise.all([get("/configs"), get("/runs")]);
    if (!this.here) return;
    const stateOf = new Map(runs.flatMap((run) => run.configs.map((name) => /** @type {const} */ ([name, run.state]))));
    const options = configs.map((config) => {
      const state = stateOf.get(config.name);
      const about = config.problem !== null ? " — cannot be used" : state === undefined ? "" : ` — ${STATE_WORDS[state]}`;
      return h("option", { value: config.name, title: config.problem }, `${config.name}${about}`);
    });
    const names = configs.map((config) => config.name);
    const chosen = [wanted, this.config, runs[0]?.config, names[0]].find((name) => name !== undefined && names.includes(name)) ?? "";
    if (document.activeElement !== this.choice) this.choice.replaceChildren(...options);
    this.choice.value = chosen;
    if (this.config !== chosen || this.source === null) {
      this.config = chosen;
      this.watch();
    }
  }

  chosen() {
    location.hash = `#run/${encodeURIComponent(this.choice.value)}`;
  }

  /** Follows the run of the configuration chosen. */
  watch() {
    this.source?.close();
    if (!this.here) return;
    if (this.run?.config !== this.config) {
      this.run = null; // until the first snapshot there is nothing to start
      for (const button of [this.startButton, this.pauseButton, this.stopButton]) button.disabled = true;
    }
    const source = new EventSource(addressOf("/run/events", { config: this.config }));
    this.source = source;
    source.addEventListener("run", (event) => {
      show(this.lost, false);
      this.update(JSON.parse(/** @type {MessageEvent} */ (event).data));
    });
    source.addEventListener("error", (event) => {
      if (this.source !== source) return;
      const { data } = /** @type {MessageEvent} */ (event);
      if (data !== undefined) {
        source.close(); // the server has said why, such as a configuration that is half-saved
        show(this.body, false);
        this.say(JSON.parse(data).message);
      } else {
        show(this.lost, true);
      }
      if (source.readyState === EventSource.CLOSED) {
        this.source = null; // the list's next turn opens another
        clearTimeout(this.timer);
        this.timer = window.setTimeout(() => void this.list(this.config), RETRY_MS);
      }
    });
  }

  /** @param {RunSnapshot} run a snapshot */
  update(run) {
    const before = this.run;
    this.run = run;
    show(this.body, true);
    const live = isActive(run);
    this.badge.className = `badge state-${run.state}`;
    setText(this.badge, STATE_WORDS[run.state]);
    setText(this.startButton, run.state === "paused" || run.state === "failed" ? "Resume…" : "Start…");
    show(this.startButton, !live);
    show(this.pauseButton, live);
    show(this.stopButton, live || run.state === "paused" || run.state === "failed");
    this.startButton.disabled = false;
    this.pauseButton.disabled = run.state !== "running";
    this.stopButton.disabled = run.state === "ending";
    this.say(run.message);
    this.message.classList.toggle("bad", run.state === "failed");
    for (const panel of this.panels) panel.update(run);
    if (before?.config === run.config && before.state !== run.state) {
      announce(`The run is ${STATE_WORDS[run.state]}`);
      void this.list(this.config);
    } else if (before?.config === run.config && before.phase !== run.phase && run.phase !== "") {
      announce(run.phase);
    }
  }

  /** @param {string} message */
  say(message) {
    setText(this.message, message);
    show(this.message, message !== "");
  }

  /** @param {string[]} [settings] */
  async start(settings = []) {
    if (this.run === null) return;
    try {
      await this.dialog.open(this.run, settings);
    } catch (error) {
      this.say(messageOf(error));
    }
  }

  /** @param {"pause" | "stop"} what */
  async act(what) {
    try {
      await post(`/run/${what}`, { config: this.config });
    } catch (error) {
      this.say(messageOf(error));
    }
  }
}

/** @param {HTMLElement} root */
export function mount(root) {
  loadChartStyles();
  const room = new RunRoom(root);
  return { enter: (/** @type {string} */ path) => void room.enter(path), leave: () => room.leave() };
}
