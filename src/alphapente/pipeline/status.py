"""The current status of a run, in a file that other processes read: the page, or a user's script.

The state (`state.py`) says what is done, and a run resumes from it. The status says what is being done and how fast.
Nothing depends on it: a run continues if it cannot be written.
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
"""Minimum time between two writes, except for the last one."""
MAX_STEPS = 40
MAX_NOTES = 30
MAX_SAMPLES = 240
"""At this number every second sample is dropped, and from then on samples are taken half as often."""

RunOutcome = Literal["running", "finished", "paused", "failed"]
"""The state of a start of a run, or how it ended: "paused" if it was asked to end early."""
StepOutcome = Literal["running", "done", "ended early", "failed"]


@dataclass
class StepStatus:
    """A step: when it began (seconds since 1970), the name of its log, how it ended, its latest event."""

    name: str
    log: str
    began_at: float
    ended_at: float | None = None
    outcome: StepOutcome = "running"
    progress: dict[str, Any] | None = None
    """Its latest event that is not a note, as `events.to_json` writes it."""


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
    """It was asked to end and is waiting for its steps."""
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
    """(time, text), newest last."""
    samples: list[tuple[float, int, int]] = field(default_factory=list)
    """(elapsed_s, records, games) over the whole run, evenly spaced in time."""


_READER = TypeAdapter(Status)


def read_status(path: StrPath) -> Status | None:
    """The status in a file; None if there is none that this version can read."""
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        if values.pop("format") != FORMAT:
            return None
        return _READER.validate_python(values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # pydantic's error is a ValueError
        return None


class StatusFile:
    """Updates a run's status by its events, and writes it to its file."""

    def __init__(self, path: Path, status: Status) -> None:
        """Keeps the samples and notes of an existing file of the same run."""
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
        """Adds a note of the scheduler."""
        self._notes.append((time.time(), text))

    def step_started(self, name: str, log: Path) -> None:
        """Adds a step."""
        self.status.steps.append(StepStatus(name, log.name, time.time()))
        del self.status.steps[:-MAX_STEPS]

    def step_event(self, name: str, event: Event) -> None:
        """Records an event of a running step, other than a note."""
        for step in self.status.steps:
            if step.name == name and step.outcome == "running":
                step.progress = {name: _finite(value) for name, value in json.loads(to_json(event)).items()}

    def step_ended(self, name: str, outcome: StepOutcome) -> None:
        """Records the end of a step."""
        for step in self.status.steps:
            if step.name == name and step.outcome == "running":
                step.outcome, step.ended_at = outcome, time.time()

    def end(self, outcome: RunOutcome) -> None:
        """Records the end of this start of the run; the last note becomes its message."""
        for step in self.status.steps:
            self.step_ended(step.name, "ended early")
        self.status.outcome, self.status.ending = outcome, False
        self.status.message = self._notes[-1][1] if self._notes else ""
        self.write()

    def due(self) -> bool:
        """Whether it is time to write again."""
        return time.monotonic() - self._written_at >= INTERVAL_S

    def write(self) -> None:
        """Replace the file, whole or not at all; errors are ignored, since the run does not depend on it."""
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
    """The value, or None for a number that JSON cannot represent."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
