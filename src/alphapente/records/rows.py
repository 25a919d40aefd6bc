"""Converts rows of the games table to `StoredGame`. Checks every column: SQLite stores any type in any column."""

import json
from typing import Any

from sqlalchemy import Row

from alphapente.errors import FailureError
from alphapente.records import codec
from alphapente.records.model import StoredGame
from alphapente.rules.position import MAX_SIZE, MIN_SIZE, VARIANTS

_DECODED = ("game_id", "moves", "random_plies", "headers", "comments")  # the other fields are columns as they are
_WHOLE = ("created_at", "opening_plies", "seed", "network_step", "simulations", "first_seq", "num_records")
_TEXT = ("won_by", "model_type")
_SOURCES = ("selfplay", "import")


def stored_game(row: Row[Any]) -> StoredGame:
    """Converts a row of GAMES joined with its pool's `variant` and `board_size`.

    Raises FailureError with the first impossible value. Does not check whether the moves are legal.
    """
    _refuse_wrong_values(row)
    return StoredGame(
        game_id=row.id,
        moves=_moves(row),
        random_plies=tuple(codec.unpack_plies(row.random_plies)),
        headers=_json_object(row.headers, "headers"),
        comments=_comments(row.comments),
        **{name: getattr(row, name) for name in StoredGame.__slots__ if name not in _DECODED},
    )


def _refuse_wrong_values(row: Row[Any]) -> None:
    if row.variant not in VARIANTS:
        raise FailureError(f"its pool's variant is {row.variant!r}: allowed are {', '.join(VARIANTS)}")
    if not isinstance(row.board_size, int) or not MIN_SIZE <= row.board_size <= MAX_SIZE:
        raise FailureError(f"its pool's board_size is {row.board_size!r}: allowed are {MIN_SIZE} to {MAX_SIZE}")
    for name in _WHOLE:
        _refuse_unless(isinstance(getattr(row, name), int), row, name, "a whole number")
    for name in ("winner", "settings_id"):
        _refuse_unless(isinstance(getattr(row, name), int | None), row, name, "a whole number or NULL")
    for name in ("first_seq", "num_records"):
        _refuse_unless(getattr(row, name) >= 0, row, name, "0 or more")
    for name in _TEXT:
        _refuse_unless(isinstance(getattr(row, name), str), row, name, "text")
    _refuse_unless(row.source in _SOURCES, row, "source", " or ".join(_SOURCES))


def _refuse_unless(right: bool, row: Row[Any], name: str, allowed: str) -> None:
    if not right:
        raise FailureError(f"its {name} is {getattr(row, name)!r}: it must be {allowed}")


def _moves(row: Row[Any]) -> list[int]:
    moves, area = codec.unpack_plies(row.moves), row.board_size**2
    for ply, point in enumerate(moves):
        if point >= area:
            raise FailureError(
                f"its move at ply {ply} is point {point}, and a board of {area} points ends at {area - 1}"
            )
    return moves


def _comments(text: str | None) -> dict[int, str]:
    comments = _json_object(text, "comments")
    for ply in comments:
        if not ply.isdecimal():
            raise FailureError(f"its comments name ply {ply[:60]!r}: it must be a whole number")
    return {int(ply): comment for ply, comment in comments.items()}


def _json_object(text: str | None, name: str) -> dict[str, str]:
    try:
        values = json.loads(text) if text else {}
    except (ValueError, TypeError) as error:
        raise FailureError(f"its {name} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise FailureError(f"its {name} are {str(text)[:60]!r}: they must be a JSON object")
    return values
