/** The progress of a run: records, remaining time, cycle, stage, active and earlier steps. */

import { h, setText, show } from "../dom.js";
import { ago, count, counted, duration, moment, rate, roughly } from "./format.js";

/** @import { RunSnapshot, StageView, StepView } from "../../../openapi.js" */

const STEPS_SHOWN = 10;

/** The head of the room's page: the bar, the numbers, the stages. */
export class OverviewPanel {
  constructor() {
    this.title = h("h2", { class: "sr-only" }, "Progress of the run");
    this.records = h("p", { class: "run-records" });
    this.ends = h("p", { class: "muted" });
    this.bar = bar("Records");
    this.facts = new Facts(["Time left", "Time so far", "Cycle", "Now", "Games", "Records/s", "Game", "Network"]);
    this.stages = h("ol", { class: "run-stages", "aria-label": "Stages of the curriculum" });
    this.element = h(
      "section",
      { class: "card overview" },
      this.title,
      h("div", { class: "row spread" }, this.records, this.ends),
      this.bar.element,
      this.facts.element,
      this.stages,
    );
  }

  /** @param {RunSnapshot} run a snapshot */
  update(run) {
    const begun = run.state !== "none";
    const over = run.state === "finished" || run.state === "stopped";
    const open = begun && !over && run.ends_by !== "time limit";
    setText(this.records, open ? `${count(run.records)} of ${count(run.records_end)} records` : counted(run.records, "record"));
    setText(this.ends, begun ? endWords(run) : "in the database; no run has begun here");
    show(this.bar.element, begun && !over);
    if (run.ends_by === "time limit") this.bar.set(run.elapsed_s, run.time_limit_s ?? 0);
    else this.bar.set(run.records - run.records_before, run.records_end - run.records_before);
    const cycles = run.last_cycle - run.first_cycle + 1;
    const cycle = Math.min(run.cycle, run.last_cycle) - run.first_cycle + 1;
    const average = run.elapsed_s > 0 ? (run.records - run.records_before) / run.elapsed_s : null;
    const speed = over ? average : run.records_per_s;
    const left = run.time_left_s === null ? "not known yet" : run.time_left_s === 0 ? "its last steps" : roughly(run.time_left_s);
    this.facts.set({
      "Time left": begun && !over ? left : undefined,
      "Time so far": begun ? duration(run.elapsed_s) : undefined,
      Cycle: begun ? `${count(cycle)} of ${count(cycles)}${run.first_cycle > 1 ? ` (no. ${count(run.cycle)})` : ""}` : undefined,
      Now: run.phase || STATE_WORDS[run.state],
      Games: count(run.games),
      "Records/s": speed === null ? undefined : rate(speed),
      Game: `${run.variant} ${run.board_size}x${run.board_size}`,
      Network: run.model_type,
    });
    this.drawStages(run);
  }

  /** @param {RunSnapshot} run */
  drawStages(run) {
    show(this.stages, run.stages.length > 1);
    const shown = JSON.stringify([run.stages, run.stage, run.state]);
    if (this.stages.dataset.shown === shown) return;
    this.stages.dataset.shown = shown;
    this.stages.replaceChildren(
      ...run.stages.map((stage, place) =>
        h(
          "li",
          { class: place < run.stage ? "past" : place === run.stage ? "present" : "", "aria-current": place === run.stage ? "step" : null },
          h("b", {}, `${stage.board_size}x${stage.board_size}`),
          h("span", {}, stageEnd(stage)),
        ),
      ),
    );
  }
}

/** Whether a run's process is there. @param {RunSnapshot} run */
export function isActive({ state }) {
  return state === "running" || state === "starting" || state === "ending";
}

/** The words for each state of a run. @type {Record<RunSnapshot["state"], string>} */
export const STATE_WORDS = {
  none: "no run yet",
  starting: "starting",
  running: "running",
  ending: "ending its steps",
  paused: "paused",
  stopped: "stopped",
  finished: "finished",
  failed: "failed",
};

