"""The interface of worker pools, what their workers receive and send, and the reports kept of each worker.

There are three pools: `InProcess` (this process), `ProcessPool` (processes of one thread each) and `ThreadPool`
(threads that share a GPU). All are used alike: `begin` sets the task, `load` sends a network (the first or a newer
one) without stopping any game, `poll` returns the games that ended, and `stop` ends the work and returns the games
still in play.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np

from alphapente.config import Config
from alphapente.errors import FailureError
from alphapente.records.model import GameRecord

if TYPE_CHECKING:
    from alphapente.network.load import PlayableNetwork

STOP_WAIT_S = 20.0
"""How long a stop waits for a worker to return its games."""


@dataclass(frozen=True, slots=True)
class Task:
    """What all workers receive: the settings, the number of games in play, and the source of the games' seeds."""

    config: Config
    device: str
    """That of its networks: workers load its library before the first network arrives."""
    games_in_play: int
    run_seed: int
    series: int
    """The number of this run over its pool of records (`Parking.take_series`): runs with one seed play other games."""
    settings_id: int | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """One worker's part of a task: its number, how many games it begins at most, and the games it continues."""

    worker: int
    quota: int | None
    carried_over: Sequence[bytes]


SHOWN_GAMES = 8


class Counts(NamedTuple):
    """A worker's progress."""

    simulations: int = 0
    """Of finished searches."""
    evaluations: int = 0
    in_play: int = 0
    shown: tuple[tuple[int, list[int]], ...] = ()
    """The first SHOWN_GAMES games in play: the seed and the moves of each."""


Message = tuple[Literal["games", "parked", "failed"], Any, Counts]
"""What a worker sends.

"games": games that ended. "parked": the games still in play; the worker's last message. "failed": the reason and the
games still in play; also the last one.
"""


class WorkerPool(Protocol):
    """The workers of a generation."""

    @property
    def counts(self) -> Counts:
        """The progress of all workers together."""

    @property
    def losses(self) -> list[str]:
        """The workers that returned no games at the stop, and why: the games that they began are lost."""

    def begin(self, task: Task, games: int | None, carried_over: Sequence[bytes]) -> None:
        """Sets the task: at most `games` games, those of `carried_over` first."""

    def load(self, network: "PlayableNetwork") -> None:
        """Switches to this network. Raises FailureError."""

    def poll(self, timeout_s: float) -> list[GameRecord]:
        """Games that ended since the last call; waits up to `timeout_s` for one. Raises FailureError."""

    def abandon(self) -> None:
        """Ends the work at once; the games in play are lost. Does nothing if the work has ended."""

    def stop(self) -> tuple[list[GameRecord], list[bytes]]:
        """Ends the work; returns the games that ended meanwhile, and those still in play, packed."""


def assignments(count: int, games: int | None, carried_over: Sequence[bytes]) -> list[Assignment]:
    """Divides games among `count` workers."""
    return [
        Assignment(
            worker,
            None if games is None else games // count + (worker < games % count),
            list(carried_over[worker::count]),
        )
        for worker in range(count)
    ]


def seeds_of(task: Task, worker: int, quota: int | None) -> Callable[[], int | None]:
    """A function that returns the seed of a worker's next game, or None once `quota` games have begun."""
    begun = 0

    def next_seed() -> int | None:
        nonlocal begun
        if quota is not None and begun >= quota:
            return None
        sequence = np.random.SeedSequence(task.run_seed, spawn_key=(task.series, worker, begun))
        begun += 1
        return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))

    return next_seed


class PoolReports:
    """What the workers of a pool have reported so far."""

    def __init__(self, count: int, title: str) -> None:
        """`title` names a worker in messages: "worker", "thread"."""
        self._title = title
        self._counts = [Counts()] * count
        self._parked: list[bytes] = []
        self._ended: set[int] = set()
        self.losses: list[str] = []
        """See WorkerPool."""

    @property
    def counts(self) -> Counts:
        """See WorkerPool; it shows games of the first worker."""
        return Counts(
            sum(counts.simulations for counts in self._counts),
            sum(counts.evaluations for counts in self._counts),
            sum(counts.in_play for counts in self._counts),
            self._counts[0].shown,
        )

    def _take(self, worker: int, message: Message) -> list[GameRecord]:
        """Returns the games in a message. Raises FailureError if the worker failed."""
        kind, content, counts = message
        if kind == "failed":
            text, parked = content
            self._ended.add(worker)
            self._parked += parked
            raise FailureError(f"self-play {self._title} {worker + 1} failed: {text}")
        self._counts[worker] = counts
        if kind == "parked":
            self._ended.add(worker)
            self._parked += content
            return []
        games: list[GameRecord] = content
        return games

    def _report_missing(self, workers: Iterable[int]) -> None:
        """Adds to `losses` the workers that did not answer in time at a stop."""
        self.losses += [
            f"self-play {self._title} {worker + 1} did not answer for {STOP_WAIT_S:.0f} s: "
            "the games that it began are lost"
            for worker in workers
        ]
