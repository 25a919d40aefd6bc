"""The long jobs `generate`, `train`, `promote` and `run`: flags, events, exit status."""

import os
from collections.abc import Callable
from functools import partial

import typer

from alphapente.cli.flags import FlagCommand, StepOfRun
from alphapente.cli.stopping import StopFlag, stop_on_signals
from alphapente.config import Config
from alphapente.errors import FailureError
from alphapente.event_log import EventLog, Source
from alphapente.events import Event, Lost, ReportFn

JobFn = Callable[[Config, ReportFn, StopFlag], Event | None]

_LOST_SHOWN = 3
BROKEN_PIPE = 13
"""The number of SIGPIPE, which the module `signal` lacks on some systems."""


def run_job(
    job_fn: JobFn, config: Config, events: bool, kind: str | None = None, step: StepOfRun | None = None
) -> None:
    """Runs a job and shows its events, its summary last.

    After a requested stop, exits with 130 (Ctrl-C) or 143 (SIGTERM).
    A job of a `kind` ("generation", "training-simple") also writes to the event log, that of the run if it is a `step`
    of one, and curves for TensorBoard: not the pipeline, whose steps do that.
    Raises FailureError at the end if a log or the curves could not be written; not in a step, nor with `events`.
    """
    from alphapente.cli import curves, display

    is_part = events or step is not None
    with stop_on_signals(watch_stdin=is_part) as stop, display.subscriber(config, events, step is not None) as show:
        lost: list[Lost] = []
        report = guarded_report(show, stop, lost)
        if kind is None:
            _summarised(job_fn, config, report, stop)
        else:
            log = _event_log(config, kind, step, report)
            with curves.Curves(config, _all_of(report, log)) as draw:
                _summarised(job_fn, config, _all_of(report, log, draw), stop)
    if stop.status:
        raise typer.Exit(stop.status)
    if lost and not is_part:
        raise FailureError(f"the work is done and saved, but this could not be written: {_listed(lost)}")


def _event_log(config: Config, kind: str, step: StepOfRun | None, report: ReportFn) -> EventLog:
    """The event log to which a job reports."""
    if step is not None:
        return EventLog(step.folder, Source(kind, step.run, step.name), report)
    from alphapente.pipeline.old_runs import begin_log

    folder = config.pipeline.checkpoint_folder
    try:
        begin_log(folder, config.pipeline.log_folder)
    except FailureError as error:
        report(Lost(f"the event log in {folder}", str(error)))
    return EventLog(folder, Source(kind), report)


def _listed(lost: list[Lost]) -> str:
    texts = list(dict.fromkeys(f"{one.what} ({one.reason})" for one in lost))
    more = f"; and {len(texts) - _LOST_SHOWN} more" if len(texts) > _LOST_SHOWN else ""
    return "; ".join(texts[:_LOST_SHOWN]) + more


def _summarised(job_fn: JobFn, config: Config, report: ReportFn, stop: StopFlag) -> None:
    summary = job_fn(config, report, stop)
    if summary is not None:
        report(summary)


def _all_of(*reports: ReportFn) -> ReportFn:
    def report(event: Event) -> None:
        for one in reports:
            one(event)

    return report


def guarded_report(report: ReportFn, stop: StopFlag, lost: list[Lost]) -> ReportFn:
    """Wraps `report`: after a broken pipe, it requests a clean stop of the job.

    `lost` collects what could not be written, including a display that failed: the job continues without it.
    """
    broken = False

    def guarded(event: Event) -> None:
        nonlocal broken
        if isinstance(event, Lost):
            lost.append(event)
        if broken:
            return
        try:
            report(event)
        except Exception as error:  # games and weights are worth more than the display
            broken = True
            if isinstance(error, BrokenPipeError):
                stop.request(BROKEN_PIPE)
            else:
                lost.append(Lost("the display", f"{type(error).__name__}: {error}"))

    return guarded


def _generate(config: Config, events: bool, step: StepOfRun | None) -> None:
    from alphapente import selfplay

    run_job(selfplay.generate, config, events, "generation", step)


def _train(config: Config, events: bool, step: StepOfRun | None) -> None:
    # Read once, when torch loads OpenMP: waiting threads sleep instead of spinning. Spinning threads occupy cores, and
    # two simultaneous trainings become ten times slower than in sequence.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from alphapente import training

    key = f"{step.run} {step.name}" if step else None
    run_job(partial(training.train, resume_key=key), config, events, f"training-{config.training.model_type}", step)


def _promote(config: Config, events: bool, step: StepOfRun | None) -> None:
    from alphapente.pipeline.promotion import promote

    key = f"{step.run} {step.name.replace('Promotion', 'Training')}" if step else None
    run_job(partial(promote, key=key), config, events, "promotion", step)


def _run(config: Config, events: bool) -> None:
    from alphapente import pipeline

    run_job(pipeline.run, config, events)


generate = FlagCommand(
    "Self-play: play games with search and network, and store their records in the database.",
    {
        "--simulations": "generation.simulations",
        "--record-limit": "generation.record_limit",
        "--mcts-random": "generation.mcts_random",
        "--mcts-temperature": "generation.mcts_temperature",
        "--model-type": "generation.model_type",
        "--seed": "generation.seed",
        "--workers": "generation.workers",
        "--games": "generation.games",
        "--board-size": "game.board_size",
        "--variant": "game.variant",
    },
    _generate,
    a_step=True,
)
train = FlagCommand(
    "Sample records from the database, train a model on them, and save its checkpoint.",
    {
        "--epochs": "training.num_epochs",
        "--sample-strategy": "training.sample_strategy",
        "--sample-size": "training.data_sample_size",
        "--batch-size": "training.batch_size",
        "--learning-rate": "training.learning_rate",
        "--model-type": "training.model_type",
        "--seed": "training.seed",
        "--device": "network.device",
    },
    _train,
    a_step=True,
)
promote = FlagCommand(
    "Test the newest network against the promoted one, and promote it if it is stronger; `run` does this too.",
    {
        "--simulations": "pipeline.promotion_simulations",
        "--elo0": "pipeline.promotion_elo0",
        "--elo1": "pipeline.promotion_elo1",
        "--max-pairs": "pipeline.promotion_max_pairs",
    },
    _promote,
    a_step=True,
)
run = FlagCommand(
    "Alternate generation and training until the database has the target; after a stop, the same command resumes.",
    {},
    _run,
    config_argument=True,
)