/** @param {StageView} stage */
function stageEnd(stage) {
  const ends = [];
  if (stage.minutes !== null) ends.push(duration(60 * stage.minutes));
  if (stage.records !== null) ends.push(counted(stage.records, "record"));
  return ends.join(" or ") || "to the end";
}

/** What ends the run, or ended it. @param {RunSnapshot} run */
function endWords(run) {
  const last = run.updated_at === null ? "" : ` ${ago(run.updated_at)}`;
  if (run.state === "finished" || run.state === "stopped") return `${STATE_WORDS[run.state]}${last}`;
  const all = run.records_end === run.records_target ? "its target" : "its last cycle";
  const limit = run.time_limit_s === null ? "" : duration(run.time_limit_s);
  if (run.ends_by === "time limit") return `ends after ${limit}, or with ${count(run.records_end)} records`;
  return `ends with ${all}${limit === "" ? "" : `, or after ${limit}`}`;
}

/** Facts by their names, as tiles. */
export class Facts {
  /** @param {string[]} names */
  constructor(names) {
    /** @type {Map<string, HTMLElement>} */
    this.values = new Map(names.map((name) => [name, h("dd", { class: "number" })]));
    this.element = h(
      "dl",
      { class: "run-facts" },
      ...names.map((name) => h("div", {}, h("dt", {}, name), /** @type {HTMLElement} */ (this.values.get(name)))),
    );
  }

  /** @param {Record<string, string | undefined>} facts those that are there are shown */
  set(facts) {
    for (const [name, value] of this.values) {
      setText(value, facts[name] ?? "");
      show(/** @type {HTMLElement} */ (value.parentElement), facts[name] !== undefined);
    }
  }
}

/** A bar of progress. @param {string} label */
export function bar(label) {
  const part = h("span", {});
  const element = h("div", { class: "run-bar", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 }, part);
  return {
    element,
    /** @param {number} done @param {number} total */
    set(done, total) {
      const percent = Math.min(100, (100 * done) / Math.max(total, 1));
      part.style.width = `${percent}%`;
      element.setAttribute("aria-valuenow", String(Math.round(percent)));
    },
  };
}

/** A table that scrolls where it is too wide. @param {string} label @param {string[]} columns @param {HTMLTableSectionElement} rows */
export function scrolledTable(label, columns, rows) {
  const head = h("thead", {}, h("tr", {}, ...columns.map((name) => h("th", { scope: "col" }, name))));
  return h("div", { class: "run-scroll", tabindex: 0, role: "region", "aria-label": label }, h("table", {}, head, rows));
}

/** The steps: active ones with their progress, and finished ones. */
export class StepsPanel {
  constructor() {
    this.now = h("div", { class: "run-steps-now" });
    this.nothing = h("p", { class: "muted" });
    this.rows = h("tbody");
    this.table = scrolledTable("Steps of this start", ["Step", "Began", "Took", "How it went"], this.rows);
    this.element = h("section", { class: "card run-steps" }, h("h2", {}, "Steps"), this.now, this.nothing, this.table);
    /** @type {Map<string, ReturnType<typeof card>>} */
    this.cards = new Map();
  }

  /** @param {RunSnapshot} run a snapshot */
  update(run) {
    const live = isActive(run) && run.state !== "starting";
    const running = live ? run.steps.filter((step) => step.outcome === "running") : [];
    for (const [key, one] of this.cards) {
      if (!running.some((step) => keyOf(step) === key)) {
        one.element.remove();
        this.cards.delete(key);
      }
    }
    for (const step of running) {
      let one = this.cards.get(keyOf(step));
      if (one === undefined) {
        one = card(step);
        this.cards.set(keyOf(step), one);
        this.now.append(one.element);
      }
      one.set(step);
    }
    setText(this.nothing, run.state === "starting" ? "The run is starting." : live ? "Between two steps." : "No step is active.");
    show(this.element, isActive(run) || run.steps.length > 0);
    const over = run.steps
      .filter((step) => step.outcome !== "running" || !live)
      .slice(-STEPS_SHOWN)
      .reverse();
    show(this.table, over.length > 0);
    show(this.nothing, running.length === 0 && (live || over.length === 0));
    const shown = JSON.stringify(over);
    if (this.table.dataset.shown === shown) return;
    this.table.dataset.shown = shown;
    this.rows.replaceChildren(...over.map(row));
  }
}

