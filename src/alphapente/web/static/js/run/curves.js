// @ts-check
/** The charts of a run: records, losses, lengths and endings of games, speed, games by cycle. */

import { get } from "../api.js";
import { Chart } from "../charts.js";
import { h } from "../dom.js";
import { count } from "./format.js";
import { Refresh } from "./refresh.js";

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
    this.policy = new Chart({
      title: "Policy loss",
      x: "count",
      xLabel: "step",
      yLabel: "nats",
      series: [
        { label: "training", color: "--policy" },
        { label: "held-out games", color: "--visits" },
        { label: "entropy", color: "--line-strong", dash: [5, 4] },
      ],
      empty: "No training has ended an epoch yet",
    });
    this.value = new Chart({
      title: "Value loss",
      x: "count",
      xLabel: "step",
      yLabel: "nats",
      series: [
        { label: "training", color: "--policy" },
        { label: "held-out games", color: "--visits" },
        { label: "error", color: "--line-strong", dash: [5, 4] },
      ],
      empty: "No training has ended an epoch yet",
    });
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
    this.seen = "";
    /** @type {any} the newest snapshot */
    this.run = null;
    /** @type {any} */
    this.curves = null;
  }

  /** @param {any} run a snapshot */
  update(run) {
    this.run = run;
    if (run.config !== this.config) {
      this.config = run.config;
      this.curves = null;
      this.drawCurves();
    }
    this.drawRun(run);
    const seen = `${run.config} ${run.state} ${run.phase} ${run.losses.length}`;
    const live = run.state === "running" || run.state === "ending";
    if (seen !== this.seen) this.refresh.now();
    else if (live) this.refresh.soon();
    this.seen = seen;
  }

  leave() {
    this.refresh.stop();
    this.seen = "";
  }

  /** Draws what the snapshot itself holds. @param {any} run */
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
      const xs = samples.map((/** @type {any} */ sample) => sample.elapsed_s);
      const ys = samples.map((/** @type {any} */ sample) => sample.records);
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
      this.records.set([games?.at.map((/** @type {number} */ at) => at - begin) ?? [], games?.records ?? []], { levels: near });
    }
    const cycles = run.games_per_cycle;
    this.cycles.set([cycles.map((/** @type {any} */ one) => one.cycle), cycles.map((/** @type {any} */ one) => one.games)]);
    const losses = run.losses;
    this.losses.set([
      losses.map((/** @type {any} */ _one, /** @type {number} */ place) => place + 1),
      losses.map((/** @type {any} */ one) => one.loss),
    ]);
  }

  /** Reads the curves. */
  async read() {
    const { config } = this;
    const curves = await get(`/run/curves?config=${encodeURIComponent(config)}`);
    if (config !== this.config) return;
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
 * @param {(number | null)[][]} columns
 * @returns {(number | null)[][]}
 */
function inOrder(columns) {
  const last = new Map(columns[0].map((x, row) => [x, row]));
  const rows = [...last.entries()].sort((one, other) => Number(one[0]) - Number(other[0])).map(([, row]) => row);
  return columns.map((column) => rows.map((row) => column[row]));
}
