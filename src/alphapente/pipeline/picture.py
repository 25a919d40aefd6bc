"""Draws the course of a run from its database and its event log: losses, game lengths, kinds of win."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphapente.config import Config
from alphapente.errors import FailureError, RequestError
from alphapente.files import StrPath, write_bytes
from alphapente.pipeline.run_view import view_run
from alphapente.records.store import Store

WINDOWS = 60
"""Number of windows over which each curve of the games is averaged."""

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class GameCurves:
    """The pool's games, oldest first, averaged over windows; `records` is the number stored until then."""

    records: NDArray[np.float64]
    plies: NDArray[np.float64]
    by_five: NDArray[np.float64]
    by_captures: NDArray[np.float64]
    draws: NDArray[np.float64]
    won_by_player_1: NDArray[np.float64]


def game_curves(config: Config) -> GameCurves:
    """Reads all games of the configured variant and board size. Raises RequestError if there is none."""
    game = config.game
    with Store(config.records.database, config.records.busy_timeout_s, read_only=True) as store:
        windows = store.game_windows(game.variant, [game.board_size], WINDOWS)
    if not windows:
        raise RequestError(
            f"no games of {game.variant} {game.board_size}x{game.board_size} in "
            f"{config.records.database}: play some first (python generate_v2.py)"
        )
    names = ("records", "plies", "by_five", "by_captures", "draws", "won_by_player_1")
    return GameCurves(*(np.array([getattr(window, name) for window in windows], np.float64) for name in names))


def training_curves(config: Config, names: tuple[str, ...]) -> dict[str, Curve]:
    """(steps, values) of these fields of EpochReport in all trainings of the model; empty if there are none."""
    trainings = view_run(config).jobs.get(f"training-{config.training.model_type}", ())
    epochs = sorted((report for job in trainings for _, report in job.epochs), key=lambda report: report.step)
    if not epochs:
        return {}
    steps = np.array([report.step for report in epochs], float)
    return {name: (steps, np.array([getattr(report, name) for report in epochs], float)) for name in names}


def draw(config: Config, path: StrPath) -> None:
    """Writes the picture to `path` (its extension selects PNG, SVG or PDF).

    Raises RequestError for an empty pool or an unknown extension, FailureError without matplotlib.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise FailureError("matplotlib draws the curves and is not installed: `pip install matplotlib`") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    games = game_curves(config)
    losses = training_curves(config, ("policy_loss", "value_loss", "policy_entropy", "value_error"))
    figure, axes = pyplot.subplots(2, 2, figsize=(11, 7), constrained_layout=True)
    size = config.game.board_size
    figure.suptitle(
        f"{config.game.variant} {size}x{size}, {config.training.model_type}: {games.records[-1]:,.0f} records"
    )
    _lines(axes[0, 0], losses, ("policy_loss", "policy_entropy"), "policy loss and entropy (nats)")
    _lines(axes[0, 1], losses, ("value_loss", "value_error"), "value loss (nats) and error")
    axes[1, 0].plot(games.records, games.plies)
    axes[1, 0].set(title="length of games", xlabel="records", ylabel="plies", ylim=(0, None))
    axes[1, 1].stackplot(
        games.records, games.by_five, games.by_captures, games.draws, labels=("five", "captures", "draw"), alpha=0.7
    )
    axes[1, 1].plot(games.records, games.won_by_player_1, "k", label="won by player 1")
    axes[1, 1].set(title="how games end", xlabel="records", ylabel="share of games", ylim=(0, 1))
    axes[1, 1].legend(loc="lower left")
    save_figure(figure, path)


def save_figure(figure: Any, path: StrPath) -> None:
    """Writes a matplotlib figure and closes it; the path's extension selects the format, without one PNG.

    Raises RequestError for an unknown extension, FailureError for a file that cannot be written.
    """
    from matplotlib import pyplot

    content = io.BytesIO()
    try:
        figure.savefig(content, format=Path(path).suffix[1:].lower() or "png", dpi=110)
    except ValueError as error:
        raise RequestError(f"cannot draw to {path}: {error}") from error
    finally:
        pyplot.close(figure)
    write_bytes(path, content.getvalue())


def _lines(axis: Any, curves: dict[str, Curve], names: tuple[str, ...], title: str) -> None:
    for name in names:
        if name in curves:
            axis.plot(*curves[name], label=name.removesuffix("_loss").replace("_", " "))
    axis.set(title=title, xlabel="training steps")
    if axis.lines:
        axis.legend()
