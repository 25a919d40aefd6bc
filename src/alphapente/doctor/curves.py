"""The numbers that self-play and training wrote for TensorBoard, read back: evidence of how past jobs went."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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


def read_jobs(log_dir: Path, name: str) -> list[JobCurves]:
    """The newest jobs of a name ("generation", "training-simple") that wrote curves, oldest first.

    Each job writes a file of its own. A file that is damaged or still being written counts as far as it can be read.
    """
    files = sorted((log_dir / "tensorboard" / name).glob("events.out.tfevents.*"), key=_begun)
    jobs = [_read(path) for path in files[-NEWEST_FILES:]]
    return [job for job in jobs if job.points]


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
