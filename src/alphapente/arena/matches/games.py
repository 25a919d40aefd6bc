"""Plays the games of a match in parallel, each with its own opening, random generator and clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from alphapente.arena.players.base import ChosenMove, Player, Turn
from alphapente.errors import RequestError
from alphapente.rules.kernels import is_legal, play
from alphapente.rules.notation import point_name
from alphapente.rules.position import DRAW, IN_PLAY, PLAYER_1, WON_BY, Position, new_positions

FORFEIT = "forfeit"
"""The way a game is won if the other player resigned, broke the rules, exceeded the time limit or crashed."""


@dataclass(frozen=True, slots=True)
class MoveTimes:
    """Wall time of a player's moves. Moves chosen in one batch have equal shares of its time."""

    moves: int = 0
    total_s: float = 0.0
    longest_s: float = 0.0

    @property
    def mean_s(self) -> float:
        """Seconds a move; 0 without moves."""
        return self.total_s / self.moves if self.moves else 0.0

    def plus(self, other: "MoveTimes") -> "MoveTimes":
        """The sum of both."""
        return MoveTimes(self.moves + other.moves, self.total_s + other.total_s, max(self.longest_s, other.longest_s))


@dataclass(frozen=True, slots=True)
class GameStart:
    """All that defines a game of a match, so that it can be reproduced alone.

    `index` is its number in the match from 0, `first` the side that is player 1 ("a" or "b"), `opening` the points
    played before the players choose moves.
    """

    index: int
    first: str
    opening: tuple[int, ...]
    seed: np.random.SeedSequence


@dataclass(frozen=True, slots=True)
class PlayedGame:
    """One finished game. `first` is the side that was player 1 ("a" or "b"), `moves` are points.

    `winner` is 1, 2 or DRAW. `won_by` is "five", "captures", "draw" or "forfeit"; `note` gives the reason of a forfeit.
    """

    first: str
    moves: tuple[int, ...]
    opening_plies: int
    winner: int
    won_by: str
    note: str = ""
    times_a: MoveTimes = field(default=MoveTimes(), compare=False)
    times_b: MoveTimes = field(default=MoveTimes(), compare=False)

    @property
    def won_letter(self) -> str | None:
        """The winning side, "a" or "b"; None for a draw."""
        if self.winner == DRAW:
            return None
        return self.first if self.winner == PLAYER_1 else "b" if self.first == "a" else "a"


PlayedFn = Callable[[int, PlayedGame], None]
"""Called with each finished game: its index in the match, and the game."""


@dataclass(slots=True)
class _Game:
    start: GameStart
    moves: list[int]
    position: Position
    rng: np.random.Generator
    times: dict[str, MoveTimes]
    note: str = ""

    @property
    def over(self) -> bool:
        return bool(self.note) or bool(self.position["winner"] != IN_PLAY)

    @property
    def mover(self) -> str:
        first = self.start.first
        return first if self.position["to_move"] == 1 else "b" if first == "a" else "a"


def play_games(
    player_a: Player,
    player_b: Player,
    starts: Sequence[GameStart],
    variant: str,
    size: int,
    on_played_fn: PlayedFn | None = None,
) -> list[PlayedGame]:
    """Plays the games, as many in parallel as both players accept. Returns them in the order of `starts`.

    Raises RequestError if a player of ours chooses an illegal point.
    """
    players = {"a": player_a, "b": player_b}
    at_once = min(player_a.games_at_once, player_b.games_at_once)
    waiting = [_begin(start, variant, size) for start in reversed(starts)]
    in_play: list[_Game] = []
    finished: dict[int, PlayedGame] = {}
    while waiting or in_play:
        while waiting and len(in_play) < at_once:
            in_play.append(waiting.pop())
        for letter, player in players.items():
            _move(player, letter, [game for game in in_play if game.mover == letter])
            for game in in_play:
                if game.over:
                    finished[game.start.index] = _played(game)
                    for either in players.values():
                        either.end_game(game.start.index)
                    if on_played_fn is not None:
                        on_played_fn(game.start.index, finished[game.start.index])
            in_play = [game for game in in_play if not game.over]
    return [finished[start.index] for start in starts]


def _begin(start: GameStart, variant: str, size: int) -> _Game:
    position = new_positions(1, variant, size)[0]
    for point in start.opening:
        play(position, point)
    times = {"a": MoveTimes(), "b": MoveTimes()}
    return _Game(start, list(start.opening), position, np.random.default_rng(start.seed), times)


def _move(player: Player, letter: str, games: Sequence[_Game]) -> None:
    if not games:
        return
    turns = [Turn(game.start.index, tuple(game.moves), game.position, game.rng) for game in games]
    for game, answer in zip(games, player.choose(turns), strict=True):
        elapsed_s = answer.elapsed_s
        game.times[letter] = game.times[letter].plus(MoveTimes(1, elapsed_s, elapsed_s))
        _apply(player, game, answer)


def _apply(player: Player, game: _Game, answer: ChosenMove) -> None:
    if answer.point is None:
        game.note = answer.note or "no answer"
        return
    if not is_legal(game.position, answer.point):
        raise RequestError(
            f"player {player.name} answered point {answer.point} after "
            f"{' '.join(point_name(move, int(game.position['size'])) for move in game.moves)}: it is not legal"
        )
    play(game.position, answer.point)
    game.moves.append(answer.point)


def _played(game: _Game) -> PlayedGame:
    winner, won_by = int(game.position["winner"]), WON_BY[int(game.position["won_by"])]
    if game.note:
        winner, won_by = 3 - int(game.position["to_move"]), FORFEIT
    return PlayedGame(
        first=game.start.first,
        moves=tuple(game.moves),
        opening_plies=len(game.start.opening),
        winner=winner,
        won_by=won_by,
        note=game.note,
        times_a=game.times["a"],
        times_b=game.times["b"],
    )
