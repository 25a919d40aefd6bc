/** The charts of a run: records, losses, lengths and endings of games, speed, games by cycle. */

import { get } from "../api.js";
import { Chart } from "../charts.js";
import { h } from "../dom.js";
import { count } from "./format.js";
import { isActive } from "./overview.js";
import { Refresh } from "./refresh.js";

/** @import { Columns } from "../charts.js" */
/** @import { RunCurves, RunSnapshot } from "../../../openapi.js" */

const EVERY_MS = 8000;
const share = (/** @type {number} */ value) => `${Math.round(100 * value)}%`;

/** The charts, which reload while the run is active. */
export class CurvesPanel {
  constructor() {
    this.records = new Chart({
      title: "Records",
      x: "duration",
      xLabel: "time of the run",
      yLabel: "in the database",
      fromZero: true,
      series: [{ label: "records", color: "--accent", format: count }],
      empty: "No records yet",
    });
    this.policy = lossChart("Policy loss", "entropy");
    this.value = lossChart("Value loss", "error");
    this.lengths = new Chart({
      title: "Length of games",
      x: "count",
      xLabel: "records",
      yLabel: "plies",
      fromZero: true,
      series: [{ label: "plies, on average", color: "--accent" }],
      empty: "No game has ended yet",
    });
    this.endings = new Chart({
      title: "How games end",
      x: "count",
      xLabel: "records",
      yLabel: "share of games",
      range: [0, 1],
      series: [
        { label: "captures", color: "--visits", look: "area", format: share },
        { label: "five in a row", color: "--policy", look: "area", format: share },
        { label: "draw", color: "--line-strong", look: "area", format: share },
        { label: "won by White", color: "--ink", dash: [2, 3], format: share },
      ],
      empty: "No game has ended yet",
    });
    this.speed = new Chart({
      title: "Speed of self-play",
      x: "time",
      xLabel: "",
      yLabel: "records/s",
      rightLabel: "simulations/s",
      fromZero: true,
      series: [
        { label: "records/s", color: "--accent" },
        { label: "simulations/s", color: "--warn", axis: "right" },
      ],
      empty: "No rates yet: they are written twice a minute",
    });
    this.cycles = new Chart({
      title: "Games by cycle",
      x: "count",
      xLabel: "cycle",
      yLabel: "games",
      fromZero: true,
      series: [{ label: "games", color: "--accent", look: "bars", format: count }],
      empty: "No game has ended yet",
    });
    this.losses = new Chart({
      title: "Total loss by training",
      x: "count",
      xLabel: "training",
      yLabel: "nats",
      series: [{ label: "at its end", color: "--policy", look: "points" }],
      empty: "No training has ended yet",
    });
    const charts = [this.records, this.policy, this.value, this.endings, this.lengths, this.speed, this.cycles, this.losses];
    this.element = h("section", { class: "charts", "aria-label": "Curves" }, ...charts.map((chart) => chart.element));
    this.refresh = new Refresh(() => this.read(), EVERY_MS);
    this.config = "";
    /** @type {RunSnapshot | null} the newest snapshot */
    this.run = null;
    /** @type {RunCurves | null} */
    this.curves = null;
  }

  /** @param {RunSnapshot} run a snapshot */
  update(run) {
    this.run = run;
    if (run.config !== this.config) {
      this.config = run.config;
      this.curves = null;
      this.drawCurves();
    }
    this.drawRun(run);
    this.refresh.follow(`${run.config} ${run.state} ${run.phase} ${run.losses.length}`, isActive(run));
  }

  leave() {
    this.refresh.stop();
  }

  /** Draws what the snapshot itself holds. @param {RunSnapshot} run */
  drawRun(run) {
    const { samples } = run;
    const levels =
      run.state === "none"
        ? []
        : [
            {
              at: run.records_end,
              label: `${count(run.records_end)}, the ${run.records_end === run.records_target ? "target" : "end of its cycles"}`,
            },
          ];
    // An end that is far away would press the curve flat.
    const near = levels.filter((level) => level.at < 12 * Math.max(run.records, 1));
    if (samples.length > 0) {
      const now = run.elapsed_s > samples[samples.length - 1].elapsed_s;
      const xs = samples.map((sample) => sample.elapsed_s);
      const ys = samples.map((sample) => sample.records);
      this.records.set(
        now
          ? [
              [...xs, run.elapsed_s],
              [...ys, run.records],
            ]
          : [xs, ys],
        { levels: near },
      );
    } else {
      const games = this.curves?.games;
      const begin = games?.at[0] ?? 0;
      this.records.set([games?.at.map((at) => at - begin) ?? [], games?.records ?? []], { levels: near });
    }
    const cycles = run.games_per_cycle;
    this.cycles.set([cycles.map((one) => one.cycle), cycles.map((one) => one.games)]);
    const losses = run.losses;
    this.losses.set([losses.map((_one, place) => place + 1), losses.map((one) => one.loss)]);
  }

  /** Reads the curves. */
  async read() {
    const { config } = this;
    const curves = await get("/run/curves", { config });
    if (config !== this.config || this.run === null) return;
    this.curves = curves;
    this.drawCurves();
    this.drawRun(this.run); // the records come from the curves where the snapshot has no samples
  }

  drawCurves() {
    const { games, training, rates } = this.curves ?? EMPTY;
    const [steps, ...losses] = inOrder([
      training.step,
      training.policy_loss,
      training.validation_policy_loss,
      training.policy_entropy,
      training.value_loss,
      training.validation_value_loss,
      training.value_error,
    ]);
    this.policy.set([steps, losses[0], losses[1], losses[2]]);
    this.value.set([steps, losses[3], losses[4], losses[5]]);
    this.lengths.set([games.records, games.plies]);
    this.endings.set([games.records, games.by_captures, games.by_five, games.draws, games.won_by_player_1]);
    this.speed.set([rates.at, rates.records_per_s, rates.simulations_per_s]);
  }
}

/** @param {string} title @param {string} third what is drawn beside the losses */
function lossChart(title, third) {
  return new Chart({
    title,
    x: "count",
    xLabel: "step",
    yLabel: "nats",
    series: [
      { label: "training", color: "--policy" },
      { label: "held-out games", color: "--visits" },
      { label: third, color: "--line-strong", dash: [5, 4] },
    ],
    empty: "No training has ended an epoch yet",
  });
}

const EMPTY = {
  games: { records: [], plies: [], by_five: [], by_captures: [], draws: [], won_by_player_1: [] },
  training: {
    step: [],
    policy_loss: [],
    validation_policy_loss: [],
    policy_entropy: [],
    value_loss: [],
    validation_value_loss: [],
    value_error: [],
  },
  rates: { at: [], records_per_s: [], simulations_per_s: [] },
};

/**
 * The columns sorted by the first of them, of equal ones the last: trainings may have been begun anew.
 * @param {Columns} columns
 * @returns {Columns}
 */
function inOrder([xs, ...columns]) {
  const last = new Map(xs.map((x, row) => [x, row]));
  const rows = [...last.entries()].sort(([one], [other]) => one - other).map(([, row]) => row);
  return [rows.map((row) => xs[row]), ...columns.map((column) => rows.map((row) => column[row]))];
}
