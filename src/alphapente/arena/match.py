"""A match between two players: varied openings, each played with both colours, many games side by side."""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from alphapente.arena.openings import distinct_openings
from alphapente.arena.players import Player
from alphapente.errors import RequestError
from alphapente.rules.kernels import is_legal, play
from alphapente.rules.notation import point_name
from alphapente.rules.position import DRAW, IN_PLAY, WON_BY, Position, new_positions

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
class PlayedGame:
    """One finished game: who was player 1 ("a" or "b"), its moves as points, who won (1, 2, 0: a draw) and how."""

    first: str
    moves: tuple[int, ...]
    opening_plies: int
    winner: int
    won_by: str


@dataclass(frozen=True, slots=True)
class MatchReport:
    """What a match showed, as player A sees it. `won_by_a`, `won_by_b`: wins by "five" and by "captures"."""

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
    distinct_games: int
    mean_plies: float
    elapsed_s: float
    games: tuple[PlayedGame, ...] = field(repr=False)


@dataclass(slots=True)
class _Game:
    index: int
    first: str
    opening_plies: int
    moves: list[int]
    position: Position
    rng: np.random.Generator


def wilson_interval(score: float, games: int, z: float = CONFIDENCE_Z) -> tuple[float, float]:
    """The interval that holds the true score with the confidence of `z` (Wilson 1927); (0, 1) without games."""
    if games == 0:
        return 0.0, 1.0
    centre = score + z * z / (2 * games)
    spread = z * math.sqrt(score * (1 - score) / games + z * z / (4 * games * games))
    scale = 1 + z * z / games
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def play_match(
    player_a: Player,
    player_b: Player,
    num_games: int,
    *,
    variant: str = "pente",
    size: int = 19,
    seed: int = 0,
    opening_plies: tuple[int, int] = (2, 6),
    on_game_fn: Callable[[int, Tally], None] | None = None,
) -> MatchReport:
    """Plays `num_games` (even: each opening twice, colours swapped) and reports them.

    `on_game_fn` hears the number of finished games and A's tally after each. The same seed and players give the same
    match. Raises RequestError for an odd or non-positive number of games, an unknown variant or size, or openings
    that are not to be had; and for a player that answers an illegal point.
    """
    if num_games <= 0 or num_games % 2:
        raise RequestError(f"{num_games} games: choose an even number from 2, since each opening is played twice")
    started = time.monotonic()
    openings_seed, *game_seeds = np.random.SeedSequence(seed).spawn(num_games + 1)
    openings = distinct_openings(num_games // 2, np.random.default_rng(openings_seed), variant, size, opening_plies)
    waiting = [
        _new_game(index, openings[index // 2], variant, size, np.random.default_rng(game_seeds[index]))
        for index in reversed(range(num_games))
    ]
    at_once = 2 * min(player_a.seats, player_b.seats, num_games)
    in_play: list[_Game] = []
    finished: dict[int, PlayedGame] = {}
    tally = Tally()
    while waiting or in_play:
        while waiting and len(in_play) < at_once:
            in_play.append(waiting.pop())
        for letter, player in (("a", player_a), ("b", player_b)):
            _move(player, [game for game in in_play if _to_move(game) == letter])
            for game in in_play:
                if game.position["winner"] != IN_PLAY:
                    finished[game.index] = _played(game)
                    tally = _tally([*finished.values()])
                    if on_game_fn is not None:
                        on_game_fn(len(finished), tally)
            in_play = [game for game in in_play if game.position["winner"] == IN_PLAY]
    games = tuple(finished[index] for index in range(num_games))
    return MatchReport(
        name_a=player_a.name,
        name_b=player_b.name,
        variant=variant,
        size=size,
        seed=seed,
        total=_tally(games),
        as_first=_tally([game for game in games if game.first == "a"]),
        as_second=_tally([game for game in games if game.first == "b"]),
        won_by_a=_won_by(games, "a"),
        won_by_b=_won_by(games, "b"),
        distinct_games=len({game.moves for game in games}),
        mean_plies=sum(len(game.moves) for game in games) / num_games,
        elapsed_s=time.monotonic() - started,
        games=games,
    )


def _new_game(index: int, opening: list[int], variant: str, size: int, rng: np.random.Generator) -> _Game:
    position = new_positions(1, variant, size)[0]
    for point in opening:
        play(position, point)
    return _Game(index, "ab"[index % 2], len(opening), list(opening), position, rng)


def _to_move(game: _Game) -> str:
    return game.first if game.position["to_move"] == 1 else "b" if game.first == "a" else "a"


def _move(player: Player, games: Sequence[_Game]) -> None:
    if not games:
        return
    points = player.choose([game.position for game in games], [game.rng for game in games])
    for game, point in zip(games, points, strict=True):
        if not is_legal(game.position, point):
            raise RequestError(
                f"player {player.name} answered point {point} after "
                f"{' '.join(point_name(move, int(game.position['size'])) for move in game.moves)}: it is not legal"
            )
        play(game.position, point)
        game.moves.append(point)


def _played(game: _Game) -> PlayedGame:
    winner = int(game.position["winner"])
    return PlayedGame(
        first=game.first,
        moves=tuple(game.moves),
        opening_plies=game.opening_plies,
        winner=0 if winner == DRAW else winner,
        won_by=WON_BY[int(game.position["won_by"])],
    )


def _winner(game: PlayedGame) -> str | None:
    if game.winner == 0:
        return None
    return game.first if game.winner == 1 else "b" if game.first == "a" else "a"


def _tally(games: Sequence[PlayedGame]) -> Tally:
    counts = Counter(_winner(game) for game in games)
    return Tally(wins=counts["a"], losses=counts["b"], draws=counts[None])


def _won_by(games: Sequence[PlayedGame], letter: str) -> dict[str, int]:
    counts = Counter(game.won_by for game in games if _winner(game) == letter)
    return {"five": counts["five"], "captures": counts["captures"]}
