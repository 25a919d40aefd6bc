"""The runs of versions before the event log: their status, kept networks and curves as entries of a log.

Readers of such a run get them in place of a log. The first process that writes to its folder begins the log with them.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alphapente.errors import AlphaPenteError, FailureError
from alphapente.event_log import NAME, Entry, Source, to_line
from alphapente.events import (
    EpochReport,
    Event,
    GenerationProgress,
    KeptNetwork,
    Note,
    RunEnded,
    RunProgress,
    RunStarted,
    StepEnded,
    StepStarted,
    from_values,
)
from alphapente.files import write_bytes
from alphapente.pipeline.state import STATE_NAME

_STATUS_NAME = "pipeline_status.json"
_HISTORY = Path("history", "history.jsonl")
_RATES = ("records_per_s", "simulations_per_s", "evaluations_per_s")
_BROKEN = (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError, AlphaPenteError)
"""What a file that is damaged or of another format raises: the rest is read."""


def begin_log(folder: Path, log_folder: Path) -> None:
    """Begins the event log of a folder with the entries of its old run, if it has one and there is no log yet.

    Raises FailureError if that cannot be written.
    """
    path = folder / NAME
    if path.exists() or not (entries := old_entries(folder, log_folder)):
        return
    whole = path.with_name(f"{NAME}.{os.getpid()}.tmp")
    try:
        write_bytes(whole, b"".join(to_line(entry) for entry in entries))
        try:
            os.link(whole, path)  # fails if another process was faster
        except OSError:
            if not path.exists():  # a file system without hard links
                os.replace(whole, path)
    except OSError as error:
        raise FailureError(f"cannot write {path}: {error.strerror}; correct that, and run again") from error
    finally:
        whole.unlink(missing_ok=True)


def old_entries(folder: Path, log_folder: Path | None) -> list[Entry]:
    """The entries that a run of an older version left in its folder, and its curves in `log_folder`, by time."""
    found = [*_kept_networks(folder)]
    with contextlib.suppress(*_BROKEN):
        found += _of_status(json.loads((folder / _STATUS_NAME).read_text(encoding="utf-8")))
    if log_folder is not None and _was_used(folder):
        for file in sorted((log_folder / "tensorboard").glob("*/events.out.tfevents.*"), key=_start_order):
            found += _curves(file)
    return sorted(found, key=lambda entry: entry.at)


def _was_used(folder: Path) -> bool:
    """Whether a run or a training has left its state: the folder of logs may be that of others too."""
    return (folder / STATE_NAME).exists() or any(folder.glob("*_model.pt"))


def _kept_networks(folder: Path) -> Iterator[Entry]:
    try:
        lines = (folder / _HISTORY).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for number, line in enumerate(lines):
        with contextlib.suppress(*_BROKEN):  # incomplete, after a power cut
            yield Entry(float(number), "history", Source("run"), KeptNetwork(**json.loads(line)))


def _of_status(status: dict[str, Any]) -> list[Entry]:
    """The entries of a status file. Raises what `_BROKEN` names."""
    run, now, began = str(status["run"]), float(status["updated_at"]), float(status["began_at"])
    found: list[Entry] = []

    def add(at: float, event: Event, step: str = "") -> None:
        found.append(Entry(at, "status", Source("run", run, step), event))

    add(began, RunStarted(status["pid"]))
    for at, text in status["notes"]:
        add(max(began, at), Note(text))
    cycles = {key: status[key] for key in ("cycle", "first_cycle", "last_cycle", "stage")}
    last = [status["elapsed_s"], status["records"], status["games"]]
    for elapsed_s, records, games in [*status["samples"], last]:
        add(min(now, max(began, now - (last[0] - elapsed_s))), RunProgress(elapsed_s, records, games, **cycles))
    for step in status["steps"]:
        name, ended = step["name"], step["ended_at"]
        add(step["began_at"], StepStarted(name, step["log"], status["cycle"], status["last_cycle"], 0, 0))
        with contextlib.suppress(*_BROKEN):  # it has not reported, or only numbers that are not finite
            add(ended or now, from_values(step["progress"]), name)
        if ended is not None:
            add(ended, StepEnded(name, step["outcome"]))
    if status["outcome"] != "running":
        add(now, RunEnded(status["outcome"], status["message"]))
    return found


def _start_order(path: Path) -> list[int]:
    """Sort key by start time: names contain the second, the host, the process and the number within the process."""
    return [int(digits) for digits in re.findall(r"[0-9]+", path.name)]


def _curves(file: Path) -> Iterator[Entry]:
    """The epochs of a training, or the rates of a generation, that a file of TensorBoard has."""
    from tensorboard.backend.event_processing.event_file_loader import (  # type: ignore[import-untyped]
        LegacyEventFileLoader,
    )

    points: dict[tuple[float, int], dict[str, float]] = {}
    with contextlib.suppress(OSError, ValueError):  # damaged: what was read before counts
        for event in LegacyEventFileLoader(str(file)).Load():
            for value in event.summary.value:
                points.setdefault((event.wall_time, event.step), {})[value.tag] = value.simple_value
    job = file.parent.name
    epochs = sum("loss/total" in tags for tags in points.values())
    for number, ((at, step), tags) in enumerate(points.items(), 1):
        if "loss/total" in tags:
            yield Entry(at, file.name, Source(job), _epoch(number, epochs, step, tags))
        elif "rate/records_per_s" in tags:
            rates: dict[str, Any] = {name: tags.get(f"rate/{name}", 0.0) for name in _RATES}
            yield Entry(at, file.name, Source(job), GenerationProgress(0, 0, 0, 0.0, remaining_s=0.0, **rates))


def _epoch(number: int, num_epochs: int, step: int, tags: dict[str, float]) -> EpochReport:
    own = {"loss/policy": "policy_loss", "loss/value": "value_loss", "loss/total": "total_loss"}
    own |= {name: name for name in ("policy_entropy", "value_error", "learning_rate")}
    own |= {"rate/samples_per_s": "samples_per_s", "validation/calibration_error": "calibration_error"}
    own |= {f"validation/{head}": f"validation_{head}_loss" for head in ("policy", "value")}
    missing = dict.fromkeys(("policy_loss", "value_loss", "policy_entropy", "value_error"), float("nan"))
    missing |= dict.fromkeys(("learning_rate", "samples_per_s"), float("nan"))
    auxiliary = {tag.removeprefix("loss/"): tags[tag] for tag in tags if tag.startswith("loss/") and tag not in own}
    found: dict[str, Any] = missing | {own[tag]: number for tag, number in tags.items() if tag in own}
    return EpochReport(number, num_epochs, step, auxiliary=auxiliary, **found)
