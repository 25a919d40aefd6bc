"""What a run is doing at this moment, in a file that other processes read: the page, or anybody's own script.

The state (`state.py`) says what is done, and a run goes on from it. The status says what is being done and how fast;
nothing depends on it, so where it cannot be written the run goes on without.
"""

import contextlib
import json
import math
import os
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from alphapente.errors import FailureError
from alphapente.events import Event, to_json
from alphapente.files import StrPath, write_text

FORMAT = 1
STATUS_NAME = "pipeline_status.json"
INTERVAL_S = 1.0
"""At least so long between two writings, but for the last one."""
MAX_STEPS = 40
MAX_NOTES = 30
MAX_SAMPLES = 240
"""When there are so many, every second one is dropped, and from then on they are taken half as often."""

RunOutcome = Literal["running", "finished", "paused", "failed"]
"""How a start of a run stands or ended: "paused" where it was asked to end before its time."""
StepOutcome = Literal["running", "done", "ended early", "failed"]


@dataclass
class StepStatus:
    """A step that was begun: when (seconds since 1970), its log's name, how it ended, what it said last."""

    name: str
    log: str
    began_at: float
    ended_at: float | None = None
    outcome: StepOutcome = "running"
    progress: dict[str, Any] | None = None
    """The latest of its events but for notes, as `events.to_json` writes it."""


@dataclass
class Status:
    """A run at one moment. Times are seconds since 1970, `elapsed_s` the run's own time over all its starts."""

    run: str
    pid: int
    began_at: float
    """When this start of the run began."""
    updated_at: float = 0.0
    outcome: RunOutcome = "running"
    message: str = ""
    """Why it ended; "" while it runs."""
    ending: bool = False
    """It was asked to end and waits for its steps."""
    elapsed_s: float = 0.0
    cycle: int = 1
    first_cycle: int = 1
    last_cycle: int = 1
    stage: int = 0
    records: int = 0
    games: int = 0
    cycle_games: int = 0
    """Games made in this cycle."""
    steps: list[StepStatus] = field(default_factory=list)
    notes: list[tuple[float, str]] = field(default_factory=list)
    """(when, what), the newest last."""
    samples: list[tuple[float, int, int]] = field(default_factory=list)
    """(elapsed_s, records, games) over the whole run, evenly spread in its time."""


_READER = TypeAdapter(Status)


def read_status(path: StrPath) -> Status | None:
    """The status in a file; None where there is none that this version can read."""
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        if values.pop("format") != FORMAT:
            return None
        return _READER.validate_python(values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # pydantic's error is a ValueError
        return None


class StatusFile:
    """Keeps a run's status in step with its events, and in its file."""

    def __init__(self, path: Path, status: Status) -> None:
        """Samples go on where the file is of the same run."""
        self.status = status
        self._path = path
        self._written_at = -math.inf
        self._sample_s = INTERVAL_S
        self._notes: deque[tuple[float, str]] = deque(maxlen=MAX_NOTES)
        before = read_status(path)
        if before is not None and before.run == status.run:
            status.samples = before.samples
            self._notes.extend(before.notes)
            gaps = [after[0] - one[0] for one, after in zip(before.samples, before.samples[1:], strict=False)]
            self._sample_s = max([INTERVAL_S, *sorted(gaps)[len(gaps) // 2 : len(gaps) // 2 + 1]])

    def note(self, text: str) -> None:
        """Something that the coordination said."""
        self._notes.append((time.time(), text))

    def step_started(self, name: str, log: Path) -> None:
        """A step has begun."""
        self.status.steps.append(StepStatus(name, log.name, time.time()))
        del self.status.steps[:-MAX_STEPS]

    def step_event(self, name: str, event: Event) -> None:
        """A running step has said something other than a note."""
        for step in self.status.steps:
            if step.name == name and step.outcome == "running":
                step.progress = {name: _finite(value) for name, value in json.loads(to_json(event)).items()}

    def step_ended(self, name: str, outcome: StepOutcome) -> None:
        """A step has ended."""
        for step in self.status.steps:
            if step.name == name and step.outcome == "running":
                step.outcome, step.ended_at = outcome, time.time()

    def end(self, outcome: RunOutcome) -> None:
        """The start of the run is over; what was said last tells why."""
        for step in self.status.steps:
            self.step_ended(step.name, "ended early")
        self.status.outcome, self.status.ending = outcome, False
        self.status.message = self._notes[-1][1] if self._notes else ""
        self.write()

    def due(self) -> bool:
        """Whether it is time to write again."""
        return time.monotonic() - self._written_at >= INTERVAL_S

    def write(self) -> None:
        """Replace the file, whole or not at all; a disk that refuses costs the status, not the run."""
        status = self.status
        self._written_at = time.monotonic()
        status.pid, status.updated_at, status.notes = os.getpid(), time.time(), list(self._notes)
        self._sample(last=status.outcome != "running")
        values = {**vars(status), "steps": [vars(step) for step in status.steps]}
        with contextlib.suppress(FailureError):
            write_text(self._path, json.dumps({"format": FORMAT, **values}) + "\n", durable=False)

    def _sample(self, last: bool) -> None:
        status = self.status
        if status.samples and status.elapsed_s - status.samples[-1][0] < (0.01 if last else self._sample_s):
            return
        status.samples.append((round(status.elapsed_s, 2), status.records, status.games))
        if len(status.samples) >= MAX_SAMPLES:
            status.samples = status.samples[::2]
            self._sample_s *= 2


def _finite(value: Any) -> Any:
    """The value, or None for a number that JSON has no word for."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
