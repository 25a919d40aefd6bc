/** The doctor: what is wrong with a run, the evidence, and the settings to change. */

import { get, messageOf, post } from "../api.js";
import { h, setText, show } from "../dom.js";
import { ago, withCode } from "./format.js";
import { bar } from "./overview.js";

/** @import { CheckView, DoctorAnswer, FindingView, RunSnapshot } from "../../../openapi.js" */

const POLL_MS = 700;

/** The doctor's findings. */
export class DoctorPanel {
  /** @param {(settings: string[]) => void} onsettings the user wants these settings in the next start */
  constructor(onsettings) {
    this.onsettings = onsettings;
    this.button = h("button", { type: "button", class: "button", onclick: () => void this.examine() }, "Examine the run");
    this.about = h("p", { class: "muted", role: "status" });
    this.bar = bar("Examination");
    this.findings = h("div", { class: "findings" });
    this.well = h("ul");
    this.unseen = h("ul");
    this.wellBox = h("details", {}, h("summary", {}, "Passed"), this.well);
    this.unseenBox = h("details", {}, h("summary", {}, "Not available"), this.unseen);
    this.element = h(
      "section",
      { class: "card doctor" },
      h("div", { class: "row spread" }, h("h2", {}, "Doctor"), this.button),
      this.about,
      this.bar.element,
      this.findings,
      this.wellBox,
      this.unseenBox,
    );
    this.config = "";
    this.timer = 0;
    this.shown = "";
  }

  /** @param {RunSnapshot} run a snapshot */
  update(run) {
    if (run.config === this.config) return;
    this.config = run.config;
    void this.read();
  }

  leave() {
    clearTimeout(this.timer);
    this.config = "";
  }

  async examine() {
    this.button.disabled = true;
    try {
      this.set(await post("/run/doctor", { config: this.config }));
      this.again();
    } catch (error) {
      setText(this.about, messageOf(error));
      this.button.disabled = false;
    }
  }

  again() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.read(), POLL_MS);
  }

  async read() {
    const config = this.config;
    if (config === "") return;
    try {
      const answer = await get("/run/doctor", { config });
      if (config !== this.config) return;
      this.set(answer);
      if (answer.state === "examining") this.again();
    } catch (error) {
      setText(this.about, messageOf(error));
      if (this.button.disabled) this.again(); // the examination goes on
    }
  }

  /** @param {DoctorAnswer} answer */
  set(answer) {
    const examining = answer.state === "examining";
    this.button.disabled = examining;
    show(this.bar.element, examining);
    this.bar.set(answer.done, answer.checks);
    const found = answer.findings.length;
    const words = {
      none: `${answer.checks} checks of its records, its network, its losses and its settings; they take about a minute, at low priority.`,
      examining: `Checking: ${answer.check || "starting"} (${answer.done} of ${answer.checks} checks done)`,
      failed: answer.message,
      ready: `${found === 0 ? "No problem found" : `${found} finding${found === 1 ? "" : "s"}, most severe first`}; examined ${answer.at === null ? "" : ago(answer.at)}`,
    };
    setText(this.about, words[answer.state]);
    const shown = JSON.stringify([answer.findings, answer.well, answer.not_looked_at]);
    if (shown === this.shown) return;
    this.shown = shown;
    this.findings.replaceChildren(...answer.findings.map((finding) => this.finding(finding)));
    const items = (/** @type {CheckView[]} */ checks) => checks.map((one) => h("li", {}, h("b", {}, one.check), ": ", one.text));
    this.well.replaceChildren(...items(answer.well));
    this.unseen.replaceChildren(...items(answer.not_looked_at));
    show(this.wellBox, answer.well.length > 0);
    show(this.unseenBox, answer.not_looked_at.length > 0);
  }

  /** @param {FindingView} finding */
  finding(finding) {
    const settings = finding.settings.map((setting) =>
      h(
        "li",
        {},
        h("code", {}, setting),
        finding.present[setting] ? h("span", { class: "muted" }, ` now ${finding.present[setting]}`) : null,
      ),
    );
    return h(
      "article",
      { class: `finding ${finding.severity}` },
      h("h3", {}, h("span", { class: "badge" }, finding.severity), " ", finding.title),
      h("p", {}, capital(finding.evidence)),
      h("p", {}, ...withCode(finding.advice)),
      settings.length > 0 ? h("ul", {}, ...settings) : null,
      settings.length > 0
        ? h("button", { type: "button", class: "button small", onclick: () => this.onsettings(finding.settings) }, "Use in the next start")
        : null,
    );
  }
}

/** @param {string} text */
function capital(text) {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
