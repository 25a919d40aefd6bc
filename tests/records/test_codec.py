"""Encoding and decoding of records."""

import dataclasses
import itertools
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapente.errors import FailureError, RequestError
from alphapente.records import codec
from alphapente.records.columns import COLUMNS
from alphapente.records.model import GameRecord, RecordBatch, SearchRecord

from .samples import plain_game, search_record

NAMES = [column.name for column in COLUMNS]


def rows_of(game: GameRecord) -> list[tuple[Any, ...]]:
    """The records of a game as rows of COLUMNS: keys 0, 1, 2, ... of game 7."""
    return list(zip(itertools.count(), itertools.repeat(7), *codec.encode_records(game), strict=False))


def decoded(game: GameRecord) -> RecordBatch:
    return codec.decode_records(rows_of(game), game.variant, game.board_size)


@given(size=st.integers(7, 19), seed=st.integers(0, 2**32))
def test_boards_survive_packing(size: int, seed: int) -> None:
    boards = np.random.default_rng(seed).integers(0, 3, (4, size * size)).astype(np.int8)
    packed = codec.pack_boards(boards)
    assert packed.shape == (4, codec.packed_size(size))
    np.testing.assert_array_equal(codec.unpack_boards(packed, size), boards)


def test_a_board_s_bytes_are_as_documented() -> None:
    board = np.zeros((1, 49), np.int8)
    board[0, [0, 1, 4, 5]] = [2, 1, 2, 1]
    assert codec.pack_boards(board)[0, :2].tolist() == [2 + 1 * 3 + 2 * 81, 1]


@given(st.lists(st.integers(0, 360), max_size=60))
def test_moves_survive_packing(moves: list[int]) -> None:
    assert codec.unpack_plies(codec.pack_plies(moves)) == moves


def test_records_survive_and_their_policies_sum_to_one() -> None:
    game = plain_game(30)
    batch = decoded(game)
    for index, record in enumerate(game.records):
        entries = slice(batch.offsets[index], batch.offsets[index + 1])
        np.testing.assert_array_equal(batch.boards[index], record.board)
        np.testing.assert_array_equal(batch.points[entries], record.points)
        np.testing.assert_array_equal(batch.visits[entries], record.visits)
        np.testing.assert_allclose(batch.targets[entries], record.targets, atol=2e-5)
        assert batch.targets[entries].sum() + batch.unlisted[index] == pytest.approx(1, abs=1e-6)
        assert batch.captured[index].tolist() == list(record.captured)
        assert batch.search_value[index] == pytest.approx(record.search_value, abs=1e-7)
        assert batch.outcome[index] == (1 if record.to_move == game.winner else -1)
    assert np.isnan(batch.random_value).all()
    assert (batch.policy_weight == 1).all()
    assert np.isnan(batch.surprise).all()


def test_records_contain_what_followed_the_position() -> None:
    """Player 2's stones on 41 and 42 are captured by 43; records of plies 1, 3 and the last one."""
    moves = [40, 41, 0, 42, 43, 80]
    empty = np.zeros(81, np.int8)
    legal = np.arange(81)
    rng = np.random.default_rng(1)
    records = [search_record(rng, ply, empty, (0, 0), ply % 2 + 1, legal) for ply in (1, 3, 5)]
    records[1] = dataclasses.replace(records[1], policy_weight=0.25, surprise=1.2345678)
    records[2] = dataclasses.replace(records[2], surprise=99.0)
    batch = decoded(GameRecord("pente", 9, moves, 1, "five", 0, (), 1, "simple", 0, 100, records))
    assert batch.next_point.tolist() == [0, 43, -1]
    assert batch.plies_left.tolist() == [5, 3, 1]
    assert batch.end_captured.tolist() == [[2, 0]] * 3
    assert batch.policy_weight.tolist() == [1, 0.25, 1]
    np.testing.assert_allclose(batch.surprise, [np.nan, 1.235, 32.767], rtol=1e-6)


def test_a_driver_gets_plain_values_whatever_numbers_a_record_holds() -> None:
    game = plain_game(3)
    odd = dataclasses.replace(
        game.records[1],
        ply=np.int16(1),  # type: ignore[arg-type]
        captured=np.array([0, 2], np.int16),  # type: ignore[arg-type]
        to_move=np.int8(2),  # type: ignore[arg-type]
        unlisted=np.float32(game.records[1].unlisted),  # type: ignore[arg-type]
        search_value=np.float32(0.5),  # type: ignore[arg-type]
        random_value=np.float64(-0.5),
    )
    row = dict(zip(NAMES, rows_of(dataclasses.replace(game, records=[odd]))[0], strict=True))
    assert row.pop("surprise") is None
    assert {name: type(value) for name, value in row.items() if type(value) is not int} == {
        "board": bytes,
        "policy": bytes,
        "rest": float,
        "search_value": float,
        "random_value": float,
        "policy_weight": float,
    }
    assert (row["ply"], row["captured2"], row["to_move"], row["outcome"]) == (1, 2, 2, -1)
    assert (row["search_value"], row["random_value"]) == (0.5, -0.5)


