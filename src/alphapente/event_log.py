"""The event log of a run: all that its processes report, as lines of JSON in the folder of its checkpoints.

`events.jsonl` is only ever appended to. It has steps, epochs, results and notes, and every half minute a sample of the
progress: some 20 MB in a week, read in a second. `events_now.jsonl` has all progress and the games in play, and is
emptied whenever it exceeds NOW_BYTES. Both have the same lines, one writer and one reader.

Why files, and not a table of the database of records: that may be busy for seconds, on a server, or shared by several
runs, and a log must not delay self-play. Any program can read lines of text, also while they are written.

- Several processes write. Each line is appended by one call (O_APPEND), so lines do not mix, and `kill -9` leaves whole
  lines. The processes of a run are on one machine; network file systems do not order the writes of several machines.
- After a full disk or a power cut the last line may be incomplete. The next writer begins a new line, and readers skip
  what is not an event. Results are synced to the disk.
- The files are opened for each write: a file that was moved away begins anew.
- A log that cannot be written is reported once, as events.Lost, and the job continues.
"""

import errno
import json
import os
import time
from dataclasses import asdict, dataclass
from heapq import merge
from pathlib import Path
from typing import Any

from alphapente.errors import FailureError
from alphapente.events import (
    CompilationProgress,
    EpochProgress,
    Event,
    GamesInPlay,
    GenerationProgress,
    GenerationSummary,
    KeptNetwork,
    Lost,
    PromotionSummary,
    ReportFn,
    RunEnded,
    RunProgress,
    StepEnded,
    TrainingSummary,
    from_values,
    to_values,
)

NAME = "events.jsonl"
NOW_NAME = "events_now.jsonl"
NOW_BYTES = 1 << 20
KEPT_EVERY_S = 30.0
"""Least time between two samples of the progress in `events.jsonl`."""

_PASSING = CompilationProgress | GenerationProgress | EpochProgress | GamesInPlay | RunProgress
_SAMPLED = GenerationProgress | RunProgress
_RESULTS = GenerationSummary | TrainingSummary | PromotionSummary | KeptNetwork | StepEnded | RunEnded


@dataclass(frozen=True, slots=True)
class Source:
    """Who reports: the kind of job ("run", "generation", "training-simple", "promotion"), its run and step if any."""

    job: str
    run: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event with its time (seconds since 1970) and origin. `process` differs for every process that reports."""

    at: float
    process: str
    source: Source
    event: Event
    kept: bool = True
    """Whether it is in `events.jsonl`."""


def to_line(entry: Entry) -> bytes:
    """The entry as a line, which `from_line` reads back."""
    values: dict[str, Any] = {"at": entry.at, "process": entry.process, **asdict(entry.source)}
    return json.dumps({**values, "event": to_values(entry.event)}).encode() + b"\n"


def from_line(line: bytes, kept: bool = True) -> Entry:
    """The entry in a line. Raises FailureError for any other line."""
    try:
        values = json.loads(line)
        source = Source(str(values["job"]), str(values["run"]), str(values["step"]))
        return Entry(float(values["at"]), str(values["process"]), source, from_values(values["event"]), kept)
    except (ValueError, TypeError, KeyError) as error:
        raise FailureError(f"not an entry of an event log: {line[:200]!r}") from error


class EventLog:
    """Writes the events of one process; called with an event, it adds it to the log. Raises nothing."""

    def __init__(self, folder: Path, source: Source, report: ReportFn) -> None:
        """`report` gets a Lost event when the log cannot be written, once."""
        self.folder = folder
        self._source = source
        self._report = report
        self._lost = False
        self._process = f"{os.getpid()}-{time.time_ns()}"
        self._sampled_at: dict[type[Event], float] = {}

    def __call__(self, event: Event, keep: bool = False) -> None:
        """Adds an event; progress to `events.jsonl` only if it is due, or with `keep`."""
        passes = isinstance(event, _PASSING)
        files = [NAME] * (keep or not passes or self._sample_due(event)) + [NOW_NAME] * passes
        line = to_line(Entry(time.time(), self._process, self._source, event))
        for name in files:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                _append(self.folder / name, line, NOW_BYTES if name == NOW_NAME else None, isinstance(event, _RESULTS))
            except OSError as error:
                if not self._lost:
                    self._lost = True
                    self._report(Lost(f"the event log {self.folder / name}", error.strerror or str(error)))

    def _sample_due(self, event: Event) -> bool:
        """Whether the last sample of this kind of progress is old enough; not for the first event."""
        now = time.monotonic()
        if not isinstance(event, _SAMPLED) or now - self._sampled_at.setdefault(type(event), now) < KEPT_EVERY_S:
            return False
        self._sampled_at[type(event)] = now
        return True


def _append(path: Path, line: bytes, limit: int | None, sync: bool) -> None:
    """Appends a line, also after an incomplete one, to a file that is emptied above `limit` bytes. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(descriptor).st_size
        if limit is not None and size > limit:
            os.ftruncate(descriptor, 0)
        elif size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        if os.write(descriptor, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


class EventReader:
    """Reads the log of a folder, and at each call what was added since. Lines that are no entries are skipped."""

    def __init__(self, folder: Path) -> None:
        self._kept, self._now = _Tail(folder / NAME), _Tail(folder / NOW_NAME)
        self.restarted = False
        """True if the last call read another `events.jsonl` than before, from its start."""

    def new(self) -> list[Entry]:
        """The new entries by time; those of one file stay in their order."""
        lines = self._kept.new_lines()  # first: progress that belongs to a result is read with it or before it
        self.restarted = self._kept.restarted
        return list(merge(_entries(lines, True), _entries(self._now.new_lines(), False), key=lambda one: one.at))


def _entries(lines: list[bytes], kept: bool) -> list[Entry]:
    found = []
    for line in lines:
        try:
            found.append(from_line(line, kept))
        except FailureError:
            continue
    return found


class _Tail:
    """Reads the whole lines that were added to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file_id: tuple[int, int] | None = None
        self._place = 0
        self.restarted = False

    def new_lines(self) -> list[bytes]:
        try:
            status = self._path.stat()
            file_id = (status.st_dev, status.st_ino)
            self.restarted = file_id != self._file_id or status.st_size < self._place
            if self.restarted:
                self._file_id, self._place = file_id, 0
            if status.st_size == self._place:
                return []
            with self._path.open("rb") as file:
                file.seek(self._place)
                content = file.read()
        except OSError:
            self.restarted, self._file_id, self._place = self._file_id is not None, None, 0
            return []
        end = content.rfind(b"\n") + 1
        self._place += end
        return content[:end].splitlines()
