"""The networks that a run has kept, one per training."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from alphapente.events import KeptNetwork
from alphapente.files import StrPath
from alphapente.network.paths import HISTORY
from alphapente.pipeline.run_view import view_folder


def read_history(folder: StrPath) -> list[KeptNetwork]:
    """The kept networks of a folder of checkpoints whose files still exist, oldest first."""
    return [kept for kept in view_folder(folder).kept if Path(folder, HISTORY, kept.checkpoint).is_file()]


def end_to_end(history: Sequence[KeptNetwork]) -> list[KeptNetwork]:
    """The same networks with records and time summed over successive runs, so that they never decrease."""
    found: list[KeptNetwork] = []
    records, elapsed_s = 0, 0.0
    for place, kept in enumerate(history):
        before = history[place - 1] if place else kept
        if kept.elapsed_s < before.elapsed_s:
            records, elapsed_s = found[-1].records, found[-1].elapsed_s
        found.append(replace(kept, records=records + kept.records, elapsed_s=elapsed_s + kept.elapsed_s))
    return found


def pick(history: Sequence[KeptNetwork], count: int) -> list[KeptNetwork]:
    """At most `count` of them, evenly spaced, with the last one and, if `count` is above 1, the first."""
    if len(history) <= count:
        return list(history)
    if count == 1:
        return [history[-1]]
    last = len(history) - 1
    return [history[round(place * last / (count - 1))] for place in range(count)]
