"""The checkpoints that a run has kept, in the order of their making, with what the run knew of each."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alphapente.errors import RequestError

FOLDER = "history"
INDEX = "history.jsonl"
_NAME = re.compile(r"(?P<model>.+)_(?P<step>\d+)\.pt")


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A checkpoint of a run. `records` and `elapsed_s` are the run's by then; None where it did not write them down."""

    path: Path
    model_type: str
    step: int
    records: int | None = None
    elapsed_s: float | None = None


def read_history(folder: Path) -> list[KeptCheckpoint]:
    """The kept checkpoints of a run, by step; `folder` is the run's history or the checkpoint folder that holds it.

    Lines of the index that are not whole or name a missing file are passed over. Raises RequestError where no
    checkpoint is found.
    """
    if (folder / FOLDER).is_dir():
        folder = folder / FOLDER
    known = _index(folder / INDEX)
    found = []
    for path in sorted(folder.glob("*.pt")) if folder.is_dir() else ():
        name = _NAME.fullmatch(path.name)
        if name is None:
            continue
        line = known.get(path.name, {})
        records, elapsed_s = line.get("records"), line.get("elapsed_s")
        found.append(
            KeptCheckpoint(
                path=path,
                model_type=name["model"],
                step=int(name["step"]),
                records=records if isinstance(records, int) else None,
                elapsed_s=float(elapsed_s) if isinstance(elapsed_s, int | float) else None,
            )
        )
    if not found:
        raise RequestError(
            f"there are no checkpoints MODEL_STEP.pt in {folder}: a run keeps them with pipeline.keep_checkpoints, "
            "or name their folder by --checkpoints"
        )
    return sorted(found, key=lambda one: (one.records or 0, one.step, one.path.name))


def _index(path: Path) -> dict[str, dict[str, object]]:
    """The lines of the index by the name of their file; a later line of the same name wins."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    known = {}
    for text in lines:
        try:
            line = json.loads(text)
        except ValueError:
            continue  # the last one, cut short by a kill
        if isinstance(line, dict) and isinstance(line.get("checkpoint"), str):
            known[line["checkpoint"]] = line
    return known


def pick(checkpoints: Sequence[KeptCheckpoint], most: int) -> list[KeptCheckpoint]:
    """At most so many of them, spread evenly over their order, the first and the last among them."""
    if len(checkpoints) <= most:
        return list(checkpoints)
    if most == 1:
        return [checkpoints[-1]]
    last = len(checkpoints) - 1
    return [checkpoints[round(place * last / (most - 1))] for place in range(most)]
