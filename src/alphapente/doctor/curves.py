"""The numbers that self-play and training wrote for TensorBoard, read back: evidence of how past jobs went."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alphapente.files import StrPath

NEWEST_FILES = 60
"""Of each kind of job, so many of the newest are read."""

Point = tuple[int, float]
"""(step, value)."""


@dataclass(frozen=True, slots=True)
class JobCurves:
    """What one job (a generation, a training) wrote: by tag its points in the order of writing."""

    points: Mapping[str, Sequence[Point]]
    times: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """When each of them was written, in seconds since 1970."""

    def values(self, tag: str) -> list[float]:
        """The values under a tag; none where it was not written."""
        return [value for _, value in self.points.get(tag, ())]


KnownJobs = dict[Path, tuple[int, JobCurves]]
"""What was read from which file, and how many bytes it had."""


def read_jobs(log_dir: StrPath, name: str, known: KnownJobs | None = None) -> list[JobCurves]:
    """The newest jobs of a name ("generation", "training-simple") that wrote curves, oldest first.

    Each job writes a file of its own. A file that is damaged or still being written counts as far as it can be read.
    Whoever reads again and again keeps `known` in between: only files that have grown are read anew.
    """
    files = sorted((Path(log_dir) / "tensorboard" / name).glob("events.out.tfevents.*"), key=_begun)[-NEWEST_FILES:]
    known = {} if known is None else known
    for path in known.keys() - files:
        del known[path]
    for path in files:
        size = size_of(path)
        if path not in known or known[path][0] != size:
            known[path] = size, _read(path)
    return [job for _, job in (known[path] for path in files) if job.points]


def size_of(path: Path) -> int:
    """Bytes of a file; 0 for one that was deleted meanwhile."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _begun(path: Path) -> list[int]:
    """Sorts files by when they were begun: named by the second, the host, the process and its how-manieth it is."""
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
    except (OSError, ValueError):  # told by what is missing
        pass
    return JobCurves(points, times)
