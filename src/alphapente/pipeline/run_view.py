"""What the event log of a folder shows: the run's status, its curves, its kept networks, and its games in play."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from alphapente.config import Config
from alphapente.event_log import NAME, Entry, EventReader
from alphapente.events import EpochReport, GamesInPlay, GenerationProgress, GenerationSummary, KeptNetwork
from alphapente.files import StrPath
from alphapente.pipeline.old_runs import old_entries
from alphapente.pipeline.status import Status, StatusBuilder

STALE_S = 10.0
"""Games in play that were shown longer ago belong to a process that was killed."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a generation or a training has reported, with times in seconds since 1970."""

    epochs: list[tuple[float, EpochReport]] = field(default_factory=list)
    rates: list[tuple[float, GenerationProgress | GenerationSummary]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RunView:
    """A run at one moment, and all jobs in its folder, also those that were started by hand."""

    status: Status | None
    jobs: dict[str, list[Job]]
    """By kind ("generation", "training-simple"), in the order in which they began to report."""
    kept: list[KeptNetwork]
    """Each network once, oldest first; its file may have been deleted."""
    games: GamesInPlay | None
    games_at: float

    def games_in_play(self) -> GamesInPlay | None:
        """The games in play; None if none is played now."""
        return self.games if self.games is not None and abs(time.time() - self.games_at) < STALE_S else None


def view_run(config: Config) -> RunView:
    """The run of a configuration."""
    return view_folder(config.pipeline.checkpoint_folder, config.pipeline.log_folder)


def view_folder(folder: StrPath, log_folder: Path | None = None) -> RunView:
    """The run of a folder of checkpoints; `log_folder` has the curves of runs of older versions.

    The first call in a process reads the whole log, later ones only what was added.
    """
    return _follower(Path(folder).absolute(), log_folder and log_folder.absolute()).view()


@lru_cache(maxsize=64)
def _follower(folder: Path, log_folder: Path | None) -> "_Follower":
    return _Follower(folder, log_folder)


class _Follower:
    """Reads a log as it grows. Thread-safe."""

    def __init__(self, folder: Path, log_folder: Path | None) -> None:
        self._folder, self._log_folder = folder, log_folder
        self._lock = threading.Lock()
        self._reader = EventReader(folder)
        self._begin()
        self._has_log = True

    def _begin(self) -> None:
        self._status = StatusBuilder()
        self._jobs: dict[str, dict[str, Job]] = defaultdict(dict)
        self._kept: dict[str, KeptNetwork] = {}
        self._games: tuple[float, GamesInPlay | None] = 0.0, None

    def view(self) -> RunView:
        with self._lock:
            entries = self._reader.new()
            if self._reader.restarted:
                self._begin()
            if not (has_log := (self._folder / NAME).exists()) and self._has_log:
                entries = [*old_entries(self._folder, self._log_folder), *entries]
            self._has_log = has_log
            for entry in entries:
                self._add(entry)
            jobs = {
                kind: [replace(job, epochs=list(job.epochs), rates=list(job.rates)) for job in found.values()]
                for kind, found in self._jobs.items()
            }
            at, games = self._games
            return RunView(self._status.status(), jobs, list(self._kept.values()), games, at)

    def _add(self, entry: Entry) -> None:
        self._status.add(entry)
        kind, process, event = entry.source.job, entry.process, entry.event
        match event:
            case EpochReport():
                report = replace(event, calibration=[])  # long, and shown nowhere
                self._jobs[kind].setdefault(process, Job()).epochs.append((entry.at, report))
            case GenerationSummary():
                self._jobs[kind].setdefault(process, Job()).rates.append((entry.at, event))
                self._games = entry.at, None
            case GenerationProgress() if entry.kept:
                self._jobs[kind].setdefault(process, Job()).rates.append((entry.at, event))
            case KeptNetwork():
                self._kept[event.checkpoint] = event
            case GamesInPlay():
                self._games = entry.at, event
