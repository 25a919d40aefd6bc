"""The networks that a run has kept, one for each training, and what each was made from: a line of JSON for each."""

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
class Kept:
    """One network kept: its file's name in the folder, and how far the run was when its training ended."""

    checkpoint: str
    model_type: str
    step: int
    cycle: int
    records: int
    """Records that the run had made."""
    elapsed_s: float
    """The run's time so far, in seconds."""
    board_size: int
    policy_loss: float
    value_loss: float


def remember(config: Config, kept: Kept) -> None:
    """Adds a line, after a line that was cut short too. Raises FailureError where it cannot be written."""
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
        raise FailureError(f"cannot write {path}: {error.strerror}; see to it, and run again") from error


def read_history(folder: StrPath) -> list[Kept]:
    """The networks of a `history` folder whose files are there, the oldest first, each once."""
    folder = Path(folder)
    try:
        lines = (folder / NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = {kept.checkpoint: kept for kept in _parsed(lines)}
    return [kept for kept in found.values() if (folder / kept.checkpoint).is_file()]


def _parsed(lines: list[str]) -> Iterator[Kept]:
    for line in lines:
        try:
            yield Kept(**json.loads(line))
        except (ValueError, TypeError):  # a line cut short by a power cut
            continue


def end_to_end(history: Sequence[Kept]) -> list[Kept]:
    """The same with records and time counted on where another run went on with the network: they never fall."""
    found: list[Kept] = []
    records, elapsed_s = 0, 0.0
    for place, kept in enumerate(history):
        before = history[place - 1] if place else kept
        if kept.elapsed_s < before.elapsed_s:
            records, elapsed_s = found[-1].records, found[-1].elapsed_s
        found.append(replace(kept, records=records + kept.records, elapsed_s=elapsed_s + kept.elapsed_s))
    return found


def pick(history: Sequence[Kept], count: int) -> list[Kept]:
    """At most so many of them, evenly spread over their order, the last and, of several, the first among them."""
    if len(history) <= count:
        return list(history)
    if count == 1:
        return [history[-1]]
    last = len(history) - 1
    return [history[round(place * last / (count - 1))] for place in range(count)]
