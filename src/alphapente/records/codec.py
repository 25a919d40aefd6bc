"""Encodes searched positions as rows of the database, and decodes thousands of rows at once to arrays.

A board is packed with five points in a byte, as digits in base 3 (the first point is the lowest digit). A policy is a
sequence of 6-byte entries (little-endian): point uint16, visits uint16, probability uint16 in units of 1/65535.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphapente.errors import FailureError, RequestError
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

SURPRISE_UNIT = 1000
"""A surprise is stored in thousandths of a nat, as a whole number of two bytes."""
_MAX_SURPRISE = 32767

_SUM_TOLERANCE = 1e-3

RECORD_COLUMNS = (
    "id",
    "game_id",
    "ply",
    "board",
    "captured1",
    "captured2",
    "to_move",
    "policy",
    "rest",
    "search_value",
    "random_value",
    "outcome",
    "simulations",
    "policy_weight",
    "surprise",
    "next_point",
    "plies_left",
    "end_captured1",
    "end_captured2",
)
"""The columns of a record's row, in the order that `decode_records` expects."""

ENCODED_COLUMNS = RECORD_COLUMNS[2:]
"""The columns that `encode_records` returns; the store adds the row's id and game."""


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
    unpacked = _UNPACKED.take(packed, axis=0).reshape(len(packed), -1)  # five times as fast as by index
    return np.ascontiguousarray(unpacked[:, : board_size * board_size])


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
    """Returns a game's records by column: ENCODED_COLUMNS, one entry for each record, of types that drivers accept.

    Raises RequestError for an impossible record: a board of another size, a point off the board, policy arrays of
    unequal length, probabilities that do not sum to 1, a value outside [-1, 1].
    """
    records = game.records
    if not records:
        return ((),) * len(ENCODED_COLUMNS)
    area = game.board_size**2
    for record in records:
        _refuse_misshapen(record, area)
        if not 0 <= record.ply < len(game.moves):
            raise RequestError(f"a record is of ply {record.ply}, and the game has {len(game.moves)} plies")
    boards = np.concatenate([record.board for record in records]).reshape(len(records), area)
    wrong = np.argwhere((boards < 0) | (boards > 2))
    if len(wrong):
        index, point = wrong[0]
        raise RequestError(
            f"ply {records[index].ply}: the record's board holds {boards[index, point]}: allowed are 0, 1 and 2"
        )
    outcomes = {player: outcome_of(game.winner, player) for player in (1, 2)}
    num_plies, replies = len(game.moves), [*map(int, game.moves[1:]), None]
    end_captured = captured_after(game.moves, game.variant, game.board_size)
    return (
        [int(record.ply) for record in records],
        [packed.tobytes() for packed in pack_boards(boards)],
        [int(record.captured[0]) for record in records],
        [int(record.captured[1]) for record in records],
        [int(record.to_move) for record in records],
        _encode_policies(records, area),
        [float(record.unlisted) for record in records],
        [float(record.search_value) for record in records],
        [None if record.random_value is None else float(record.random_value) for record in records],
        [outcomes[record.to_move] for record in records],
        [int(record.simulations) for record in records],
        [float(record.policy_weight) for record in records],
        [_encode_surprise(record.surprise) for record in records],
        [replies[record.ply] for record in records],
        [num_plies - int(record.ply) for record in records],
        [end_captured[0]] * len(records),
        [end_captured[1]] * len(records),
    )


def _encode_surprise(surprise: float | None) -> int | None:
    return None if surprise is None else min(_MAX_SURPRISE, round(max(0.0, surprise) * SURPRISE_UNIT))


def outcome_of(winner: int, to_move: int) -> int:
    """1, 0 or -1: the outcome of a game won by `winner` (1, 2 or DRAW) for the player to move."""
    if winner == DRAW:
        return 0
    return 1 if winner == to_move else -1


