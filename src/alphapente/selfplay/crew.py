"""Who plays the games: this process alone, worker processes of one thread each, or threads that share a GPU.

All are used alike: `begin` tells what is played, `load` hands over a network, the first or a newer one, without
stopping any game, `poll` returns the games that ended, `stop` ends the work and returns the games still in play.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from alphapente.config import Config
from alphapente.errors import FailureError
from alphapente.records.model import GameRecord

STOP_WAIT_S = 20.0
"""How long a player may take to hand over its games before it is given up."""


@dataclass(frozen=True, slots=True)
class Task:
    """What every player is told: the settings, the places for games, and where its games' seeds come from."""

    config: Config
    device: str
    games_in_play: int
    run_seed: int
    series: int
    """The number of this run over its pool (`Parking.take_series`), so that runs with one seed play other games."""
    settings_id: int | None


@dataclass(frozen=True, slots=True)
class Share:
    """One player's part of a task: who he is, how many games he begins at most, and the games he goes on with."""

    player: int
    quota: int | None
    carried_over: Sequence[bytes]


Counts = tuple[int, int, int]
"""(simulations of finished searches, evaluations, games in play)"""

Answer = tuple[Literal["games", "parked", "failed"], Any, Counts]
"""What a player sends: games that ended; the games still in play, its last answer; or why it failed, and these."""


class Crew(Protocol):
    """The players of a generation."""

    @property
    def simulations(self) -> int:
        """Simulations of all searches that are finished."""

    @property
    def evaluations(self) -> int:
        """Positions that the network has looked at."""

    @property
    def num_in_play(self) -> int:
        """Games that have begun and are not over."""

    @property
    def losses(self) -> list[str]:
        """Which players returned no games at the stop, and why: the games that they began are lost."""

    def begin(self, task: Task, games: int | None, carried_over: Sequence[bytes]) -> None:
        """Tells what is played: so many games at most, first those of `carried_over`."""

    def load(self, network: Any, step: int) -> None:
        """Plays on with this network (`network.load` prepared it), trained for `step` steps. Raises FailureError."""

    def poll(self, timeout_s: float) -> list[GameRecord]:
        """Games that ended since the last call; waits for one as long as `timeout_s`. Raises FailureError."""

    def abandon(self) -> None:
        """Ends the work at once; the games in play are lost. Nothing happens where it has ended."""

    def stop(self) -> tuple[list[GameRecord], list[bytes]]:
        """Ends the work; returns the games that ended meanwhile, and those still in play, packed."""


def shares(count: int, games: int | None, carried_over: Sequence[bytes]) -> list[Share]:
    """The parts of `count` players."""
    return [
        Share(
            player,
            None if games is None else games // count + (player < games % count),
            list(carried_over[player::count]),
        )
        for player in range(count)
    ]


def seeds_of(task: Task, worker: int, quota: int | None) -> Callable[[], int | None]:
    """The seeds of a player's games one after another; None once `quota` games have begun."""
    begun = 0

    def next_seed() -> int | None:
        nonlocal begun
        if quota is not None and begun >= quota:
            return None
        sequence = np.random.SeedSequence(task.run_seed, spawn_key=(task.series, worker, begun))
        begun += 1
        return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))

    return next_seed


class Team:
    """What the players of a crew have told so far."""

    def __init__(self, count: int, title: str) -> None:
        """`title` is what a player is called: "worker", "thread"."""
        self._title = title
        self._counts: list[Counts] = [(0, 0, 0)] * count
        self._parked: list[bytes] = []
        self._ended: set[int] = set()
        self.losses: list[str] = []
        """See Crew."""

    @property
    def simulations(self) -> int:
        """Simulations of all searches that are finished."""
        return sum(counts[0] for counts in self._counts)

    @property
    def evaluations(self) -> int:
        """Positions that the network has looked at."""
        return sum(counts[1] for counts in self._counts)

    @property
    def num_in_play(self) -> int:
        """Games that have begun and are not over."""
        return sum(counts[2] for counts in self._counts)

    def _take(self, player: int, answer: Answer) -> list[GameRecord]:
        """The games in an answer. Raises FailureError for a player who cannot go on."""
        kind, content, counts = answer
        if kind == "failed":
            text, parked = content
            self._ended.add(player)
            self._parked += parked
            raise FailureError(f"self-play {self._title} {player + 1} failed: {text}")
        self._counts[player] = counts
        if kind == "parked":
            self._ended.add(player)
            self._parked += content
            return []
        games: list[GameRecord] = content
        return games

    def _lose_silent(self, players: Iterable[int]) -> None:
        """Notes the players that did not answer in time at a stop."""
        self.losses += [
            f"self-play {self._title} {player + 1} did not answer for {STOP_WAIT_S:.0f} s: "
            "the games that it began are lost"
            for player in players
        ]
