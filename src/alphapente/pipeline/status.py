"""The current status of a run, made from its event log.

The state (`state.py`) says what is done, and a run resumes from it. The status says what is being done and how fast.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any

from alphapente.event_log import Entry
from alphapente.events import (
    Lost,
    Note,
    RunEnded,
    RunOutcome,
    RunProgress,
    RunStarted,
    StepEnded,
    StepOutcome,
    StepStarted,
    to_values,
)
from alphapente.pipeline.lines import describe

MAX_STEPS = 40
MAX_NOTES = 30
MAX_SAMPLES = 240
"""At this number every second sample is dropped, and from then on samples are taken half as often."""
SAMPLE_S = 1.0
"""Time between two samples of a run that has just begun."""


@dataclass
class StepStatus:
    """A step: when it began (seconds since 1970), the name of its log, how it ended, its latest event."""

    name: str
    log: str
    began_at: float
    ended_at: float | None = None
    outcome: StepOutcome = "running"
    progress: dict[str, Any] | None = None
    """Its latest event that is not a note, as `events.to_values`; None for numbers that are not finite."""


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
    steps: list[StepStatus] = field(default_factory=list)
    notes: list[tuple[float, str]] = field(default_factory=list)
    """(time, text), newest last."""
    samples: list[tuple[float, int, int]] = field(default_factory=list)
    """(elapsed_s, records, games) over the whole run, evenly spaced in time."""


class StatusBuilder:
    """The status of the latest run in a log; `add` gets the log's entries in their order."""

    def __init__(self) -> None:
        self._status: Status | None = None
        self._process = ""
        self._sample_s = SAMPLE_S

    def status(self) -> Status | None:
        """A copy of the status; None if no run has begun."""
        now = self._status
        if now is None:
            return None
        steps = [replace(step) for step in now.steps]
        return replace(now, steps=steps, notes=list(now.notes), samples=list(now.samples))

    def add(self, entry: Entry) -> None:
        """Updates the status by an entry. Those of other runs and of jobs started by hand change nothing."""
        status = self._status
        if isinstance(entry.event, RunStarted):
            self._begin(entry, entry.event.pid)
        elif status is None or entry.source.run != status.run:
            return
        elif entry.source.step:
            self._add_of_step(entry, status)
        elif entry.process == self._process:
            status.updated_at = entry.at
            self._add_of_run(entry, status)

    def _begin(self, entry: Entry, pid: int) -> None:
        """A start of a run; of a run that continues, samples and notes stay."""
        before, run = self._status, entry.source.run
        self._status, self._process = Status(run, pid, entry.at, entry.at), entry.process
        if before is not None and before.run == run:
            self._status.samples, self._status.notes = before.samples, before.notes
        else:
            self._sample_s = SAMPLE_S

    def _add_of_step(self, entry: Entry, status: Status) -> None:
        match entry.event:
            case Note():
                return
            case Lost():
                _note(status, entry.at, describe(entry.event))
        for step in status.steps:
            if step.name == entry.source.step and step.outcome == "running":
                step.progress = {name: finite(value) for name, value in to_values(entry.event).items()}

    def _add_of_run(self, entry: Entry, status: Status) -> None:
        match entry.event:
            case Note(text=text):
                _note(status, entry.at, text)
            case Lost():
                _note(status, entry.at, describe(entry.event))
            case StepStarted(name=name, log=log):
                status.steps.append(StepStatus(name, log.rpartition("/")[2], entry.at))
                del status.steps[:-MAX_STEPS]
            case StepEnded(name=name, outcome=outcome):
                _end_steps(status, name, entry.at, outcome)
            case RunProgress() as now:
                status.elapsed_s, status.ending = now.elapsed_s, now.ending
                status.cycle, status.first_cycle, status.last_cycle = now.cycle, now.first_cycle, now.last_cycle
                status.stage, status.records, status.games = now.stage, now.records, now.games
                self._sample(status, self._sample_s)
            case RunEnded(outcome=ended, message=message):
                _end_steps(status, None, entry.at, "ended early")
                status.outcome, status.message, status.ending = ended, message, False
                self._sample(status, 0.01)

    def _sample(self, status: Status, least_s: float) -> None:
        """Takes a sample if the last one is at least this old."""
        if status.samples and status.elapsed_s - status.samples[-1][0] < least_s:
            return
        status.samples.append((round(status.elapsed_s, 2), status.records, status.games))
        if len(status.samples) >= MAX_SAMPLES:
            status.samples = status.samples[::2]
            self._sample_s *= 2


def _note(status: Status, at: float, text: str) -> None:
    status.notes.append((at, text))
    del status.notes[:-MAX_NOTES]


def _end_steps(status: Status, name: str | None, at: float, outcome: StepOutcome) -> None:
    """Ends the running steps of a name; None: all."""
    for step in status.steps:
        if name in (None, step.name) and step.outcome == "running":
            step.outcome, step.ended_at = outcome, at


def finite(value: Any) -> Any:
    """The value, or None for a number that JSON cannot represent."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
