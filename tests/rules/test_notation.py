"""Points and move lists, written and read."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapente.rules import NotationError, parse_moves, parse_point, point_name
from alphapente.rules.notation import MoveList, format_moves
from alphapente.rules.position import MAX_SIZE, MIN_SIZE


@pytest.mark.parametrize(
    ("name", "point", "size"),
    [("A19", 0, 19), ("K10", 180, 19), ("T1", 360, 19), ("J8", 217, 19), ("A7", 0, 7), ("G1", 48, 7), ("E5", 40, 9)],
)
def test_points_by_name(name: str, point: int, size: int) -> None:
    assert parse_point(name, size) == point
    assert parse_point(f" {name.lower()} ", size) == point
    assert point_name(point, size) == name


@pytest.mark.parametrize("size", range(MIN_SIZE, MAX_SIZE + 1))
def test_every_point_has_its_own_name(size: int) -> None:
    names = [point_name(point, size) for point in range(size * size)]
    assert len(set(names)) == size * size
    assert not any("I" in name for name in names)
    assert [parse_point(name, size) for name in names] == list(range(size * size))


@pytest.mark.parametrize(
    "text", ["I5", "U1", "A0", "A20", "K", "10", "", "KK10", "K10X", "K-1", "K 10", "K010", "Ä5", "K\u0661"]
)
def test_what_is_no_point(text: str) -> None:
    with pytest.raises(NotationError, match="write a column A to T, without I, and a row 1 to 19, like K2"):
        parse_point(text)


def test_small_boards_say_their_own_limits() -> None:
    with pytest.raises(NotationError, match="no point 'H1' on 7x7: write a column A to G, and a row 1 to 7, like D2"):
        parse_point("H1", 7)
    with pytest.raises(NotationError, match="point 49 is off the board: points are 0 to 48 on 7x7"):
        point_name(49, 7)


@pytest.mark.parametrize(
    "text",
    [
        "1. K10 L9 2. K14 N11 3. K12",
        "K10 L9 K14 N11 K12",
        "1.K10 L9 2.K14 N11 3.K12",
        "1 k10 l9 2 k14 n11 3 k12",
        "1. K10 2. L9 3. K14 4. N11 5. K12",
        "K10,L9;K14, N11\r\n\tK12\n",
        "1. K10 L9 2... K14 N11 3. K12",
    ],
)
def test_ways_to_write_the_same_moves(text: str) -> None:
    assert parse_moves(text) == MoveList([180, 200, 104, 164, 142], None, {})


@pytest.mark.parametrize(("end", "result"), [("1-0", "1-0"), ("0-1", "0-1"), ("1/2-1/2", "1/2-1/2"), ("?", None)])
def test_results_at_the_end(end: str, result: str | None) -> None:
    assert parse_moves(f"1. K10 L9 {end}") == MoveList([180, 200], result, {})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1. K10 L9\n2. K14 Z3", r"no point 'Z3' on 19x19: .* \(move 4, line 2, column 8\)"),
        ("1. K10 L9 5. K14", "move number 5 after 2 moves, line 1, column 11: 2 was expected"),
        ("K10 1-0 L9", "'L9' after the result, line 1, column 9: nothing may follow it"),
        ("K10 2-0", "no point '2-0'"),
        ("1. K10 {a start", "a brace '{' without its partner, line 1, column 8"),
        ("1. K10 }L9", "a brace '}' without its partner, line 1, column 8"),
        ("K10 " + "x" * 500, "no point 'x{30}...'"),
    ],
)
def test_errors_name_the_place(text: str, complaint: str) -> None:
    with pytest.raises(NotationError, match=complaint):
        parse_moves(text)


def test_comments_stand_in_braces_after_their_moves() -> None:
    read = parse_moves("{before} 1. K10 L9{close,\n 1-0 }2. K14 {one} {two} ?")
    assert read == MoveList([180, 200, 104], None, {0: "before", 2: "close, 1-0", 3: "one two"})
    assert format_moves(read.moves, comments=read.comments) == "{before} 1. K10 L9 {close, 1-0} 2. K14 {one two}"


@pytest.mark.parametrize(
    ("comments", "complaint"),
    [({1: "a } b"}, "'a } b' on ply 1 has a brace"), ({3: "late"}, "ply 3 of a game of 2: choose 0 to 2")],
)
def test_comments_that_cannot_be_written(comments: dict[int, str], complaint: str) -> None:
    with pytest.raises(NotationError, match=complaint):
        format_moves([180, 200], comments=comments)


def test_lines_wrap_at_80_characters() -> None:
    text = format_moves(list(range(361)), result="1/2-1/2")
    lines = text.split("\n")
    assert max(map(len, lines)) <= 80
    assert all(len(line) + 1 + len(next_line.split()[0]) > 80 for line, next_line in pairwise(lines))
    assert parse_moves(text) == MoveList(list(range(361)), "1/2-1/2", {})


@given(size=st.integers(MIN_SIZE, MAX_SIZE), data=st.data())
def test_any_moves_round_trip(size: int, data: st.DataObject) -> None:
    moves = data.draw(st.lists(st.integers(0, size * size - 1), max_size=60))
    result = data.draw(st.sampled_from([None, "1-0", "0-1", "1/2-1/2"]))
    assert parse_moves(format_moves(moves, size, result), size) == MoveList(moves, result, {})
