"""Draws the ratings of a run's networks over records and hours, with intervals, and reference players as lines."""

from collections.abc import Sequence
from typing import Any

from alphapente.arena.ratings.ratings import RatedPlayer, RatingList
from alphapente.errors import FailureError
from alphapente.events import KeptNetwork
from alphapente.files import StrPath
from alphapente.pipeline.picture import save_figure

_Point = tuple[float, RatedPlayer]
"""A network's position on an axis, and its rating."""


def draw(ratings: RatingList, run: Sequence[tuple[KeptNetwork, RatedPlayer]], path: StrPath, title: str) -> None:
    """Writes the picture to `path` (its extension selects PNG, SVG or PDF).

    Raises RequestError for an unknown extension, FailureError without matplotlib or for a file that cannot be written.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise FailureError(
            "matplotlib draws the ratings and is not installed: `pip install 'alphapente[plot]'`"
        ) from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels: list[tuple[str, list[_Point]]] = [
        ("records", [(float(kept.records), rated) for kept, rated in run]),
        ("hours", [(kept.elapsed_s / 3600, rated) for kept, rated in run]),
    ]
    figure, axes = pyplot.subplots(1, len(panels), figsize=(13, 5), sharey=True, constrained_layout=True)
    figure.suptitle(title)
    references = [player for player in ratings.players if player.identity.kind != "checkpoint"]
    for axis, (label, points) in zip(axes, panels, strict=True):
        _draw_panel(axis, label, points, references)
    axes[0].set_ylabel("Elo; bars: 95% intervals among these players")
    save_figure(figure, path)


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
