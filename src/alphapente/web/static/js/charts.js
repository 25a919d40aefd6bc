/**
 * Charts over uPlot: lines, bars, stacked areas and error bars, in the page's colours, with a legend that follows the
 * pointer, and a sentence that says the same to those who do not see them.
 */

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { h, setText } from "./dom.js";
import { brief, count, duration, moment } from "./run/format.js";

/**
 * @typedef {"line" | "bars" | "points" | "area"} Look
 * @typedef {object} Series
 * @property {string} label
 * @property {string} color a custom property of the page, as "--accent"
 * @property {Look} [look] default "line"; areas are stacked on each other, in their order
 * @property {number[]} [dash]
 * @property {"right"} [axis] measured on the right
 * @property {(value: number) => string} [format]
 *
 * @typedef {object} Plan
 * @property {string} title
 * @property {"count" | "time" | "duration"} x
 * @property {string} xLabel
 * @property {string} [yLabel]
 * @property {string} [rightLabel]
 * @property {Series[]} series
 * @property {boolean} [fromZero] whether the left axis begins at zero
 * @property {[number, number]} [range] of the left axis
 * @property {string} [empty] what is said while there is nothing to draw
 *
 * @typedef {[number[], ...(number | null)[][]]} Columns the x values, then those of each series, nulls for gaps
 * @typedef {{at: number, label: string}} Level
 * @typedef {object} Extra
 * @property {Level[]} [levels] lines across the chart
 * @property {[number[], number[]]} [errors] lowest and highest of the first series, by point
 */

