"""Reads the curves that self-play and training wrote for TensorBoard."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alphapente.files import StrPath

NEWEST_FILES = 60
"""Files read for each kind of job, the newest ones."""

Point = tuple[int, float]
"""(step, value)."""


@dataclass(frozen=True, slots=True)
class JobCurves:
    """The points that one job (a generation, a training) wrote, by tag, in the order of writing."""

    points: Mapping[str, Sequence[Point]]
    times: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """The time of each point, in seconds since 1970."""

    def values(self, tag: str) -> list[float]:
        """The values of a tag, empty if it was not written."""
        return [value for _, value in self.points.get(tag, ())]


KnownJobs = dict[Path, tuple[int, JobCurves]]
"""By file: its size in bytes when it was read, and its curves."""


def read_jobs(log_dir: StrPath, name: str, known: KnownJobs | None = None) -> list[JobCurves]:
    """The newest jobs of a name ("generation", "training-simple") that wrote curves, oldest first.

    Each job writes its own file. A file that is damaged or still being written is read as far as possible.
    Callers that read repeatedly pass the same `known`: then only files whose size has changed are read again.
    """
    found = (Path(log_dir) / "tensorboard" / name).glob("events.out.tfevents.*")
    files = sorted(found, key=_start_order)[-NEWEST_FILES:]
    known = {} if known is None else known
    for path in known.keys() - files:
        del known[path]
    for path in files:
        size = size_of(path)
        if path not in known or known[path][0] != size:
            known[path] = size, _read(path)
    return [job for _, job in (known[path] for path in files) if job.points]


def size_of(path: Path) -> int:
    """Size of a file in bytes; 0 if it was deleted meanwhile."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _start_order(path: Path) -> list[int]:
    """Sort key by start time: names contain the second, the host, the process and the number within the process."""
    return [int(digits) for digits in re.findall(r"[0-9]+", path.name)]


def _read(path: Path) -> JobCurves:
    from tensorboard.backend.event_processing.event_file_loader import (  # type: ignore[import-untyped]
        LegacyEventFileLoader,
    )

    points: dict[str, list[Point]] = {}
    times: dict[str, list[float]] = {}
    try:
        for event in LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    points.setdefault(value.tag, []).append((int(event.step), float(value.simple_value)))
                    times.setdefault(value.tag, []).append(float(event.wall_time))
    except (OSError, ValueError):  # the missing points show it
        pass
    return JobCurves(points, times)
