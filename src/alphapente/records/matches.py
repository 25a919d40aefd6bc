"""Matches in the database: who played whom, and every game, so that all that is said of them can be computed again."""

import time
from collections.abc import Iterable
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select

from alphapente.errors import FailureError, RequestError
from alphapente.records import codec
from alphapente.records.connect import DatabaseError
from alphapente.records.model import Match, MatchGame, PlayerIdentity
from alphapente.records.schema import MATCH_GAMES, MATCHES, PLAYERS
from alphapente.records.writing import insert_new, refuse_impossible

_SIDES: tuple[Literal["a", "b"], ...] = ("a", "b")
_IDENTITY = ("name", "kind", "digest", "settings")
"""The columns that tell players apart; the others follow from them."""


def refuse_impossible_match(match: Match) -> None:
    """Raises RequestError for a match that no database can hold."""
    for game in match.games:
        refuse_impossible(match.variant, match.board_size, game.moves, "five")
        if game.winner not in (0, 1, 2) or game.first not in _SIDES:
            raise RequestError(
                f"a game of a match is begun by 'a' or 'b' and won by 1, 2 or 0, not {game.first!r} and {game.winner}"
            )
    if not match.games:
        raise RequestError("a match without games is not stored")
    if not -(2**63) <= match.seed < 2**63:
        raise RequestError(f"the match's seed is {match.seed}: allowed are signed 64-bit integers")


def insert_match(connection: Connection, match: Match) -> int:
    """Adds a match, its games, and its players where they are new; returns the match's id."""
    row = {
        "created_at": int(time.time()),
        "player_a": _player_id(connection, match.player_a),
        "player_b": _player_id(connection, match.player_b),
        "variant": match.variant,
        "board_size": match.board_size,
        "seed": match.seed,
        "purpose": match.purpose,
        "settings_id": match.settings_id,
    }
    inserted = connection.execute(insert(MATCHES), row).inserted_primary_key
    assert inserted is not None
    match_id = int(inserted[0])
    connection.execute(
        insert(MATCH_GAMES),
        [
            {
                "match_id": match_id,
                "number": number,
                "first": _SIDES.index(game.first) + 1,
                "opening_plies": game.opening_plies,
                "moves": codec.pack_plies(game.moves),
                "winner": game.winner,
                "won_by": game.won_by,
            }
            for number, game in enumerate(match.games)
        ],
    )
    return match_id


def _player_id(connection: Connection, player: PlayerIdentity) -> int:
    values = {name: getattr(player, name) for name in PlayerIdentity.__slots__}
    find = select(PLAYERS.c.id).where(*(PLAYERS.c[name] == values[name] for name in _IDENTITY))
    found = connection.execute(find).scalar()
    if found is None:
        connection.execute(insert_new(connection, PLAYERS), values)
        found = connection.execute(find).scalar_one()
    return int(found)


def read_matches(connection: Connection, variant: str | None, size: int | None, name: str) -> list[Match]:
    """The matches of a variant and board size (None: of all). Raises DatabaseError for rows that cannot be read."""
    query = select(MATCHES).order_by(MATCHES.c.id)
    if variant is not None:
        query = query.where(MATCHES.c.variant == variant)
    if size is not None:
        query = query.where(MATCHES.c.board_size == size)
    rows = connection.execute(query).all()
    players = {row.id: _identity(row) for row in connection.execute(select(PLAYERS)).all()}
    games: dict[int, list[MatchGame]] = {row.id: [] for row in rows}
    wanted = select(MATCH_GAMES).order_by(MATCH_GAMES.c.match_id, MATCH_GAMES.c.number)
    try:
        _sort_into(games, connection.execute(wanted))
    except (FailureError, ValueError) as error:
        raise DatabaseError(f"{name} is damaged: a game of a match: {error}") from error
    return [
        Match(
            player_a=players[row.player_a],
            player_b=players[row.player_b],
            variant=row.variant,
            board_size=row.board_size,
            seed=row.seed,
            purpose=row.purpose,
            games=tuple(games[row.id]),
            settings_id=row.settings_id,
            created_at=row.created_at,
        )
        for row in rows
    ]


def _sort_into(games: dict[int, list[MatchGame]], rows: Iterable[Row[Any]]) -> None:
    for row in rows:
        if row.match_id in games:
            moves = tuple(codec.unpack_plies(row.moves))
            first = _SIDES[row.first - 1]
            games[row.match_id].append(MatchGame(first, moves, row.opening_plies, row.winner, row.won_by))


def _identity(row: Row[Any]) -> PlayerIdentity:
    return PlayerIdentity(**{name: getattr(row, name) for name in PlayerIdentity.__slots__})
