"""Writes curves for TensorBoard from the events of self-play and training. Nothing in AlphaPente reads them."""

import contextlib
import itertools
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from alphapente.config import Config
from alphapente.events import EpochReport, Event, GenerationProgress, GenerationSummary, Lost, ReportFn

_INTERVAL_S = 30.0
"""Least time between two points of self-play's curves, and between two writes to disk."""


class Curves:
    """Writes the numbers of a job's events under `log_dir`/tensorboard; a context manager.

    The step of self-play is the pool's number of records, that of training the network's step. If the disk fails, the
    curves end, `report` gets a Lost event, and the job continues.
    """

    def __init__(self, config: Config, report: ReportFn = lambda _event: None) -> None:
        self._config = config
        self._report = report
        self._folder = config.pipeline.log_folder / "tensorboard"
        self._points: list[tuple[str, str, int, float, float]] = []
        self._writers: dict[str, EventFile] = {}
        self._written_at = time.monotonic()
        self._pool: dict[str, int] = {}
        self._broken = False

    def __call__(self, event: Event) -> None:
        """Handles an event."""
        if not self._broken:
            with self._end_on_error():
                self._handle(event)

    @contextlib.contextmanager
    def _end_on_error(self) -> Iterator[None]:
        """Ends the curves, and reports it, if the block fails."""
        try:
            yield
        except OSError as error:
            self._broken = True
            self._report(Lost(f"the curves in {self._folder}", error.strerror or str(error)))

    def _handle(self, event: Event) -> None:
        now = time.monotonic()
        if isinstance(event, EpochReport):
            self._add(f"training-{self._config.training.model_type}", event.step, _epoch_values(event))
        elif isinstance(event, GenerationProgress | GenerationSummary):
            self._pool = self._pool or event.pool
            if isinstance(event, GenerationSummary) or now - self._written_at >= _INTERVAL_S:
                self._add_generation(event)
        if now - self._written_at >= _INTERVAL_S:
            self._write()

    def _add_generation(self, event: GenerationProgress | GenerationSummary) -> None:
        """Adds the rates, the pool's counts, and the means of the games since the last point."""
        pool = event.pool
        new = {name: count - self._pool.get(name, 0) for name, count in pool.items()}
        values = {name: float(pool.get(name, 0)) for name in ("records", "games")}
        for name in ("records_per_s", "simulations_per_s", "evaluations_per_s"):
            values[f"rate/{name}"] = getattr(event, name)
        if games := new.get("games", 0):
            values["games/plies"] = new["plies"] / games
            values |= {name: count / games for name, count in new.items() if name.startswith("won_by/")}
        self._pool = pool
        self._add("generation", pool.get("records", 0), values)

    def _add(self, curve_set: str, step: int, values: dict[str, float]) -> None:
        now = time.time()
        self._points += [(curve_set, tag, step, value, now) for tag, value in values.items()]

    def _write(self) -> None:
        """Writes the collected points. Imports TensorBoard only if there are any."""
        self._written_at = time.monotonic()
        if not self._points:
            return
        from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]

        for curve_set, tag, step, number, when in self._points:
            if curve_set not in self._writers:
                self._writers[curve_set] = EventFile(self._folder / curve_set)
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=number)])
            self._writers[curve_set].add(step=step, wall_time=when, summary=summary)
        self._points.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._broken:
            with self._end_on_error():
                self._write()
        for writer in self._writers.values():
            writer.close()


class EventFile:
    """A new file of TensorBoard events. TensorBoard's own writer has a thread whose errors cannot be caught."""

    _made = itertools.count()

    def __init__(self, folder: Path) -> None:
        """Creates the file. Raises OSError, as `add` does."""
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now):010d}.{socket.gethostname()}.{os.getpid()}.{next(self._made)}"
        self._file = (folder / name).open("xb", buffering=0)
        self.add(wall_time=now, file_version="brain.Event:2")

    def add(self, **values: Any) -> None:
        """Writes a TensorBoard event with these fields."""
        from tensorboard.compat.proto.event_pb2 import Event as Entry  # type: ignore[import-untyped]
        from tensorboard.summary.writer.record_writer import RecordWriter  # type: ignore[import-untyped]

        RecordWriter(self._file).write(Entry(**values).SerializeToString())

    def close(self) -> None:
        """Closes the file."""
        with contextlib.suppress(OSError):
            self._file.close()


def _epoch_values(event: EpochReport) -> dict[str, float]:
    held_out = {
        "validation/policy": event.validation_policy_loss,
        "validation/value": event.validation_value_loss,
        "validation/calibration_error": event.calibration_error,
    }
    values = {name: value for name, value in held_out.items() if value is not None}
    values |= {f"loss/{name}": loss for name, loss in event.auxiliary.items()}
    return values | {
        "loss/policy": event.policy_loss,
        "loss/value": event.value_loss,
        "loss/total": event.total_loss,
        "policy_entropy": event.policy_entropy,
        "value_error": event.value_error,
        "learning_rate": event.learning_rate,
        "rate/samples_per_s": event.samples_per_s,
    }
