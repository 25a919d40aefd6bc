"""The long jobs `generate`, `train`, `promote` and `run`: flags, events, exit status."""

import os
from collections.abc import Callable
from functools import partial

import typer

from alphapente.cli.flags import FlagCommand
from alphapente.cli.stopping import StopFlag, stop_on_signals
from alphapente.config import Config
from alphapente.errors import FailureError
from alphapente.events import Event, Lost, ReportFn

JobFn = Callable[[Config, ReportFn, StopFlag], Event | None]

_LOST_SHOWN = 3
BROKEN_PIPE = 13
"""The number of SIGPIPE, which the module `signal` lacks on some systems."""


def run_job(job_fn: JobFn, config: Config, events: bool, with_curves: bool = False) -> None:
    """Runs a job and shows its events, its summary last.

    After a requested stop, exits with 130 (Ctrl-C) or 143 (SIGTERM).
    `with_curves` also writes curves for TensorBoard: for jobs that play or train themselves, not in child processes.
    Raises FailureError at the end if a log or the curves could not be written; not with `events`.
    """
    from alphapente.cli import curves, display

    with stop_on_signals(watch_stdin=events) as stop, display.subscriber(config, events) as show:
        lost: list[Lost] = []
        report = guarded_report(show, stop, lost)
        if with_curves:
            with curves.subscriber(config, report) as draw:
                _summarised(job_fn, config, _both(report, draw), stop)
        else:
            _summarised(job_fn, config, report, stop)
    if stop.status:
        raise typer.Exit(stop.status)
    if lost and not events:
        raise FailureError(f"the work is done and saved, but this could not be written: {_listed(lost)}")


def _listed(lost: list[Lost]) -> str:
    texts = list(dict.fromkeys(f"{one.what} ({one.reason})" for one in lost))
    more = f"; and {len(texts) - _LOST_SHOWN} more" if len(texts) > _LOST_SHOWN else ""
    return "; ".join(texts[:_LOST_SHOWN]) + more


def _summarised(job_fn: JobFn, config: Config, report: ReportFn, stop: StopFlag) -> None:
    summary = job_fn(config, report, stop)
    if summary is not None:
        report(summary)


def _both(first: ReportFn, second: ReportFn) -> ReportFn:
    def report(event: Event) -> None:
        first(event)
        second(event)

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


def _generate(config: Config, events: bool) -> None:
    from alphapente import selfplay

    run_job(selfplay.generate, config, events, with_curves=True)


def _train(config: Config, events: bool, resume_key: str | None) -> None:
    # Read once, when torch loads OpenMP: waiting threads sleep instead of spinning. Spinning threads occupy cores, and
    # two simultaneous trainings become ten times slower than in sequence.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from alphapente import training

    run_job(partial(training.train, resume_key=resume_key), config, events, with_curves=True)


def _promote(config: Config, events: bool, resume_key: str | None) -> None:
    from alphapente.pipeline.promotion import promote

    run_job(partial(promote, key=resume_key), config, events)


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
    resumable=True,
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
    resumable=True,
)
run = FlagCommand(
    "Alternate generation and training until the database has the target; after a stop, the same command resumes.",
    {},
    _run,
    config_argument=True,
)
