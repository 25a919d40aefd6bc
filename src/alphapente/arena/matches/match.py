"""A match between two players: varied openings, each played with both colours, many games in parallel."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np

from alphapente.arena.confidence import wilson_interval
from alphapente.arena.matches.games import FORFEIT, GameStart, MoveTimes, PlayedFn, PlayedGame, play_games
from alphapente.arena.matches.openings import match_openings
from alphapente.arena.players.base import Player, StoppablePlayer, StoppedError
from alphapente.errors import RequestError

MOST_GAMES = 1_000_000


@dataclass(frozen=True, slots=True)
class Tally:
    """Wins, losses and draws of one player."""

    wins: int = 0
    losses: int = 0
    draws: int = 0

    @property
    def games(self) -> int:
        """Number of games."""
        return self.wins + self.losses + self.draws

    @property
    def score(self) -> float:
        """Share of the points, 0 to 1. A draw is half a point; 0.5 without games."""
        return (self.wins + 0.5 * self.draws) / self.games if self.games else 0.5

    @property
    def interval(self) -> tuple[float, float]:
        """95% Wilson interval of the score."""
        return wilson_interval(self.score, self.games)


@dataclass(frozen=True, slots=True)
class MatchReport:
    """The result of a match, from the view of player A. `won_by_*`: wins by "five", "captures" and "forfeit"."""

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
    known_games: int = 0
    """Number of `games` that were played before. `times_a` and `times_b` do not include them."""

    @property
    def distinct_share(self) -> float:
        """Share of the games that differ from all earlier ones: a repeated game adds no information."""
        return self.distinct_games / max(self.total.games, 1)


def _ignore(*_: Any) -> None:
    pass


@dataclass(frozen=True, slots=True)
class MatchHooks:
    """Callbacks of a match, and the games that are known before it.

    Attributes:
        known: games that were played before, by their index in the match; whole pairs. They are not played again.
        on_played_fn: is called with the index of each finished game and the game.
        on_pair_fn: is called with each opening's two games, by their index, once both are finished.
        on_game_fn: is called after each game with the number of finished games, known ones included, and A's tally.
        stop: ends the match when it returns True; it is called before each move.
    """

    known: Mapping[int, PlayedGame] = field(default_factory=dict)
    on_played_fn: PlayedFn = _ignore
    on_pair_fn: Callable[[Mapping[int, PlayedGame]], None] = _ignore
    on_game_fn: Callable[[int, Tally], None] = _ignore
    stop: Callable[[], bool] = lambda: False


NO_HOOKS = MatchHooks()


def plan_games(
    num_games: int,
    *,
    variant: str = "pente",
    size: int = 19,
    seed: int = 0,
    opening_plies: tuple[int, int] | None = None,
) -> list[GameStart]:
    """The starts of a match: each opening twice, player A first and then second; each game with its own seed.

    A longer match of the same seed and openings begins with the games of the shorter one. Openings are those of
    `match_openings`: the committed set where there is one, unless `opening_plies` are given.
    Raises RequestError for an odd number of games, one below 2 or above MOST_GAMES, an unknown variant or size, or
    openings that cannot be found.
    """
    if num_games <= 0 or num_games % 2:
        raise RequestError(f"{num_games} games: choose an even number from 2, since each opening is played twice")
    if num_games > MOST_GAMES:
        raise RequestError(f"{num_games} games: choose at most {MOST_GAMES}")
    openings_seed, *game_seeds = np.random.SeedSequence(seed).spawn(num_games + 1)
    openings = match_openings(num_games // 2, np.random.default_rng(openings_seed), variant, size, opening_plies)
    return [
        GameStart(index, "ab"[index % 2], tuple(openings[index // 2]), game_seed)
        for index, game_seed in enumerate(game_seeds)
    ]


def play_planned(
    player_a: Player,
    player_b: Player,
    starts: Sequence[GameStart],
    rules: tuple[str, int],
    seed: int,
    hooks: MatchHooks,
) -> MatchReport:
    """Plays the games of `plan_games` that are not in `hooks.known`; `rules` are variant and board size.

    The same seed and players give the same match, except for players with a time limit and external engines. The
    report includes the known games. If `hooks.stop` ended the match, it includes all pairs finished by then.
    Raises RequestError if a player of ours chooses an illegal point.
    """
    started = time.monotonic()
    games = {start.index: hooks.known[start.index] for start in starts if start.index in hooks.known}
    known, counts = len(games), Counter(game.won_letter for game in games.values())

    def add(index: int, game: PlayedGame) -> None:
        games[index] = game
        counts[game.won_letter] += 1
        hooks.on_played_fn(index, game)
        if index ^ 1 in games:
            hooks.on_pair_fn({number: games[number] for number in sorted((index, index ^ 1))})
        hooks.on_game_fn(len(games), _tally_of(counts))

    players = StoppablePlayer(player_a, hooks.stop), StoppablePlayer(player_b, hooks.stop)
    with contextlib.suppress(StoppedError):
        play_games(*players, [start for start in starts if start.index not in games], *rules, add)
    pairs = [games[index] for index in sorted(games) if index ^ 1 in games]
    return replace(report_on((player_a.name, player_b.name), pairs, rules, seed, started), known_games=known)


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
        mean_plies=sum(len(game.moves) for game in games) / max(len(games), 1),
        times_a=reduce(MoveTimes.plus, (game.times_a for game in games), MoveTimes()),
        times_b=reduce(MoveTimes.plus, (game.times_b for game in games), MoveTimes()),
        elapsed_s=time.monotonic() - started,
        games=tuple(games),
    )


def tally(games: Sequence[PlayedGame]) -> Tally:
    """The games from the view of player A."""
    return _tally_of(Counter(game.won_letter for game in games))


def _tally_of(counts: Counter[str | None]) -> Tally:
    return Tally(wins=counts["a"], losses=counts["b"], draws=counts[None])


def _won_by(games: Sequence[PlayedGame], letter: str) -> dict[str, int]:
    counts = Counter(game.won_by for game in games if game.won_letter == letter)
    return {way: counts[way] for way in ("five", "captures", FORFEIT)}