/** @param {StepView} step */
function keyOf(step) {
  return `${step.name} ${step.began_at}`;
}

/** @param {StepView} step */
function row(step) {
  const ended = step.ended_at === null ? "–" : duration(step.ended_at - step.began_at);
  const how = step.outcome === "running" ? "cut off" : step.outcome;
  return h(
    "tr",
    { class: step.outcome === "failed" ? "bad" : "" },
    h("th", { scope: "row" }, step.name),
    h("td", { class: "number" }, moment(step.began_at)),
    h("td", { class: "number" }, ended),
    h("td", {}, [how === "done" ? "" : how, said(step.progress)].filter(Boolean).join(": ")),
  );
}

/** An active step. @param {StepView} step */
function card(step) {
  const line = bar(step.name);
  const time = h("span", { class: "muted number" });
  const text = h("p", { class: "number" });
  return {
    element: h("div", { class: "run-step" }, h("div", { class: "row spread" }, h("h3", {}, step.name), time), line.element, text),
    /** @param {StepView} now */
    set(now) {
      const [done, total] = share(now.progress);
      line.set(done, total);
      setText(time, `for ${duration(Date.now() / 1000 - now.began_at)}`);
      setText(text, said(now.progress) || "warming up");
    },
  };
}

/** How far a step is by its latest event. @param {StepView["progress"]} event @returns {[number, number]} */
function share(event) {
  if (event === null) return [0, 1];
  if (event.event === "CompilationProgress") return [event.kernels, event.num_kernels];
  if (event.event === "GenerationProgress") return [event.records, event.record_limit];
  if (event.event === "EpochProgress") return [event.epoch - 1 + event.step / Math.max(event.num_steps, 1), event.num_epochs];
  if (event.event === "EpochReport") return [event.epoch, event.num_epochs];
  return [1, 1];
}

/** What a step said last, in words. @param {StepView["progress"]} event @returns {string} */
function said(event) {
  switch (event?.event) {
    case "CompilationProgress":
      return `compiling the search, once for this machine: ${event.kernels} of ${event.num_kernels} kernels`;
    case "GenerationProgress":
      return [
        `${count(event.records)} of ${count(event.record_limit)} records`,
        counted(event.games, "game"),
        `${rate(event.records_per_s)} records/s`,
        `${rate(event.simulations_per_s)} simulations/s`,
        event.records > 0 ? `${roughly(event.remaining_s ?? NaN)} left` : null,
      ]
        .filter(Boolean)
        .join(" · ");
    case "GenerationSummary":
      return `${counted(event.games, "game")}, ${counted(event.records, "record")}`;
    case "EpochProgress":
      return `epoch ${event.epoch} of ${event.num_epochs} · step ${count(event.step)} of ${count(event.num_steps)} · policy loss ${loss(event.policy_loss)} · value loss ${loss(event.value_loss)} · ${rate(event.samples_per_s)} samples/s`;
    case "EpochReport":
      return `epoch ${event.epoch} of ${event.num_epochs} · policy loss ${loss(event.policy_loss)} · value loss ${loss(event.value_loss)} · ${rate(event.samples_per_s)} samples/s`;
    case "TrainingSummary":
      if (event.policy_loss === null) return "nothing was due";
      return `step ${count(event.step)}, policy loss ${loss(event.policy_loss)}, value loss ${loss(event.value_loss)}`;
    case "PromotionSummary":
      return `${event.promoted ? "promoted" : "not promoted"}: ${event.wins} won, ${event.losses} lost, ${event.draws} drawn`;
    default:
      return "";
  }
}

/** @param {number | null} value */
function loss(value) {
  return value === null ? "not a number" : value.toFixed(3);
}
