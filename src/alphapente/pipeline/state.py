"""The progress of a run of the pipeline, saved in a file from which the next start continues."""

import dataclasses
import fcntl
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alphapente.errors import FailureError, RequestError
from alphapente.files import StrPath, write_text

FORMAT = 1
STATE_NAME = "pipeline_state.json"
_SCHEDULER_LOCK = "pipeline.lock"
_STEPS_LOCK = "pipeline_steps.lock"
_LATER = {"stage", "stage_records", "stage_began_s", "trained_records", "untested_training", "stopped"}
"""Keys that earlier versions did not write; missing ones have their defaults."""
STEP_WAIT_S = 60.0
"""How long a start waits for a running step of an earlier scheduler that was killed."""


@dataclass
class State:
    """A run's progress: its cycle and what of it is done. The pool: all records of its variant and board sizes."""

    run: str
    """Name of the run: its first start, as YYYYMMDD_HHMMSS."""
    first_cycle: int = 1
    cycle: int = 1
    generation_done: bool = False
    """This cycle's generation (mode "cycles"), or the run's only one (mode "async"), is over."""
    trainings_done: int = 0
    """Trainings of this cycle that are over."""
    trained_records: int = 0
    """Records in the pool when the last training that is over began."""
    run_records: int = 0
    """Records in the pool when the run began."""
    generation_records: int = 0
    """Records in the pool when this cycle's generation began."""
    cycle_games: int = 0
    """Games in the pool when this cycle began."""
    games_by_cycle: list[int] = field(default_factory=list)
    loss_by_training: list[tuple[str, float]] = field(default_factory=list)
    elapsed_s: float = 0.0
    stage: int = 0
    """Stage of the curriculum; 0 is the first."""
    stage_records: int = 0
    """Records in the pool when the stage began."""
    stage_began_s: float = 0.0
    """elapsed_s when the stage began."""
    untested_training: str = ""
    """The training whose network is still to be tested against the one that plays; "" for none."""
    finished: bool = False
    stopped: bool = False
    """It was ended early by `stop_for_good`."""
    settings: dict[str, Any] = field(default_factory=dict)
    """The configuration of the latest start."""


def load_state(path: StrPath) -> State | None:
    """The state saved in a file; None if there is no file. Raises FailureError for a file that is not a state."""
    what_next = "move the file away to begin a new run (records and checkpoints stay)"
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise FailureError(f"cannot read the pipeline's state {path}: {error}; {what_next}") from error
    try:
        values = json.loads(text)
    except ValueError as error:
        raise FailureError(f"{path} is not a pipeline's state or is incomplete: {error}; {what_next}") from error
    if not isinstance(values, dict) or not isinstance(values.get("format"), int):
        raise FailureError(f'{path} is not a pipeline\'s state: found no "format"; {what_next}')
    if values["format"] != FORMAT:
        raise FailureError(
            f"{path} has format {values['format']}, this version reads {FORMAT}; "
            f"continue with the version that wrote it, or {what_next}"
        )
    del values["format"]
    problem = _problem(values)
    if problem:
        raise FailureError(f"{path} is not a pipeline's state: {problem}; {what_next}")
    values["loss_by_training"] = [(str(name), float(loss)) for name, loss in values["loss_by_training"]]
    return State(**values)


def _problem(values: dict[str, Any]) -> str:
    """What is wrong with the values read; "" if nothing is."""
    fields = {field.name: field.type for field in dataclasses.fields(State)}
    wrong = set(values) - set(fields) | set(fields) - set(values) - _LATER
    if wrong:
        return "its keys differ at " + ", ".join(f'"{name}"' for name in sorted(wrong))
    kinds: dict[Any, type | tuple[type, ...]] = {str: str, int: int, float: (int, float), bool: bool}
    for name in values:
        kind = fields[name]
        expected = kinds.get(kind, dict if name == "settings" else list)
        found = values[name]
        if not isinstance(found, expected) or (isinstance(found, bool) and kind is not bool):
            return f'"{name}" is {json.dumps(found)[:60]}'
        if isinstance(found, int | float) and found < 0:
            return f'"{name}" is {found}'
    pairs = values["loss_by_training"]
    if not all(isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], int | float) for pair in pairs):
        return '"loss_by_training" is not a list of [name, loss]'
    if not all(isinstance(games, int) for games in values["games_by_cycle"]):
        return '"games_by_cycle" is not a list of whole numbers'
    return ""


