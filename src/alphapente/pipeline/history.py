"""The networks that a run has kept, one per training, and how each was made: one line of JSON per network."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from alphapente.config import Config
from alphapente.errors import FailureError
from alphapente.files import StrPath
from alphapente.network.paths import history_folder

NAME = "history.jsonl"


@dataclass(frozen=True, slots=True)
class KeptNetwork:
    """A kept network: its file name in the folder, and the run's progress when its training ended."""

    checkpoint: str
    model_type: str
    step: int
    cycle: int
    records: int
    """Records made by the run until then."""
    elapsed_s: float
    """The run's time until then, in seconds."""
    board_size: int
    policy_loss: float
    value_loss: float


def add_to_history(config: Config, kept: KeptNetwork) -> None:
    """Appends a line, also after an incomplete last line. Raises FailureError if the file cannot be written."""
    path = history_folder(config) / NAME
    line = json.dumps(asdict(kept)).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else b"\n" + line
            file.write(line)
    except OSError as error:
        raise FailureError(f"cannot write {path}: {error.strerror}; correct that, and run again") from error


def read_history(folder: StrPath) -> list[KeptNetwork]:
    """The networks of a `history` folder whose files exist, oldest first, each once."""
    folder = Path(folder)
    try:
        lines = (folder / NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = {kept.checkpoint: kept for kept in _parsed(lines)}
    return [kept for kept in found.values() if (folder / kept.checkpoint).is_file()]


def _parsed(lines: list[str]) -> Iterator[KeptNetwork]:
    for line in lines:
        try:
            yield KeptNetwork(**json.loads(line))
        except (ValueError, TypeError):  # incomplete, after a power cut
            continue


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
