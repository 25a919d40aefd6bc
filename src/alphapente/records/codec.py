"""Encodes searched positions as rows of the database, and decodes thousands of rows at once to arrays.

A board is packed with five points in a byte, as digits in base 3 (the first point is the lowest digit). A policy is a
sequence of 6-byte entries (little-endian): point uint16, visits uint16, probability uint16 in units of 1/65535.
"""

import itertools
from collections.abc import Sequence
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphapente.errors import FailureError, RequestError
from alphapente.records.columns import ARRAYS, COLUMNS, ENCODED, Column
from alphapente.records.model import GameRecord, RecordBatch, SearchRecord
from alphapente.rules.legality import captured_after
from alphapente.rules.position import DRAW

POINTS_PER_BYTE = 5
_DIGITS = np.array([1, 3, 9, 27, 81], np.uint8)
_UNPACKED = (np.arange(256)[:, None] // _DIGITS[None, :].astype(np.int64) % 3).astype(np.int8)
"""int8[256, 5]: the five points in each value of a byte."""

POLICY_ENTRY = np.dtype([("point", "<u2"), ("visits", "<u2"), ("target", "<u2")])
_TARGET_UNIT = 65535
MAX_VISITS = 65535
"""Higher numbers of visits are stored as this one. Training learns from the targets, not from the visits."""

_MAX_SMALLINT = 32767

_SUM_TOLERANCE = 1e-3


def packed_size(board_size: int) -> int:
    """Bytes of a packed board."""
    return -(-board_size * board_size // POINTS_PER_BYTE)


def pack_boards(boards: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Packs boards int8[n, S*S] of 0, 1, 2 to uint8[n, packed_size]."""
    count, points = boards.shape
    num_bytes = -(-points // POINTS_PER_BYTE)
    digits = np.zeros((count, num_bytes * POINTS_PER_BYTE), np.uint8)
    digits[:, :points] = boards
    packed: NDArray[np.uint8] = digits.reshape(count, num_bytes, POINTS_PER_BYTE) @ _DIGITS
    return packed


def unpack_boards(packed: NDArray[np.uint8], board_size: int) -> NDArray[np.int8]:
    """The reverse of `pack_boards`: uint8[n, packed_size] to int8[n, S*S]."""
    unpacked = _UNPACKED.take(packed, axis=0)  # five times as fast as by index
    return np.ascontiguousarray(unpacked.reshape(len(packed), POINTS_PER_BYTE * packed.shape[1])[:, : board_size**2])


def pack_plies(numbers: Sequence[int]) -> bytes:
    """Moves or plies as little-endian uint16."""
    return np.asarray(numbers, "<u2").tobytes()


def unpack_plies(blob: bytes) -> list[int]:
    """The reverse of `pack_plies`. Raises FailureError for anything else."""
    if not isinstance(blob, bytes):  # SQLite stores a value of any type
        raise FailureError(f"a list of moves or plies is damaged: it is not bytes but {type(blob).__name__}")
    if len(blob) % 2:
        raise FailureError(f"a list of moves or plies is damaged: its {len(blob)} bytes are not whole numbers")
    return [int(number) for number in np.frombuffer(blob, "<u2")]


def encode_records(game: GameRecord) -> tuple[Sequence[Any], ...]:
    """Returns a game's records by column: those of ENCODED, one entry for each record, of types that drivers accept.

    Raises RequestError for an impossible record: a board of another size, a point off the board, policy arrays of
    unequal length, probabilities that do not sum to 1, a number outside of its column's range.
    """
    records = game.records
    if not records:
        return ((),) * len(ENCODED)
    area = game.board_size**2
    for record in records:
        _refuse_misshapen(record, area, len(game.moves))
    end_captured = captured_after(game.moves, game.variant, game.board_size)
    encoded: dict[str, Sequence[Any]]
    encoded = {"board": _encode_boards(records, area), "policy": _encode_policies(records, area)}
    for column in ENCODED:
        if column.origin == "search" and column.encoding == "number":
            encoded[column.name] = _encode_numbers(column, records)
    plies, players = [record.ply for record in records], [record.to_move for record in records]
    encoded |= columns_of_game(game.moves, game.winner, end_captured, plies, players)
    return tuple(encoded[column.name] for column in ENCODED)


def columns_of_game(
    moves: Sequence[int], winner: int, end_captured: Sequence[int], plies: Sequence[int], players: Sequence[int]
) -> dict[str, list[int | None]]:
    """Returns the columns OF_GAME of its records, which are of these plies with these players to move.

    `winner` is 1, 2 or DRAW; `end_captured` counts the stones captured by player 1 and 2 in the whole game.
    """
    replies = [*map(int, moves[1:]), None]
    outcomes = {player: 0 if winner == DRAW else 1 if winner == player else -1 for player in (1, 2)}
    return {
        "outcome": [outcomes[player] for player in players],
        "next_point": [replies[ply] for ply in plies],
        "plies_left": [len(moves) - int(ply) for ply in plies],
        "end_captured1": [end_captured[0]] * len(plies),
        "end_captured2": [end_captured[1]] * len(plies),
    }


def _refuse_misshapen(record: SearchRecord, area: int, num_plies: int) -> None:
    lengths = (len(record.points), len(record.visits), len(record.targets))
    if not 0 <= record.ply < num_plies:
        raise RequestError(f"a record is of ply {record.ply}, and the game has {num_plies} plies")
    if len(record.board) != area:
        raise RequestError(f"ply {record.ply}: the record's board has {len(record.board)} points, the game's {area}")
    if lengths[0] != lengths[1] or lengths[0] != lengths[2]:
        raise RequestError(f"ply {record.ply}: the policy has {lengths} points, visits and targets: they must be equal")


def _encode_numbers(column: Column, records: list[SearchRecord]) -> list[Any]:
    numbers: list[Any] = list(map(attrgetter(column.array), records))
    if column.part is not None:
        numbers = list(map(itemgetter(column.part), numbers))
    kind = int if issubclass(column.dtype, np.integer) else float
    if column.unknown is None:
        numbers = known = list(map(kind, numbers))
    else:
        numbers = [None if number is None else kind(number) for number in numbers]
        known = [number for number in numbers if number is not None]
    if column.allowed is not None and known:
        (low, high), total = column.allowed, sum(known)  # NaN is no number's minimum, but it makes the sum NaN
        if not (low <= min(known) and max(known) <= high and total == total):
            for record, number in zip(records, numbers, strict=True):
                if number is not None and column.is_outside(np.array(number)):
                    raise RequestError(f"ply {record.ply}: {column.array} {column.refusal(number)}")
    if column.unit == 1:
        return numbers
    return [None if x is None else min(_MAX_SMALLINT, round(max(0.0, x) * column.unit)) for x in numbers]


def _encode_boards(records: list[SearchRecord], area: int) -> list[bytes]:
    boards = np.concatenate([record.board for record in records]).reshape(len(records), area)
    if boards.min() < 0 or boards.max() > 2:
        index, point = np.argwhere((boards < 0) | (boards > 2))[0]
        raise RequestError(
            f"ply {records[index].ply}: the record's board holds {boards[index, point]}: allowed are 0, 1 and 2"
        )
    return [packed.tobytes() for packed in pack_boards(boards)]


def _encode_policies(records: list[SearchRecord], area: int) -> list[bytes]:
    """Encodes each policy as entries of POLICY_ENTRY."""
    lengths = np.array([len(record.points) for record in records])
    points = np.concatenate([record.points for record in records])
    visits = np.concatenate([record.visits for record in records])
    targets = np.concatenate([record.targets for record in records]).astype(np.float64)
    unlisted = np.array([record.unlisted for record in records], np.float64)
    owner = np.repeat(np.arange(len(records)), lengths)
    for numbers, right, allowed in (
        (points, (points >= 0) & (points < area), f"point {{}}: allowed are 0..{area - 1}"),
        (visits, visits >= 0, "{} visits: allowed are 0 and more"),
        (targets, targets >= 0, "the target {}: allowed are 0 to 1"),  # NaN fails the comparison
    ):
        if not right.all():
            first = int(np.argmin(right))
            raise RequestError(f"ply {records[owner[first]].ply}: the policy lists {allowed.format(numbers[first])}")
    sums = np.bincount(owner, targets, len(records)) + unlisted
    wrong = ~(np.abs(sums - 1) < _SUM_TOLERANCE) | ~(unlisted >= 0)
    if wrong.any():
        where = int(np.argmax(wrong))
        raise RequestError(
            f"ply {records[where].ply}: the policy's targets and unlisted share ({unlisted[where]:.4f}) sum to "
            f"{sums[where]:.4f}: they must be 0 or more and sum to 1"
        )
    entries = np.empty(len(points), POLICY_ENTRY)
    entries["point"] = points
    entries["visits"] = np.minimum(visits, MAX_VISITS)
    entries["target"] = np.rint(np.minimum(targets, 1.0) * _TARGET_UNIT)
    encoded, ends = entries.tobytes(), np.cumsum(lengths) * POLICY_ENTRY.itemsize
    return [encoded[start:end] for start, end in itertools.pairwise([0, *ends.tolist()])]


def decode_records(rows: Sequence[Sequence[Any]], variant: str, board_size: int) -> RecordBatch:
    """Decodes rows of COLUMNS to arrays. Raises FailureError for a row with impossible bytes."""
    count = len(rows)
    by_column = zip(*rows, strict=True) if count else [()] * len(COLUMNS)
    values: dict[str, Sequence[Any]] = {column.name: some for column, some in zip(COLUMNS, by_column, strict=True)}
    ids = np.array(values["id"], np.int64)
    num_bytes = packed_size(board_size)
    _refuse_damaged(ids, values["board"], "board", num_bytes, num_bytes)
    _refuse_damaged(ids, values["policy"], "policy", POLICY_ENTRY.itemsize)
    packed = np.frombuffer(b"".join(values["board"]), np.uint8).reshape(count, num_bytes)
    lengths = np.fromiter(map(len, values["policy"]), np.int64, count)
    entries = np.frombuffer(b"".join(values["policy"]), POLICY_ENTRY)
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(lengths // POLICY_ENTRY.itemsize, out=offsets[1:])
    if len(entries) and int(entries["point"].max()) >= board_size**2:
        first = int(np.argmax(entries["point"] >= board_size**2))
        record_id = ids[np.searchsorted(offsets, first, "right") - 1]
        raise FailureError(f"record {record_id} is damaged: its policy lists point {entries['point'][first]}")
    parts: dict[str, list[NDArray[Any]]] = {}
    for column in COLUMNS:
        if column.encoding == "number":
            parts.setdefault(column.array, []).append(_decode_numbers(ids, column, values[column.name]))
    arrays: dict[str, Any] = {name: some[0] if len(some) == 1 else np.stack(some, 1) for name, some in parts.items()}
    return RecordBatch(
        variant=variant,
        board_size=board_size,
        boards=unpack_boards(packed, board_size),
        offsets=offsets,
        points=entries["point"].astype(np.int16),
        visits=entries["visits"].astype(np.int32),
        targets=_dequantised(entries["target"], offsets, arrays["unlisted"]),
        **arrays,
    )


def _decode_numbers(ids: NDArray[np.int64], column: Column, numbers: Sequence[Any]) -> NDArray[Any]:
    """Converts a column to its array. Raises FailureError that names the first wrong record."""
    if column.unknown is not None:
        numbers = [column.unknown if number is None else number for number in numbers]
    try:
        array = np.array(numbers, column.dtype)
    except (ValueError, TypeError, OverflowError) as error:
        for record_id, number in zip(ids, numbers, strict=True):
            try:
                column.dtype(number)
            except (ValueError, TypeError, OverflowError):
                problem = f"its {column.name} is {number!r}, not a number of type {column.dtype.__name__}"
                raise FailureError(f"record {record_id} is damaged: {problem}") from error
        raise FailureError(f"records {ids[0]}..{ids[-1]} are damaged: {column.name}: {error}") from error
    return array if column.unit == 1 else np.divide(array, column.unit, dtype=column.dtype)


def _refuse_damaged(
    ids: NDArray[np.int64], blobs: Sequence[Any], name: str, unit: int, expected: int | None = None
) -> None:
    for record_id, blob in zip(ids, blobs, strict=True):
        if not isinstance(blob, bytes):  # SQLite stores a value of any type
            raise FailureError(f"record {record_id} is damaged: its {name} is not bytes but {type(blob).__name__}")
        if len(blob) % unit or (expected is not None and len(blob) != expected):
            right = expected or f"a multiple of {unit}"
            raise FailureError(f"record {record_id} is damaged: its {name} has {len(blob)} bytes, not {right}")


def _dequantised(
    quantised: NDArray[np.uint16], offsets: NDArray[np.int64], unlisted: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Converts to probabilities, scaled so that each record's sum with `unlisted` is 1 in spite of rounding."""
    owner = np.repeat(np.arange(len(unlisted)), np.diff(offsets))
    sums = np.bincount(owner, quantised, len(unlisted))
    scale = np.divide(1 - unlisted, sums, out=np.zeros(len(unlisted)), where=sums > 0)
    return (quantised * scale[owner]).astype(np.float32)


def concatenate(batches: Sequence[RecordBatch], requested: int, available: int) -> RecordBatch:
    """Concatenates batches (at least one) of the same variant and board size, in their order."""
    first = batches[0]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(batch, name) for batch in batches]) for name in ARRAYS if name != "offsets"
    }
    lengths = np.concatenate([np.diff(batch.offsets) for batch in batches])
    arrays["offsets"] = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return RecordBatch(first.variant, first.board_size, requested=requested, available=available, **arrays)
