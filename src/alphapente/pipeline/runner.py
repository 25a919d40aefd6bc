"""A whole run: opens it or resumes it, carries out its steps and reports its end."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alphapente.config import Config, stage_sizes
from alphapente.errors import AlphaPenteError, FailureError
from alphapente.event_log import NAME, EventLog, Source
from alphapente.events import Note, PipelineSummary, ReportFn, RunEnded, RunOutcome, RunStarted
from alphapente.files import check_writable, write_text
from alphapente.pipeline.lines import LogFile, describe, new_file
from alphapente.pipeline.modes import run_cycles, run_side_by_side
from alphapente.pipeline.old_runs import begin_log
from alphapente.pipeline.plan import COMMAND, Planner
from alphapente.pipeline.run_context import CountFn, Interrupted, RunContext, timestamp
from alphapente.pipeline.run_faults import run_faults
from alphapente.pipeline.state import STATE_NAME, Locks, State, changed_keys, load_state

_POOL_KEYS = ("game.variant", "game.board_size", "records.database", "pipeline.curriculum")


def run(
    config: Config,
    report: ReportFn,
    stop: Callable[[], bool],
    command: Sequence[str] = COMMAND,
    count: CountFn | None = None,
) -> PipelineSummary:
    """Alternate generation and training until the last cycle or until the database holds the target.

    Each step is a process; `command` is the beginning of its command line. The state is saved in `checkpoint_dir`, and
    the next call continues from it with its own settings. The run ends early, with all work saved, after `stop()`.
    `count` returns the pool's records and games (default: counted in the database). Raises FailureError for a step that
    failed, a state that cannot be read, a folder or a database that cannot be used; RequestError if another run is
    active on the folder.
    """
    folder = config.pipeline.checkpoint_folder
    locks = Locks(folder)
    try:
        with _counting(config, count) as count_fn:
            return _run(config, report, stop, (command, count_fn, locks))
    finally:
        locks.close()


def _run(
    config: Config, report: ReportFn, stop: Callable[[], bool], means: tuple[Sequence[str], CountFn, Locks]
) -> PipelineSummary:
    command, count, locks = means
    stamp = timestamp()
    folder = config.pipeline.checkpoint_folder
    state_path = folder / STATE_NAME
    check_writable(folder / NAME)
    begin_log(folder, config.pipeline.log_folder)
    saved = load_state(state_path)
    settings_file = _save_settings(config, config.pipeline.log_folder / f"pipeline_{stamp}.json")
    log = LogFile(settings_file.with_suffix(".log"), report)
    try:

        def report_text(text: str) -> None:
            log.write(text)
            report(Note(text))

        if not locks.wait_for_steps(stop, report_text):
            return _empty_summary(config, count)
        state, notes = _open_state(config, saved, count, stamp)
        planner = Planner(config, settings_file, state.run, command)
        event_log = EventLog(folder, Source("run", state.run), report)
        event_log(RunStarted(os.getpid()))
        context = RunContext(config, report, stop, count, state, state_path, planner, locks, log, event_log)
        for note in (*notes, *map(str, run_faults(config))):
            context.publish(Note(note))
        return _run_to_end(context)
    except FailureError as error:
        for line in str(error).splitlines():
            log.write(line)
        raise
    finally:
        log.close()


def _run_to_end(context: RunContext) -> PipelineSummary:
    """Run the steps, and write the outcome to the event log."""
    outcome: RunOutcome = "failed"
    try:
        summary = _run_steps(context)
        outcome = "paused" if context.stop() and not context.state.finished else "finished"
        context.log_progress()
        return summary
    except AlphaPenteError as error:
        context.last_note = str(error)
        context.event_log(Note(context.last_note))
        raise
    except KeyboardInterrupt:
        outcome = "finished" if context.state.finished else "paused"
        raise
    finally:
        try:
            context.event_log(RunEnded(outcome, context.last_note))
        except KeyboardInterrupt:  # a second Ctrl-C during a clean end: it raises only once
            outcome = "finished" if context.state.finished else "paused"
            context.event_log(RunEnded(outcome, context.last_note))
            raise


def _run_steps(context: RunContext) -> PipelineSummary:
    state, config = context.state, context.config
    target = config.pipeline.total_records_target
    records, _ = context.count()
    if records >= target and state.cycle == state.first_cycle and records <= state.run_records:
        context.publish(
            Note(
                f"the target is reached: {records:,} of {target:,} records are in the database; nothing to do"
                " (raise pipeline.total_records_target to continue)"
            )
        )
        return context.summary()
    context.save()
    gracefully = False
    try:
        (run_cycles if config.pipeline.mode == "cycles" else run_side_by_side)(context)
        state.finished = True
        context.save()
    except Interrupted:
        context.save()
        context.publish(Note("stopped; running the same command again continues from here"))
    except KeyboardInterrupt:
        context.abandon(gracefully=False)
        context.save()
        context.publish(
            Note("stopped at once, its steps were killed; running the same command again continues from the saved work")
        )
        raise
    except Exception:
        gracefully = True
        raise
    finally:
        context.abandon(gracefully)
    summary = context.summary()
    if state.finished:
        over = "the time limit is reached" if context.time_left_s() <= 0 else "all cycles are done"
        again = f"{over}; run again for another run of the same length"
        context.publish(Note("the target is reached" if summary.records >= target else again))
    for line in describe(summary).splitlines():
        context.log.write(line)
    return summary


def _open_state(config: Config, saved: State | None, count: CountFn, stamp: str) -> tuple[State, list[str]]:
    """The updated state to continue with, and notes about it."""
    records, games = count()
    pool = f"{config.game.variant}, {' and '.join(f'{size}x{size}' for size in stage_sizes(config))}"
    settings = config.to_dict()
    if saved is None or saved.finished:
        first = saved.cycle if saved else 1
        last = first + config.pipeline.generation_cycles - 1
        untested = saved.untested_training if saved else ""
        state = State(run=stamp, first_cycle=first, cycle=first, settings=settings, untested_training=untested)
        state.run_records = state.generation_records = state.stage_records = state.trained_records = records
        state.cycle_games = games
        return state, [
            f"a new run: cycles {first} to {last} of {config.generation.record_limit:,} records and"
            f" {config.pipeline.training_cycles_per_generation} trainings each, mode {config.pipeline.mode};"
            f" the database holds {records:,} records ({pool}), the target is"
            f" {config.pipeline.total_records_target:,}"
        ]
    notes = []
    changes = changed_keys(saved.settings, settings)
    if changes:
        notes.append("settings changed since the interruption, the new ones apply: " + "; ".join(changes))
    if any(change.startswith(_POOL_KEYS) for change in changes):
        notes.append(f"another pool of records ({pool}): this cycle's counts start again")
        saved.run_records = saved.generation_records = saved.stage_records = saved.trained_records = records
        saved.cycle_games = games
        saved.generation_done = False
    elif records < saved.generation_records:
        notes.append(f"the database holds {records:,} records, fewer than before ({saved.generation_records:,})")
    if any(change.startswith("pipeline.mode") for change in changes) and config.pipeline.mode == "async":
        saved.generation_done = False  # it was the cycle's, not the run's; missing records are counted again
    saved.generation_records = min(saved.generation_records, records)
    saved.run_records = min(saved.run_records, records)
    saved.stage_records = min(saved.stage_records, records)
    saved.trained_records = min(saved.trained_records, records)
    saved.cycle_games = min(saved.cycle_games, games)
    saved.settings = settings
    place = (
        f"Training {saved.cycle}.{saved.trainings_done + 1}" if saved.generation_done else f"Generation {saved.cycle}"
    )
    notes.append(f"continuing run {saved.run} at {place}; the database holds {records:,} records ({pool})")
    if saved.loss_by_training:
        losses = ", ".join(f"{name.removeprefix('Training ')}: {loss:.4f}" for name, loss in saved.loss_by_training)
        notes.append(f"total loss by training so far: {losses}")
    return saved, notes


def _empty_summary(config: Config, count: CountFn) -> PipelineSummary:
    return PipelineSummary(cycles=0, records=count()[0], records_target=config.pipeline.total_records_target)


def _save_settings(config: Config, path: Path) -> Path:
    """Save the resolved configuration with the run's logs. Raises FailureError if that fails.

    Runs with other checkpoint folders may share the log folder and start in the same second: each gets its own file.
    """
    path = new_file(path)
    write_text(path, config.dump_json())
    return path.resolve()


@contextmanager
def _counting(config: Config, count: CountFn | None) -> Iterator[CountFn]:
    """`count` if given; otherwise a function that counts in the database, which stays open meanwhile."""
    if count is not None:
        yield count
        return
    from alphapente.records.store import Store

    variant, sizes = config.game.variant, stage_sizes(config)
    with Store(config.records.database, config.records.busy_timeout_s) as store:
        yield lambda: (
            sum(store.num_records(variant, size) for size in sizes),
            sum(store.num_games(variant, size) for size in sizes),
        )
