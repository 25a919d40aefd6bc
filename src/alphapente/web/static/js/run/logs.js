/** The tails of a run's logs. */

import { get, messageOf } from "../api.js";
import { h, setText, show } from "../dom.js";
import { isActive } from "./overview.js";
import { Refresh } from "./refresh.js";

/** @import { LogsAnswer, RunSnapshot } from "../../../openapi.js" */

const EVERY_MS = 3000;
const LINES = 200;

/** The chosen log and its last lines, followed while the run is active. */
export class LogsPanel {
  constructor() {
    this.choice = h("select", { "aria-label": "Log", onchange: () => this.chosen() });
    this.text = h("pre", { class: "log", tabindex: 0, role: "region", "aria-label": "Last lines of the log" });
    this.nothing = h("p", { class: "muted" }, "No logs yet");
    this.element = h(
      "section",
      { class: "card logs" },
      h("div", { class: "row spread" }, h("h2", {}, "Logs"), this.choice),
      this.nothing,
      this.text,
    );
    this.config = "";
    this.name = "";
    this.refresh = new Refresh(
      () => this.read(),
      EVERY_MS,
      (error) => setText(this.text, messageOf(error)),
    );
  }

  /** @param {RunSnapshot} run a snapshot */
  update(run) {
    if (run.config !== this.config) {
      this.config = run.config;
      this.name = "";
    }
    this.refresh.follow(`${run.config} ${run.state} ${run.phase}`, isActive(run));
  }

  chosen() {
    this.name = this.choice.value;
    this.refresh.now();
  }

  leave() {
    this.refresh.stop();
  }

  async read() {
    const { config, name } = this;
    const answer = await get("/run/logs", { config, lines: LINES, name: name || null });
    if (config === this.config && name === this.name) this.set(answer);
  }

  /** @param {LogsAnswer} answer */
  set(answer) {
    show(this.nothing, answer.files.length === 0);
    show(this.text, answer.files.length > 0);
    show(this.choice, answer.files.length > 0);
    const names = answer.files.map((file) => file.name).join();
    if (this.choice.dataset.names !== names) {
      this.choice.dataset.names = names;
      this.choice.replaceChildren(...answer.files.map((file) => h("option", { value: file.name }, file.name)));
    }
    this.choice.value = answer.name ?? "";
    const atEnd = this.text.scrollTop + this.text.clientHeight >= this.text.scrollHeight - 30;
    setText(this.text, answer.lines.join("\n") || "(empty)");
    if (atEnd) this.text.scrollTop = this.text.scrollHeight;
  }
}
