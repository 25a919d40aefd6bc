"""A run's curves: its games from the database, its losses and rates from its event log."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alphapente.config import Config, stage_sizes
from alphapente.pipeline.run_view import RunView, view_run
from alphapente.pipeline.status import finite
from alphapente.web.database import records_of
from alphapente.web.run.schemas import GameCurves, RateCurves, RunCurves, TrainingCurves

WINDOWS = 80
GAMES_A_WINDOW = 12
"""Minimum: averages over fewer games are noise."""
MOST_POINTS = 600
"""Maximum points of each curve. Of more points this number is kept, evenly spread."""


class Curves:
    """Reads curves; those of the games again only after a game was stored."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Path, tuple[Any, GameCurves]] = {}

    def of(self, config: Config, folder: Path) -> RunCurves:
        """The curves of the run of a configuration, whose checkpoints are in `folder`. Raises DatabaseError."""
        with self._lock:
            stored = _stored(config)
            at, games = self._kept.get(folder, (None, None))
            if games is None or at != stored:
                games = _games(config)
                self._kept[folder] = (stored, games)
        view = view_run(config)
        return RunCurves(games=games, training=_training(config, view), rates=_rates(view))


def _stored(config: Config) -> Any:
    """A value that changes when a game is stored."""
    with records_of(config) as store:
        games = [store.num_games(config.game.variant, size) for size in stage_sizes(config)] if store else []
    return config.records.database, games


def _games(config: Config) -> GameCurves:
    variant, sizes, windows = config.game.variant, stage_sizes(config), []
    with records_of(config) as store:
        if store is not None:
            games = sum(store.num_games(variant, size) for size in sizes)
            windows = store.game_windows(variant, sizes, min(WINDOWS, max(1, games // GAMES_A_WINDOW)))
    return GameCurves(**{name: [getattr(window, name) for window in windows] for name in GameCurves.model_fields})


def _training(config: Config, view: RunView) -> TrainingCurves:
    jobs = view.jobs.get(f"training-{config.training.model_type}", ())
    return TrainingCurves(**_columns([point for job in jobs for point in job.epochs], TrainingCurves))


def _rates(view: RunView) -> RateCurves:
    return RateCurves(**_columns([point for job in view.jobs.get("generation", ()) for point in job.rates], RateCurves))


def _columns(points: Sequence[tuple[float, Any]], kind: type[TrainingCurves | RateCurves]) -> dict[str, list[Any]]:
    """The fields of `kind` as columns with a row for each of some points, which are pairs (time, values)."""
    some = [points[place] for place in _spread(len(points))]
    columns: dict[str, list[Any]] = {"at": [at for at, _ in some]}
    for name in kind.model_fields.keys() - {"at"}:
        columns[name] = [finite(getattr(values, name)) for _, values in some]
    return columns


def _spread(length: int) -> list[int]:
    """The indices of kept points out of `length`: all, or MOST_POINTS with the first and the last."""
    if length <= MOST_POINTS:
        return list(range(length))
    return [round(place * (length - 1) / (MOST_POINTS - 1)) for place in range(MOST_POINTS)]