def _refuse_misshapen(record: SearchRecord, area: int) -> None:
    lengths = (len(record.points), len(record.visits), len(record.targets))
    if len(record.board) != area:
        raise RequestError(f"ply {record.ply}: the record's board has {len(record.board)} points, the game's {area}")
    if lengths[0] != lengths[1] or lengths[0] != lengths[2]:
        raise RequestError(f"ply {record.ply}: the policy has {lengths} points, visits and targets: they must be equal")
    if record.to_move not in (1, 2):
        raise RequestError(f"ply {record.ply}: player {record.to_move} is to move: allowed are 1 and 2")
    for name, value in (("search_value", record.search_value), ("random_value", record.random_value)):
        if value is not None and not -1.0001 <= value <= 1.0001:  # NaN fails both comparisons
            raise RequestError(f"ply {record.ply}: {name} is {value}: allowed is -1 to 1")
    if not 0 <= record.policy_weight <= 1:
        raise RequestError(f"ply {record.ply}: policy_weight is {record.policy_weight}: allowed is 0 to 1")
    if record.surprise is not None and record.surprise != record.surprise:
        raise RequestError(f"ply {record.ply}: surprise is {record.surprise}: give a number, or None")


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


def decode_records(
    rows: Sequence[Sequence[Any]], variant: str, board_size: int, requested: int = 0, available: int = 0
) -> RecordBatch:
    """Decodes rows of RECORD_COLUMNS to arrays. Raises FailureError for a row with impossible bytes."""
    count = len(rows)
    columns = list(zip(*rows, strict=True)) if count else [()] * len(RECORD_COLUMNS)
    values: dict[str, Sequence[Any]] = dict(zip(RECORD_COLUMNS, columns, strict=True))
    ids = np.array(values["id"], np.int64)

    def column(name: str, kind: type[np.generic], unknown: float | None = None) -> NDArray[Any]:
        return _column(ids, name, values[name], kind, unknown)

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
    unlisted = column("rest", np.float32)
    return RecordBatch(
        variant=variant,
        board_size=board_size,
        ids=ids,
        game_ids=column("game_id", np.int64),
        boards=unpack_boards(packed, board_size),
        captured=np.stack([column("captured1", np.int16), column("captured2", np.int16)], axis=1),
        ply=column("ply", np.int16),
        to_move=column("to_move", np.int8),
        search_value=column("search_value", np.float32),
        outcome=column("outcome", np.float32),
        random_value=column("random_value", np.float32, np.nan),
        offsets=offsets,
        points=entries["point"].astype(np.int16),
        targets=_dequantised(entries["target"], offsets, unlisted),
        visits=entries["visits"].astype(np.int32),
        unlisted=unlisted,
        simulations=column("simulations", np.int32),
        policy_weight=column("policy_weight", np.float32),
        surprise=np.divide(column("surprise", np.float32, np.nan), SURPRISE_UNIT, dtype=np.float32),
        next_point=column("next_point", np.int16, -1),
        plies_left=column("plies_left", np.int16, -1),
        end_captured=np.stack([column(f"end_captured{player}", np.int16, -1) for player in (1, 2)], axis=1),
        requested=requested,
        available=available,
    )


def _column(
    ids: NDArray[np.int64], name: str, numbers: Sequence[Any], kind: type[np.generic], unknown: float | None
) -> NDArray[Any]:
    """Converts numbers to an array, None to `unknown`. Raises FailureError that names the first wrong record."""
    if unknown is not None:
        numbers = [unknown if number is None else number for number in numbers]
    try:
        return np.array(numbers, kind)
    except (ValueError, TypeError, OverflowError) as error:
        for record_id, number in zip(ids, numbers, strict=True):
            try:
                kind(number)
            except (ValueError, TypeError, OverflowError):
                problem = f"its {name} is {number!r}, not a number of type {kind.__name__}"
                raise FailureError(f"record {record_id} is damaged: {problem}") from error
        raise FailureError(f"records {ids[0]}..{ids[-1]} are damaged: {name}: {error}") from error


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
        name: np.concatenate([getattr(batch, name) for batch in batches])
        for name in RecordBatch.__slots__
        if isinstance(getattr(first, name), np.ndarray) and name != "offsets"
    }
    lengths = np.concatenate([np.diff(batch.offsets) for batch in batches])
    arrays["offsets"] = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return RecordBatch(first.variant, first.board_size, requested=requested, available=available, **arrays)
