"""Draws ratings over a run: Elo of its checkpoints over records and over hours, with intervals, references as lines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alphapente.arena.history import KeptCheckpoint
from alphapente.arena.ratings import RatedPlayer, RatingList
from alphapente.errors import FailureError, RequestError

_Point = tuple[float, RatedPlayer]
"""Where a checkpoint stands on an axis, and its rating."""


def draw(
    ratings: RatingList, checkpoints: Sequence[tuple[KeptCheckpoint, RatedPlayer]], path: Path, title: str
) -> None:
    """Writes the picture to `path` (its ending chooses PNG, SVG or PDF).

    A checkpoint whose records or time are not known is drawn by its steps alone. Raises RequestError for an ending that
    means nothing, FailureError without matplotlib or for a file that cannot be written.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise FailureError(
            "matplotlib draws the ratings and is not installed: `pip install 'alphapente[plot]'`"
        ) from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = _panels(checkpoints)
    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(6.5 * len(panels), 5), squeeze=False, sharey=True, constrained_layout=True
    )
    figure.suptitle(title)
    references = [player for player in ratings.players if player.identity.kind != "checkpoint"]
    for axis, (label, points) in zip(axes[0], panels, strict=True):
        _draw_panel(axis, label, points, references)
    axes[0, 0].set_ylabel("Elo; bars: 95% intervals among these players")
    try:
        figure.savefig(path, dpi=110)
    except ValueError as error:
        raise RequestError(f"cannot draw to {path}: {error}") from error
    except OSError as error:
        raise FailureError(f"cannot write {path}: {error}") from error
    finally:
        pyplot.close(figure)


def _panels(checkpoints: Sequence[tuple[KeptCheckpoint, RatedPlayer]]) -> list[tuple[str, list[_Point]]]:
    by_records = [(float(kept.records), rated) for kept, rated in checkpoints if kept.records is not None]
    by_hours = [(kept.elapsed_s / 3600, rated) for kept, rated in checkpoints if kept.elapsed_s is not None]
    panels = [("records", by_records), ("hours", by_hours)]
    found = [(label, points) for label, points in panels if points]
    return found or [("training steps", [(float(kept.step), rated) for kept, rated in checkpoints])]


def _draw_panel(axis: Any, label: str, points: list[_Point], references: Sequence[RatedPlayer]) -> None:
    places = [place for place, _ in points]
    elos = [player.elo for _, player in points]
    spreads = [player.spread if player.spread is not None else player.high - player.elo for _, player in points]
    axis.errorbar(places, elos, yerr=spreads, marker="o", capsize=3)
    for player in references:
        axis.axhline(player.elo, color="grey", linestyle="--", linewidth=1)
        axis.annotate(
            f"{player.label}",
            (1.0, player.elo),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            fontsize=8,
        )
    axis.set(xlabel=label, xlim=(0, None))
    axis.grid(alpha=0.3)
