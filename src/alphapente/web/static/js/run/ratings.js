/** The ratings of a run's networks over its records, with error bars, and of all who have played. */

import { get, messageOf } from "../api.js";
import { Chart } from "../charts.js";
import { h, show } from "../dom.js";
import { count, withCode } from "./format.js";
import { scrolledTable } from "./overview.js";
import { Refresh } from "./refresh.js";

/** @import { RatedView, RatingsAnswer, RunSnapshot } from "../../../openapi.js" */

const EVERY_MS = 60_000;
const elo = (/** @type {number} */ value) => `${value > 0 ? "+" : ""}${Math.round(value)}`;

/** The ratings on one board size. */
export class RatingsPanel {
  constructor() {
    this.size = h("select", { "aria-label": "Board of the ratings", onchange: () => this.refresh.now() });
    this.chart = new Chart({
      title: "Rating of the run's networks",
      x: "count",
      xLabel: "records",
      yLabel: "Elo",
      series: [{ label: "Elo, bars 95% intervals", color: "--accent", look: "points", format: elo }],
      empty: "None of the run's networks has played a stored match",
    });
    this.rows = h("tbody");
    this.message = h("p", { class: "muted" });
    this.warnings = h("div", { class: "warnings" });
    this.table = scrolledTable("Ratings of all players", ["Player", "Elo", "95% interval", "Games", "Score"], this.rows);
    this.element = h(
      "section",
      { class: "card ratings" },
      h("div", { class: "row spread" }, h("h2", {}, "Ratings"), this.size),
      this.message,
      this.chart.element,
      this.table,
      this.warnings,
    );
    this.config = "";
    this.sizes = "";
    this.refresh = new Refresh(
      () => this.read(),
      EVERY_MS,
      (error) => this.say(messageOf(error)),
    );
  }

  /** @param {RunSnapshot} run a snapshot */
  update(run) {
    const sizes = run.board_sizes.join();
    if (run.config !== this.config || sizes !== this.sizes) {
      this.config = run.config;
      this.sizes = sizes;
      const largest = run.board_sizes[run.board_sizes.length - 1];
      this.size.replaceChildren(
        ...run.board_sizes.map((size) => h("option", { value: size, selected: size === largest }, `${size}x${size}`)),
      );
      show(this.size, run.board_sizes.length > 1);
    }
    this.refresh.follow(`${run.config} ${sizes} ${run.state} ${run.losses.length}`, true);
  }

  leave() {
    this.refresh.stop();
  }

  async read() {
    const { config } = this;
    const size = this.size.value;
    const answer = await get("/run/ratings", { config, board_size: Number(size) });
    if (config === this.config && size === this.size.value) this.set(answer);
  }

  /** @param {string} message */
  say(message) {
    if (this.message.dataset.shown !== message) this.message.replaceChildren(...withCode(message));
    this.message.dataset.shown = message;
    show(this.message, message !== "");
  }

  /** @param {RatingsAnswer} answer */
  set(answer) {
    this.say(answer.message);
    show(this.table, answer.players.length > 0);
    show(this.chart.element, answer.players.length > 0);
    const run = answer.players
      .flatMap(({ records, ...one }) => (records === null ? [] : [{ ...one, records }]))
      .sort((one, other) => one.records - other.records);
    const half = (/** @type {Omit<RatedView, "records">} */ player) => player.spread ?? (player.high - player.low) / 2;
    this.chart.set([run.map((one) => one.records), run.map((one) => one.elo)], {
      errors: [run.map((one) => one.elo - half(one)), run.map((one) => one.elo + half(one))],
      levels: answer.players
        .filter((player) => player.kind !== "checkpoint")
        .slice(0, 6)
        .map((player) => ({ at: player.elo, label: player.name })),
    });
    this.rows.replaceChildren(
      ...answer.players.map((player) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, player.name),
          h("td", { class: "number" }, elo(player.elo)),
          h("td", { class: "number" }, player.held ? "held" : `${elo(player.low)} to ${elo(player.high)}`),
          h("td", { class: "number" }, count(player.games)),
          h("td", { class: "number" }, `${Math.round(100 * player.score)}%`),
        ),
      ),
    );
    this.warnings.replaceChildren(...answer.warnings.map((warning) => h("p", { class: "muted" }, ...withCode(warning))));
  }
}
