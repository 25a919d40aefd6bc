"""The games of a match in the database: those stored before, and each pair of games when it ends.

A match is identified by its players, variant, board size, seed, purpose and plan. The seed decides the opening and the
colours of each game, so a stored game belongs to a match if it begins as planned. An interrupted match is therefore
resumed by playing the missing games, and a longer match begins with the games of a shorter one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

from alphapente.arena.matches.games import GameStart, PlayedGame
from alphapente.records.model import Match, MatchGame

if TYPE_CHECKING:
    from alphapente.records.store import Store


class StoredMatch:
    """A match in the database, opened before its first move is played.

    `match` describes it (its games are ignored), `starts` are those of `plan_games`. Raises DatabaseError if the
    database cannot be written.
    """

    def __init__(self, store: "Store", match: Match, starts: Sequence[GameStart]) -> None:
        self._store = store
        self._match = match
        self._starts = starts
        self._id: int | None = None
        games: dict[int, PlayedGame] = {}
        for match_id, stored in store.begin_match(match).items():
            if self._is_same(stored):
                self._id = match_id if self._id is None else self._id
                games = {game.number: _played(game) for game in stored if game.number < len(starts)} | games
        self.games = {index: games[index] for index in sorted(games) if index ^ 1 in games}
        """The planned games that are stored, by index; only whole pairs."""

    def add(self, games: Mapping[int, PlayedGame]) -> None:
        """Stores finished games by their index in the match, in one transaction. Raises DatabaseError.

        A game that another process of the same match has stored is not replaced.
        """
        match = replace(self._match, games=tuple(_row(index, game) for index, game in games.items()))
        if self._id is None:
            self._id = self._store.join_match(match, self._is_same)
        else:
            self._store.add_match(match, self._id)

    def _is_same(self, stored: Sequence[MatchGame]) -> bool:
        """Whether the games of a stored match begin as planned here; False if none is planned."""
        planned = [game for game in stored if game.number < len(self._starts)]
        return bool(planned) and all(_begins(game, self._starts[game.number]) for game in planned)


def _begins(game: MatchGame, start: GameStart) -> bool:
    return game.first == start.first and game.moves[: game.opening_plies] == start.opening


def _played(game: MatchGame) -> PlayedGame:
    return PlayedGame(game.first, game.moves, game.opening_plies, game.winner, game.won_by)


def _row(index: int, game: PlayedGame) -> MatchGame:
    first = cast(Literal["a", "b"], game.first)
    return MatchGame(first, game.moves, game.opening_plies, game.winner, game.won_by, index)
