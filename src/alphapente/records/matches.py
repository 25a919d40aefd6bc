"""Stores matches with their players and all games, so that every published figure can be computed again."""

import time
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select

from alphapente.errors import FailureError, RequestError
from alphapente.records import codec
from alphapente.records.connect import DatabaseError
from alphapente.records.model import Match, MatchGame, PlayerIdentity
from alphapente.records.schema import MATCH_GAMES, MATCHES, PLAYERS
from alphapente.records.writing import insert_new, refuse_impossible
from alphapente.rules.position import WINNER_NAMES

_SIDES: tuple[Literal["a", "b"], ...] = ("a", "b")
_PLAIN = ("variant", "board_size", "seed", "purpose", "settings_id")
_IDENTITY = ("name", "kind", "digest", "settings")
"""The columns that identify a player; the others depend on them."""


def refuse_impossible_match(match: Match) -> None:
    """Raises RequestError for a match that cannot be stored."""
    for game in match.games:
        refuse_impossible(match.variant, match.board_size, game.moves, "five")
        if not 0 <= game.opening_plies <= len(game.moves):
            raise RequestError(
                f"a game of a match has {game.opening_plies} plies of opening: allowed are 0 to its {len(game.moves)}"
            )
        if game.winner not in WINNER_NAMES or game.first not in _SIDES:
            raise RequestError(
                f"a game of a match is started by 'a' or 'b' and won by 1, 2 or 0, not {game.first!r} and {game.winner}"
            )
    if not match.games:
        raise RequestError("a match without games is not stored")
    if not -(2**63) <= match.seed < 2**63:
        raise RequestError(f"the match's seed is {match.seed}: allowed are signed 64-bit integers")


def insert_match(connection: Connection, match: Match, match_id: int | None = None) -> int:
    """Adds a match, and players that are new; with `match_id` adds games to that match. Returns the match's id.

    Games without a number are numbered by their place. Where the match has a game of that number, the stored one stays.
    """
    if match_id is None:
        row = {name: getattr(match, name) for name in _PLAIN}
        row |= {"created_at": int(time.time())}
        row |= {side: _player_id(connection, getattr(match, side)) for side in ("player_a", "player_b")}
        inserted = connection.execute(insert(MATCHES), row).inserted_primary_key
        assert inserted is not None
        match_id = int(inserted[0])
    connection.execute(
        insert_new(connection, MATCH_GAMES),
        [
            {
                "match_id": match_id,
                "number": place if game.number < 0 else game.number,
                "first": _SIDES.index(game.first) + 1,
                "opening_plies": game.opening_plies,
                "moves": codec.pack_plies(game.moves),
                "winner": game.winner,
                "won_by": game.won_by,
            }
            for place, game in enumerate(match.games)
        ],
    )
    return match_id


def find_games(connection: Connection, match: Match, name: str) -> dict[int, list[MatchGame]]:
    """Returns the stored games of each match with the same players, rules, seed and purpose, by match id.

    Adds players that are new. The connection must be a writing one, so this also tests whether the database can be
    written. Raises DatabaseError for rows that cannot be read.
    """
    equal = {key: getattr(match, key) for key in ("variant", "board_size", "seed", "purpose")}
    equal |= {side: _player_id(connection, getattr(match, side)) for side in ("player_a", "player_b")}
    query = select(MATCHES.c.id).where(*(MATCHES.c[key] == value for key, value in equal.items()))
    games: dict[int, list[MatchGame]] = {
        int(key): [] for key in connection.execute(query.order_by(MATCHES.c.id)).scalars()
    }
    wanted = select(MATCH_GAMES).where(MATCH_GAMES.c.match_id.in_(games)).order_by(MATCH_GAMES.c.number)
    for row in connection.execute(wanted):
        games[row.match_id].append(_stored_game(row, name))
    return games


def _player_id(connection: Connection, player: PlayerIdentity) -> int:
    values = {name: getattr(player, name) for name in PlayerIdentity.__slots__}
    find = select(PLAYERS.c.id).where(*(PLAYERS.c[name] == values[name] for name in _IDENTITY))
    found = connection.execute(find).scalar()
    if found is None:
        connection.execute(insert_new(connection, PLAYERS), values)
        found = connection.execute(find).scalar_one()
    return int(found)


def read_matches(connection: Connection, variant: str | None, size: int | None, name: str) -> list[Match]:
    """Returns the matches of a variant and board size (None: all). Raises DatabaseError for unreadable rows."""
    query = select(MATCHES).order_by(MATCHES.c.id)
    if variant is not None:
        query = query.where(MATCHES.c.variant == variant)
    if size is not None:
        query = query.where(MATCHES.c.board_size == size)
    matches = connection.execute(query).all()
    players = {row.id: _identity(row) for row in connection.execute(select(PLAYERS)).all()}
    for row in matches:
        if not {row.player_a, row.player_b} <= players.keys():
            raise DatabaseError(
                f"{name} is damaged: row {row.id} of matches is between players {row.player_a} and {row.player_b}, and "
                "the table players lacks one of them; restore a copy, or delete that match"
            )
    games: dict[int, list[MatchGame]] = {row.id: [] for row in matches}
    wanted = select(MATCH_GAMES).order_by(MATCH_GAMES.c.match_id, MATCH_GAMES.c.number)
    for row in connection.execute(wanted):
        if row.match_id in games:
            games[row.match_id].append(_stored_game(row, name))
    return [
        Match(
            player_a=players[row.player_a],
            player_b=players[row.player_b],
            games=tuple(games[row.id]),
            created_at=row.created_at,
            **{name: getattr(row, name) for name in _PLAIN},
        )
        for row in matches
    ]


def _stored_game(row: Row[Any], name: str) -> MatchGame:
    """Converts a row of `match_games`. Raises DatabaseError that names database and row for impossible values."""
    try:
        moves = tuple(codec.unpack_plies(row.moves))
        if row.first not in (1, 2):
            raise ValueError(f"first is {row.first!r}; allowed are 1 (player A moves first) and 2 (player B)")
        if row.winner not in WINNER_NAMES:
            raise ValueError(f"winner is {row.winner!r}; allowed are 1, 2 and 0 (a draw)")
        if not 0 <= row.opening_plies <= len(moves):
            raise ValueError(f"opening_plies is {row.opening_plies!r}; allowed are 0 to its {len(moves)} plies")
    except (FailureError, ValueError, TypeError) as error:
        raise DatabaseError(
            f"{name} is damaged: row {row.id} of match_games (game {row.number} of match {row.match_id}): {error}; "
            "restore a copy, or delete that row"
        ) from error
    return MatchGame(_SIDES[row.first - 1], moves, row.opening_plies, row.winner, row.won_by, row.number)


def _identity(row: Row[Any]) -> PlayerIdentity:
    return PlayerIdentity(**{name: getattr(row, name) for name in PlayerIdentity.__slots__})