def test_visits_beyond_what_fits_are_kept_as_the_most_that_fits() -> None:
    game = plain_game(1)
    record = game.records[0]
    many = dataclasses.replace(record, visits=record.visits + 100_000)
    assert (decoded(dataclasses.replace(game, records=[many])).visits == codec.MAX_VISITS).all()


def test_a_policy_without_entries_is_all_unlisted() -> None:
    game = plain_game(2)
    nothing = np.zeros(0, np.int16)
    empty = dataclasses.replace(
        game.records[1],
        points=nothing,
        visits=nothing.astype(np.int32),
        targets=nothing.astype(np.float32),
        unlisted=1.0,
    )
    batch = decoded(dataclasses.replace(game, records=[game.records[0], empty]))
    assert batch.offsets[1] == batch.offsets[2] == len(batch.points)
    assert batch.unlisted[1] == 1


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"unlisted": 0.5}, "sum to 1.4"),
        ({"unlisted": -0.1}, "sum to"),
        ({"unlisted": float("nan")}, "sum to"),
        ({"search_value": float("nan")}, "search_value is nan"),
        ({"search_value": 1.5}, "search_value is 1.5"),
        ({"random_value": -2.0}, "random_value is -2"),
        ({"to_move": 3}, "to_move is 3: allowed is 1 to 2"),
        ({"policy_weight": 1.5}, "policy_weight is 1.5"),
        ({"policy_weight": float("nan")}, "policy_weight is nan"),
        ({"surprise": float("nan")}, "surprise is nan"),
        ({"ply": 1}, "of ply 1, and the game has 1 plies"),
        ({"board": np.zeros(81, np.int8)}, "81 points"),
        ({"board": np.full(361, 3, np.int8)}, "ply 0: the record's board holds 3"),
        ({"visits": np.zeros(1, np.int32)}, "must be equal"),
        ({"points": np.full(40, 361, np.int16)[:0]}, "must be equal"),
    ],
)
def test_records_that_cannot_be_right_are_refused(changes: dict[str, object], line: str) -> None:
    game = plain_game(1)
    wrong = dataclasses.replace(game.records[0], **changes)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match=line):
        codec.encode_records(dataclasses.replace(game, records=[wrong]))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"board": lambda record: record.board + 3}, "board holds 3"),
        ({"points": lambda record: record.points + 361}, r"allowed are 0\.\.360"),
        ({"visits": lambda record: record.visits - 1000}, "visits: allowed are 0 and more"),
        ({"targets": lambda record: balanced(record.targets)}, "the target -0.5: allowed are 0 to 1"),
        ({"unlisted": lambda record: record.unlisted + 1}, "sum to 2"),
    ],
)
def test_the_record_that_is_wrong_is_named(changes: dict[str, Callable[[SearchRecord], object]], line: str) -> None:
    game = plain_game(5)
    wrong = game.records[3]
    values = {name: change(wrong) for name, change in changes.items()}
    game.records[3] = dataclasses.replace(wrong, **values)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match=f"ply 3: .*{line}"):
        codec.encode_records(game)


def balanced(targets: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The same number of probabilities with the same sum, one of them -0.5."""
    changed = targets.copy()
    changed[0], changed[1] = -0.5, targets[0] + targets[1] + 0.5
    return changed


def test_points_off_the_board_are_refused() -> None:
    game = plain_game(1)
    off = dataclasses.replace(game.records[0], points=game.records[0].points + 361)
    with pytest.raises(RequestError, match=r"allowed are 0\.\.360"):
        codec.encode_records(dataclasses.replace(game, records=[off]))


@pytest.mark.parametrize(("column", "blob"), [("board", b"123"), ("policy", b"1234567"), ("policy", b"\xff" * 6)])
def test_damaged_bytes_are_reported(column: str, blob: bytes) -> None:
    row = list(rows_of(plain_game(1))[0])
    row[NAMES.index("id")] = 3
    row[NAMES.index(column)] = blob
    with pytest.raises(FailureError, match=r"3.*damaged"):
        codec.decode_records([row], "pente", 19)


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("policy", b"\xff" * 6, "policy lists point 65535"),
        ("ply", "abc", "ply is 'abc', not a number of type int16"),
        ("captured1", 10**9, "captured1 is 1000000000"),
        ("surprise", b"?", "surprise is b'?'"),
        ("next_point", "abc", "next_point is 'abc'"),
    ],
)
def test_the_damaged_record_among_others_is_named(column: str, value: object, problem: str) -> None:
    rows = [list(row) for row in rows_of(plain_game(5))]
    rows[3][NAMES.index(column)] = value
    with pytest.raises(FailureError, match=f"^record 3 is damaged: its {re.escape(problem)}"):
        codec.decode_records(rows, "pente", 19)


def test_ten_thousand_records_decode_quickly() -> None:
    game = plain_game(100)
    values = rows_of(game) * 100
    fastest = 1e9
    for _ in range(3):
        begun = time.perf_counter()
        codec.decode_records(values, "pente", 19)
        fastest = min(fastest, time.perf_counter() - begun)
    assert fastest < 0.3