def save_state(state: State, path: StrPath) -> None:
    """Replace the file by the state, whole or not at all. Raises FailureError if that fails."""
    try:
        write_text(path, json.dumps({"format": FORMAT, **dataclasses.asdict(state)}, indent=2) + "\n")
    except FailureError as error:
        raise FailureError(
            f"cannot save the pipeline's state: {error}; then run again, and the run continues from the step before"
        ) from error


class Locks:
    """Allows one scheduler at a time in a checkpoint folder, and none while a step of an earlier one still runs.

    The operating system releases both locks when their holders die. `steps` is the descriptor that each step's process
    inherits: the lock is held as long as one of them lives.
    """

    def __init__(self, folder: StrPath) -> None:
        """Raises RequestError if another scheduler is at work, FailureError if the folder cannot be written."""
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._scheduler = os.open(folder / _SCHEDULER_LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            self.steps = os.open(folder / _STEPS_LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise FailureError(f"cannot write in pipeline.checkpoint_dir {folder}: {error.strerror}") from error
        if not _try_lock(self._scheduler):
            holder = os.pread(self._scheduler, 40, 0).decode(errors="replace").strip() or "unknown"
            self._close()
            raise RequestError(
                f"another scheduler (process {holder}) is at work on {folder}; wait for it or stop it,"
                " or give this one another pipeline.checkpoint_dir"
            )
        try:
            os.ftruncate(self._scheduler, 0)
            os.pwrite(self._scheduler, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            self._close()
            raise FailureError(
                f"cannot write in pipeline.checkpoint_dir {folder}: {error.strerror}; free some space and run again"
            ) from error

    def wait_for_steps(
        self, stop: Callable[[], bool], report: Callable[[str], None], wait_s: float = STEP_WAIT_S
    ) -> bool:
        """Wait until no step of an earlier scheduler runs; False if asked to stop before. Raises FailureError."""
        deadline = time.monotonic() + wait_s
        reported = False
        while not _try_lock(self.steps):
            if stop():
                return False
            if time.monotonic() > deadline:
                raise FailureError(
                    "a step of an earlier run, whose scheduler was killed, is still at work after"
                    f" {wait_s:.0f} s; end its process (alphapente generate or train), and run again"
                )
            if not reported:
                report("waiting for a step of the earlier run to end")
                reported = True
            time.sleep(0.1)
        return True

    def close(self) -> None:
        """Release both locks."""
        self._close()

    def _close(self) -> None:
        os.close(self._scheduler)
        os.close(self.steps)


def scheduler_at_work(folder: StrPath) -> int | None:
    """The process id of the scheduler at work on a checkpoint folder; None if there is none.

    The lock is tried only if the process whose id is in the file is alive, so that this check never makes a start fail.
    """
    try:
        descriptor = os.open(Path(folder) / _SCHEDULER_LOCK, os.O_RDONLY)
    except OSError:
        return None
    try:
        written = os.pread(descriptor, 40, 0).decode(errors="replace").strip()
        if not written.isdecimal() or not _is_alive(int(written)) or _try_lock(descriptor, fcntl.LOCK_SH):
            return None
        return int(written)
    finally:
        os.close(descriptor)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's process
        return True
    return True


def stop_for_good(folder: StrPath) -> bool:
    """Mark the folder's run, which must not be running, as finished: the next start begins a new run.

    False if there was no unfinished run. Raises RequestError if it is running, FailureError for a state that cannot be
    read or written.
    """
    locks = Locks(folder)
    try:
        path = Path(folder) / STATE_NAME
        state = load_state(path)
        if state is None or state.finished:
            return False
        state.finished = state.stopped = True
        save_state(state, path)
        return True
    finally:
        locks.close()


def _try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def changed_keys(before: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """Dotted paths of the values that differ, each as "section.key: old -> new"."""
    lines: list[str] = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            lines += changed_keys(old, new, f"{prefix}{name}.")
        elif old != new:
            lines.append(f"{prefix}{name}: {json.dumps(old)} -> {json.dumps(new)}")
    return lines
