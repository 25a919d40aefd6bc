"""A match between two players: varied openings, each played with both colours, many games side by side."""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from alphapente.arena.games import FORFEIT, GameStart, MoveTimes, PlayedFn, PlayedGame, play_games
from alphapente.arena.openings import match_openings
from alphapente.arena.players import Player
from alphapente.errors import RequestError

CONFIDENCE_Z = 1.96
"""Half-width of a 95% interval in standard deviations."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Wins, losses and draws of one player."""

    wins: int = 0
    losses: int = 0
    draws: int = 0

    @property
    def games(self) -> int:
        """How many games there were."""
        return self.wins + self.losses + self.draws

    @property
    def score(self) -> float:
        """Share of the points, 0 to 1, a draw being half a point; 0.5 without games."""
        return (self.wins + 0.5 * self.draws) / self.games if self.games else 0.5

    @property
    def interval(self) -> tuple[float, float]:
        """95% Wilson interval of the score."""
        return wilson_interval(self.score, self.games)


@dataclass(frozen=True, slots=True)
class MatchReport:
    """What a match showed, as player A sees it. `won_by_a`, `won_by_b`: wins by "five", "captures" and "forfeit"."""

    name_a: str
    name_b: str
    variant: str
    size: int
    seed: int
    total: Tally
    as_first: Tally
    as_second: Tally
    won_by_a: dict[str, int]
    won_by_b: dict[str, int]
    distinct_openings: int
    distinct_games: int
    mean_plies: float
    times_a: MoveTimes
    times_b: MoveTimes
    elapsed_s: float
    games: tuple[PlayedGame, ...] = field(repr=False)

    @property
    def distinct_share(self) -> float:
        """Which share of the games is different from all before it: what was played twice says nothing new."""
        return self.distinct_games / self.total.games


def wilson_interval(score: float, games: int, z: float = CONFIDENCE_Z) -> tuple[float, float]:
    """The interval that holds the true score with the confidence of `z` (Wilson 1927); (0, 1) without games."""
    if games == 0:
        return 0.0, 1.0
    centre = score + z * z / (2 * games)
    spread = z * math.sqrt(score * (1 - score) / games + z * z / (4 * games * games))
    scale = 1 + z * z / games
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def plan_games(
    num_games: int,
    *,
    variant: str = "pente",
    size: int = 19,
    seed: int = 0,
    opening_plies: tuple[int, int] | None = None,
) -> list[GameStart]:
    """The starts of a match: each opening twice, player A first and then second; each game with its own seed.

    Openings are those of `match_openings`: the committed set where there is one, unless `opening_plies` are given.
    Raises RequestError for an odd or non-positive number of games, an unknown variant or size, or openings that are
    not to be had.
    """
    if num_games <= 0 or num_games % 2:
        raise RequestError(f"{num_games} games: choose an even number from 2, since each opening is played twice")
    openings_seed, *game_seeds = np.random.SeedSequence(seed).spawn(num_games + 1)
    openings = match_openings(num_games // 2, np.random.default_rng(openings_seed), variant, size, opening_plies)
    return [
        GameStart(index, "ab"[index % 2], tuple(openings[index // 2]), game_seed)
        for index, game_seed in enumerate(game_seeds)
    ]


def play_match(
    player_a: Player,
    player_b: Player,
    num_games: int,
    *,
    variant: str = "pente",
    size: int = 19,
    seed: int = 0,
    opening_plies: tuple[int, int] | None = None,
    on_game_fn: Callable[[int, Tally], None] | None = None,
    on_played_fn: PlayedFn | None = None,
) -> MatchReport:
    """Plays `num_games` (even: each opening twice, colours swapped) and reports them.

    `on_game_fn` hears the number of finished games and A's tally after each, `on_played_fn` the game itself. The same
    seed and players give the same match, but for players by the clock and foreign engines. Raises as `plan_games`,
    and RequestError for a player of ours that answers an illegal point.
    """
    started = time.monotonic()
    starts = plan_games(num_games, variant=variant, size=size, seed=seed, opening_plies=opening_plies)
    finished: list[PlayedGame] = []

    def hear(index: int, game: PlayedGame) -> None:
        finished.append(game)
        if on_game_fn is not None:
            on_game_fn(len(finished), tally(finished))
        if on_played_fn is not None:
            on_played_fn(index, game)

    games = play_games(player_a, player_b, starts, variant, size, hear)
    return report_on((player_a.name, player_b.name), games, (variant, size), seed, started)


def report_on(
    names: tuple[str, str], games: Sequence[PlayedGame], rules: tuple[str, int], seed: int, started: float
) -> MatchReport:
    """The report of a match's games; `rules` are variant and board size, `started` is time.monotonic() at its start."""
    return MatchReport(
        name_a=names[0],
        name_b=names[1],
        variant=rules[0],
        size=rules[1],
        seed=seed,
        total=tally(games),
        as_first=tally([game for game in games if game.first == "a"]),
        as_second=tally([game for game in games if game.first == "b"]),
        won_by_a=_won_by(games, "a"),
        won_by_b=_won_by(games, "b"),
        distinct_openings=len({game.moves[: game.opening_plies] for game in games}),
        distinct_games=len({game.moves for game in games}),
        mean_plies=sum(len(game.moves) for game in games) / len(games),
        times_a=reduce(MoveTimes.plus, (game.times_a for game in games)),
        times_b=reduce(MoveTimes.plus, (game.times_b for game in games)),
        elapsed_s=time.monotonic() - started,
        games=tuple(games),
    )


def tally(games: Sequence[PlayedGame]) -> Tally:
    """The games as player A sees them."""
    counts = Counter(game.won_letter for game in games)
    return Tally(wins=counts["a"], losses=counts["b"], draws=counts[None])


def _won_by(games: Sequence[PlayedGame], letter: str) -> dict[str, int]:
    counts = Counter(game.won_by for game in games if game.won_letter == letter)
    return {way: counts[way] for way in ("five", "captures", FORFEIT)}
