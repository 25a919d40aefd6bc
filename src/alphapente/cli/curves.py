"""Writes curves for TensorBoard from the events of self-play and training."""

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
from alphapente.errors import AlphaPenteError
from alphapente.events import EpochReport, Event, GenerationProgress, GenerationSummary, Lost, ReportFn

_INTERVAL_S = 30.0
"""Least time between two points of self-play's curves, and between two writes to disk."""


class Curves:
    """Writes the numbers of a job's events under `log_dir`/tensorboard; a context manager.

    The step of self-play is the pool's number of records, that of training the network's step. If the disk or the
    database fails, the curves end, `report` gets a Lost event, and the job continues.
    """

    def __init__(self, config: Config, report: ReportFn = lambda _event: None) -> None:
        self._config = config
        self._report = report
        self._folder = config.pipeline.log_folder / "tensorboard"
        self._points: list[tuple[str, str, int, float, float]] = []
        self._writers: dict[str, EventFile] = {}
        self._written_at = time.monotonic()
        self._games = _GameCurves(config)
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
        except (OSError, AlphaPenteError) as error:
            self._broken = True
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self._report(Lost(f"the curves in {self._folder}", reason))

    def _handle(self, event: Event) -> None:
        now = time.monotonic()
        if isinstance(event, EpochReport):
            self._add(f"training-{self._config.training.model_type}", event.step, _epoch_values(event))
        elif isinstance(event, GenerationProgress):
            self._games.begin()
            if now - self._written_at < _INTERVAL_S:
                return
            self._add_generation(_rates(event.records_per_s, event.simulations_per_s, event.evaluations_per_s))
        elif isinstance(event, GenerationSummary):
            self._games.begin()
            elapsed = max(event.elapsed_s, 1e-9)
            self._add_generation(
                _rates(event.records / elapsed, event.simulations / elapsed, event.evaluations / elapsed)
            )
        if now - self._written_at >= _INTERVAL_S:
            self._write()

    def _add_generation(self, rates: dict[str, float]) -> None:
        records, values = self._games.since_last()
        self._add("generation", records, rates | values)

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
        self._games.close()


def subscriber(config: Config, report: ReportFn) -> Curves:
    """The writer of a job's curves."""
    return Curves(config, report)


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


def _rates(records_per_s: float, simulations_per_s: float, evaluations_per_s: float) -> dict[str, float]:
    return {
        "rate/records_per_s": records_per_s,
        "rate/simulations_per_s": simulations_per_s,
        "rate/evaluations_per_s": evaluations_per_s,
    }


class _GameCurves:
    """Statistics of the pool's games since the last call: number, length, winners, kinds of win."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._store: Any = None
        self._before: dict[str, float] = {}

    def begin(self) -> None:
        """Reads the initial counts, at a generation's first event."""
        if self._store is None:
            from alphapente.records.store import Store

            self._store = Store(self._config.records.database, self._config.records.busy_timeout_s)
            self._before = self._counts()

    def since_last(self) -> tuple[int, dict[str, float]]:
        """(number of the pool's records, values of the games since the last call)."""
        now = self._counts()
        new = {name: count - self._before.get(name, 0) for name, count in now.items()}
        values = {"records": now["records"], "games": now["games"]}
        games = new.pop("games")
        if games > 0:
            values["games/plies"] = new.pop("plies") / games
            values |= {name: count / games for name, count in new.items() if name.startswith("won_by")}
        self._before = now
        return int(now["records"]), values

    def _counts(self) -> dict[str, float]:
        game = self._config.game
        for pool in self._store.stats().pools:
            if (pool.variant, pool.board_size) == (game.variant, game.board_size):
                players = {"1": "player_1", "2": "player_2", "draw": "nobody"}
                return {
                    "records": pool.records,
                    "games": pool.games,
                    "plies": pool.mean_plies * pool.games,
                    **{f"won_by/{name}": pool.wins_by_player.get(key, 0) for key, name in players.items()},
                    **{f"won_by/{kind}": pool.won_by.get(kind, 0) for kind in ("five", "captures", "draw")},
                }
        return {"records": 0.0, "games": 0.0, "plies": 0.0}

    def close(self) -> None:
        """Closes the database."""
        if self._store is not None:
            self._store.close()