const HEIGHT = 190;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const TIMES = [
  1,
  2,
  5,
  10,
  15,
  30,
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100].map((n) => n * DAY),
];
/** How far apart the marks of an axis may be. @type {Record<Plan["x"], number[]>} */
const STEPS = {
  count: Array.from({ length: 11 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat(),
  duration: TIMES,
  time: TIMES,
};

/** One chart with its title and legend. */
export class Chart {
  /** @param {Plan} plan */
  constructor(plan) {
    this.plan = plan;
    /** @type {uPlot | null} */
    this.plot = null;
    /** @type {Columns} */
    this.data = [[]];
    /** @type {Extra} */
    this.extra = {};
    this.shown = "";
    this.values = plan.series.map(() => h("b", { class: "number" }));
    this.where = h("span", { class: "chart-where number" });
    const legend = plan.series.map((series, place) => h("li", {}, swatch(series), h("span", {}, series.label), this.values[place]));
    this.nothing = h("p", { class: "chart-nothing muted" }, plan.empty ?? "Nothing to draw yet");
    this.canvas = h("div", { class: "chart-plot", role: "img", "aria-label": plan.title, hidden: true });
    this.element = h(
      "figure",
      { class: "card chart" },
      h("figcaption", {}, h("h3", {}, plan.title), this.where),
      h("ul", { class: "chart-legend" }, ...legend),
      this.canvas,
      this.nothing,
    );
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.element);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", () => this.rebuild());
  }

  /**
   * Draws.
   * @param {Columns} data
   * @param {Extra} [extra]
   */
  set(data, extra = {}) {
    const shown = JSON.stringify([data, extra]);
    if (shown === this.shown) return;
    this.shown = shown;
    this.data = data;
    this.extra = extra;
    const there = data[0].length > 0;
    this.nothing.hidden = there;
    this.canvas.hidden = !there;
    this.canvas.setAttribute("aria-label", this.summary());
    this.showValues(null);
    if (!there) {
      this.destroyPlot();
    } else if (this.plot === null) {
      this.rebuild();
    } else {
      this.plot.setData(this.stacked());
    }
  }

  /** Draws it all anew, in the colours of now. */
  rebuild() {
    this.destroyPlot();
    const width = this.canvas.clientWidth;
    if (this.data[0].length === 0 || width === 0) return;
    this.plot = new uPlot(this.options(width), this.stacked(), this.canvas);
    this.plot.root.setAttribute("aria-hidden", "true");
  }

  fit() {
    const width = this.canvas.clientWidth;
    if (width === 0) return;
    if (this.plot === null) this.rebuild();
    else if (this.plot.width !== width) this.plot.setSize({ width, height: HEIGHT });
  }

  destroyPlot() {
    this.plot?.destroy();
    this.plot = null;
  }

  /** The data with the areas standing on each other. @returns {Columns} */
  stacked() {
    const [xs, ...columns] = this.data;
    const below = xs.map(() => 0);
    const stacked = columns.map((values, place) =>
      this.plan.series[place].look === "area" ? values.map((value, at) => (below[at] += value ?? 0)) : values,
    );
    return [xs, ...stacked];
  }

  /** @param {number} width @returns {uPlot.Options} */
  options(width) {
    const { plan } = this;
    const ink = css("--muted");
    const grid = { stroke: css("--line"), width: 1 };
    const font = "12px system-ui, sans-serif";
    const axis = { stroke: ink, grid, ticks: { ...grid, size: 4 }, font, labelFont: font, labelSize: 18, labelGap: 0 };
    const areas = plan.series.map((series, place) => (series.look === "area" ? place + 1 : 0)).filter(Boolean);
    const rightAxis = plan.series.some((series) => series.axis === "right");
    return {
      width,
      height: HEIGHT,
      padding: [8, rightAxis ? 0 : 20, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: {
        x: {
          time: plan.x === "time",
          ...(plan.series[0].look === "bars" ? { range: (_u, low, high) => [low - 0.7, high + 0.7] } : {}),
        },
        y: { range: (_u, low, high) => this.range(low, high) },
        right: { range: (_u, _low, high) => [0, (high ?? 1) * 1.08 || 1] },
      },
      axes: [
        {
          ...axis,
          label: plan.xLabel,
          size: 32,
          space: 45,
          incrs: STEPS[plan.x],
          values: (_u, ticks) => ticks.map((tick) => xText(plan.x, tick)),
        },
        {
          ...axis,
          label: plan.yLabel,
          size: 46,
          values: (_u, ticks) => ticks.map((tick) => (plan.range?.[1] === 1 ? `${Math.round(100 * tick)}%` : brief(tick))),
        },
        ...(rightAxis
          ? [
              {
                ...axis,
                scale: "right",
                side: 1,
                label: plan.rightLabel,
                size: 46,
                grid: { show: false },
                values: (/** @type {uPlot} */ _u, /** @type {number[]} */ ticks) => ticks.map(brief),
              },
            ]
          : []),
      ],
      series: [{}, ...plan.series.map((series) => drawn(series, this.data[0].length))],
      bands: areas.slice(1).map((place, at) => ({ series: [place, areas[at]], fill: tint(plan.series[place - 1].color, 0.55) })),
      hooks: {
        setCursor: [(plot) => this.showValues(plot.cursor.idx ?? null)],
        drawAxes: [(plot) => this.drawLevels(plot)],
        draw: [(plot) => this.drawErrors(plot)],
      },
    };
  }

  /** The left axis's range. @param {number | null} low @param {number | null} high @returns {[number, number]} */
  range(low, high) {
    if (this.plan.range !== undefined) return this.plan.range;
    const levels = (this.extra.levels ?? []).map((level) => level.at);
    const [lows, highs] = this.extra.errors ?? [[], []];
    const least = Math.min(low ?? 0, ...levels, ...lows);
    const most = Math.max(high ?? 1, ...levels, ...highs);
    const room = 0.08 * (most - least || Math.abs(most) || 1);
    return [this.plan.fromZero ? 0 : least - room, most + room];
  }

  /** @param {uPlot} plot */
  drawLevels(plot) {
    const { ctx, bbox } = plot;
    for (const level of this.extra.levels ?? []) {
      const y = Math.round(plot.valToPos(level.at, "y", true));
      ctx.save();
      ctx.strokeStyle = css("--line-strong");
      ctx.fillStyle = css("--muted");
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.textAlign = "right"; // what rises is by then above them
      ctx.textBaseline = y - bbox.top > 16 * devicePixelRatio ? "bottom" : "top";
      ctx.fillText(
        level.label,
        bbox.left + bbox.width - 5 * devicePixelRatio,
        y + (ctx.textBaseline === "top" ? 3 : -3) * devicePixelRatio,
      );
      ctx.restore();
    }
  }

  /** @param {uPlot} plot */
  drawErrors(plot) {
    if (this.extra.errors === undefined) return;
    const [lows, highs] = this.extra.errors;
    const { ctx } = plot;
    const cap = 4 * devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = css(this.plan.series[0].color);
    ctx.lineWidth = 1.5 * devicePixelRatio;
    this.data[0].forEach((at, place) => {
      const x = plot.valToPos(at, "x", true);
      const [low, high] = [plot.valToPos(lows[place], "y", true), plot.valToPos(highs[place], "y", true)];
      ctx.beginPath();
      for (const y of [low, high]) {
        ctx.moveTo(x - cap, y);
        ctx.lineTo(x + cap, y);
      }
      ctx.moveTo(x, low);
      ctx.lineTo(x, high);
      ctx.stroke();
    });
    ctx.restore();
  }

  /** Shows the values at a point, or the last ones. @param {number | null} place */
  showValues(place) {
    const last = this.data[0].length - 1;
    this.plan.series.forEach((series, at) => {
      const values = this.data[at + 1] ?? [];
      const value = place === null ? [...values].reverse().find((one) => one !== null) : values[place];
      setText(this.values[at], value === undefined || value === null ? "" : (series.format ?? brief)(value));
    });
    const x = place === null || last < 0 ? null : this.data[0][place];
    setText(this.where, x === null ? "" : `${this.plan.x === "count" ? `${this.plan.xLabel} ` : ""}${xText(this.plan.x, x, true)}`);
  }

  /** The chart in a sentence. @returns {string} */
  summary() {
    if (this.data[0].length === 0) return `${this.plan.title}: nothing yet`;
    const parts = this.plan.series.map((series, at) => {
      const values = (this.data[at + 1] ?? []).flatMap((value) => value ?? []);
      const format = series.format ?? brief;
      if (values.length === 0) return null;
      return `${series.label} from ${format(values[0])} to ${format(values[values.length - 1])}`;
    });
    return `${this.plan.title}: ${parts.filter(Boolean).join(", ")}`;
  }
}

/** @param {Series} series @param {number} points how many there are @returns {uPlot.Series} */
function drawn(series, points) {
  const stroke = css(series.color);
  const common = { label: series.label, stroke, width: 2, scale: series.axis === "right" ? "right" : "y", spanGaps: true };
  if (series.look === "bars") {
    return { ...common, width: 0, fill: stroke, paths: uPlot.paths.bars?.({ size: [0.7, 60], radius: 0.15 }), points: { show: false } };
  }
  if (series.look === "area") return { ...common, width: 1, fill: tint(series.color, 0.55), points: { show: false } };
  if (series.look === "points") return { ...common, points: { show: true, size: 7, fill: stroke } };
  return { ...common, dash: series.dash, points: { show: points < 2, size: 6, fill: stroke } };
}

/** @param {string} name of a custom property @returns {string} */
function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** @param {string} name of a custom property, #rrggbb @param {number} alpha @returns {string} */
function tint(name, alpha) {
  return `${css(name)}${Math.round(255 * alpha)
    .toString(16)
    .padStart(2, "0")}`;
}

/** @param {Plan["x"]} kind @param {number} value @param {boolean} [whole] @returns {string} */
function xText(kind, value, whole = false) {
  if (kind === "duration") return shortDuration(value, whole);
  if (kind === "time") return whole ? moment(value) : clock(value);
  return whole ? count(value) : brief(value);
}

/** @param {number} at seconds since 1970 @returns {string} the hour, at midnight the day */
function clock(at) {
  const date = new Date(1000 * at);
  if (date.getHours() + date.getMinutes() + date.getSeconds() === 0) return date.toLocaleDateString([], { day: "numeric", month: "short" });
  const seconds = date.getSeconds() === 0 ? undefined : "2-digit";
  return date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: seconds, hour12: false });
}

/** @param {number} seconds @param {boolean} whole @returns {string} */
function shortDuration(seconds, whole) {
  if (whole) return duration(seconds);
  if (seconds === 0) return "0";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Number((seconds / 60).toPrecision(3))} min`;
  return `${Number((seconds / 3600).toPrecision(3))} h`;
}

/** @param {Series} series @returns {HTMLElement} */
function swatch(series) {
  const mark = h("i", {
    class: `swatch ${series.look === "area" || series.look === "bars" ? "filled" : ""} ${series.dash ? "dashed" : ""}`,
    "aria-hidden": "true",
  });
  mark.style.setProperty("--swatch", `var(${series.color})`);
  return mark;
}

/** Has the page load uPlot's style sheet, once. */
export function loadChartStyles() {
  const href = new URL("../vendor/uplot/uPlot.min.css", import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`) !== null) return;
  document.head.append(h("link", { rel: "stylesheet", href }));
}
