"""A run's curves: its games from the database, its losses and rates from its TensorBoard files."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alphapente.config import Config, stage_sizes
from alphapente.doctor.curves import JobCurves, KnownJobs, read_jobs, size_of
from alphapente.web.database import records_of
from alphapente.web.run.forecast import finite
from alphapente.web.run.schemas import GameCurves, RateCurves, RunCurves, TrainingCurves

WINDOWS = 80
GAMES_A_WINDOW = 12
"""Minimum: averages over fewer games are noise."""
MOST_POINTS = 600
"""Maximum points of each curve. Of more points this number is kept, evenly spread."""

_TRAINING = {
    "policy_loss": "loss/policy",
    "value_loss": "loss/value",
    "total_loss": "loss/total",
    "policy_entropy": "policy_entropy",
    "value_error": "value_error",
    "validation_policy_loss": "validation/policy",
    "validation_value_loss": "validation/value",
    "samples_per_s": "rate/samples_per_s",
    "learning_rate": "learning_rate",
}
_RATES = {name: f"rate/{name}" for name in ("records_per_s", "simulations_per_s", "evaluations_per_s")}


class Curves:
    """Reads curves, and reads them again only after something was written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Path, tuple[Any, RunCurves]] = {}
        self._jobs: dict[tuple[Path, str], KnownJobs] = {}

    def of(self, config: Config, folder: Path) -> RunCurves:
        """The curves of the run of a configuration, whose checkpoints are in `folder`. Raises DatabaseError."""
        with self._lock:
            written = _written(config)
            at, kept = self._kept.get(folder, (None, None))
            if kept is None or at != written:
                kept = RunCurves(games=_games(config), training=self._training(config), rates=self._rates(config))
                self._kept[folder] = (written, kept)
            return kept

    def _training(self, config: Config) -> TrainingCurves:
        jobs = self._read(config, f"training-{config.training.model_type}")
        return TrainingCurves(**_columns(jobs, "loss/total", _TRAINING, with_step=True))

    def _rates(self, config: Config) -> RateCurves:
        return RateCurves(**_columns(self._read(config, "generation"), "rate/records_per_s", _RATES))

    def _read(self, config: Config, name: str) -> list[JobCurves]:
        log_dir = config.pipeline.log_folder
        return read_jobs(log_dir, name, self._jobs.setdefault((log_dir, name), {}))


def _written(config: Config) -> Any:
    """A value that changes when a game is stored or a point is written."""
    files = (config.pipeline.log_folder / "tensorboard").glob("*/events.out.tfevents.*")
    sizes = sorted((str(path), size_of(path)) for path in files)
    with records_of(config) as store:
        games = [store.num_games(config.game.variant, size) for size in stage_sizes(config)] if store else []
    return config.records.database, sizes, games


def _games(config: Config) -> GameCurves:
    variant, sizes, windows = config.game.variant, stage_sizes(config), []
    with records_of(config) as store:
        if store is not None:
            games = sum(store.num_games(variant, size) for size in sizes)
            windows = store.game_windows(variant, sizes, min(WINDOWS, max(1, games // GAMES_A_WINDOW)))
    return GameCurves(**{name: [getattr(window, name) for window in windows] for name in GameCurves.model_fields})


def _columns(jobs: Sequence[JobCurves], first: str, tags: dict[str, str], with_step: bool = False) -> dict[str, Any]:
    """Columns of equal length by name, a row for each point of the tag `first`. A job without a tag has None."""
    found: dict[str, list[Any]] = {"at": [], **({"step": []} if with_step else {}), **{name: [] for name in tags}}
    for job in jobs:
        length = len(job.points.get(first, ()))
        found["at"] += job.times.get(first, ())
        if with_step:
            found["step"] += [step for step, _ in job.points.get(first, ())]
        for name, tag in tags.items():
            values = [finite(value) for value in job.values(tag)]
            found[name] += values if len(values) == length else [None] * length
    places = _spread(len(found["at"]))
    return {name: [values[place] for place in places] for name, values in found.items()}


def _spread(length: int) -> list[int]:
    """The indices of kept points out of `length`: all, or MOST_POINTS with the first and the last."""
    if length <= MOST_POINTS:
        return list(range(length))
    return [round(place * (length - 1) / (MOST_POINTS - 1)) for place in range(MOST_POINTS)]
