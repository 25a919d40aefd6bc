"""Reading and writing of points and move lists."""

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
def test_names_that_are_not_points(text: str) -> None:
    with pytest.raises(NotationError, match="write a column A to T, without I, and a row 1 to 19, like K2"):
        parse_point(text)


def test_errors_on_small_boards_state_their_limits() -> None:
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
        "K10,L9,K14, N11\r\n\tK12\n",
        "1. K10 L9 2... K14 N11 3. K12",
        "1. K10 1... L9 2. K14 2... N11 3. K12",
        "1. K10 1. ... L9 2.K14 2…N11 3 . K12",
        "\ufeff1. K10 L9\r2. K14\u2028N11\u200b 3.\xa0K12\x85",
        "1. K10! L9?? 2. K14!? N11 ?! 3. K12 $1$14",
        "1. K10 L9 (1... L10 {better? (no)} 2. K7 (2. K6 ; ) \n) $5) 2. K14 N11 3. K12",
    ],
)
def test_ways_to_write_the_same_moves(text: str) -> None:
    assert parse_moves(text) == MoveList([180, 200, 104, 164, 142], None, {})


@pytest.mark.parametrize(
    ("end", "result"),
    [("1-0", "1-0"), ("0-1", "0-1"), ("1/2-1/2", "1/2-1/2"), ("?", None), ("*", None), ("2.1-0", "1-0")],
)
def test_results_at_the_end(end: str, result: str | None) -> None:
    assert parse_moves(f"1. K10 L9 {end}") == MoveList([180, 200], result, {})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1. K10 L9\n2. K14 Z3", r"move 4: no point 'Z3' on 19x19: .* \(line 2, column 8\)"),
        ("1. K10 L9 5. K14", r"move number 5 after 2 moves: 2 was expected; .* \(line 1, column 11\)"),
        ("K10 1-0 L9", r"'L9' after the result '1-0': begin the next game on a new line \(line 1, column 9\)"),
        ("K10 2-0", "no point '2-0'"),
        ("1. K10 {a start", r"that begins with '{' has no '}': write {like this} \(line 1, column 8\)"),
        ("1. K10 }L9", r"'}' without '{' before it \(line 1, column 8\)"),
        ("1. K10 )L9", r"'\)' without '\('"),
        ("1. K10 {a {b} L9", "a comment in braces contains '{': is a '}' missing before it"),
        ("1. K10 (1. K11 {x) L9", "begins with '{' has no '}'"),
        ("1. K10 (1. K11 (x) L9", "a variation that begins with '\\(' has no '\\)'"),
        ('1. K10 [Site "x"] L9', "header 'Site' among the moves"),
        ("1. K10 ... L9", "move 2: no point '...'"),
        ("K10 " + "x" * 500, "no point 'x{30}...'"),
    ],
)
def test_errors_name_the_place(text: str, complaint: str) -> None:
    with pytest.raises(NotationError, match=complaint):
        parse_moves(text)


def test_comments_in_braces_follow_their_moves() -> None:
    read = parse_moves("{before} 1. K10 L9{close,\n 1-0 }2. K14 {one} {two} ?")
    assert read == MoveList([180, 200, 104], None, {0: "before", 2: "close, 1-0", 3: "one two"})
    assert format_moves(read.moves, comments=read.comments) == "{before} 1. K10 L9 {close, 1-0} 2. K14 {one two}"


def test_a_semicolon_begins_a_comment_to_the_end_of_the_line() -> None:
    read = parse_moves("1. K10 L9; close, {or} 1-0\r2. K14 ;one\n;two\n?")
    assert read == MoveList([180, 200, 104], None, {2: "close, {or} 1-0", 3: "one two"})
    assert format_moves(read.moves, comments=read.comments) == "1. K10 L9\n; close, {or} 1-0\n2. K14 {one two}"


def test_a_comment_of_a_ply_that_was_not_played_cannot_be_written() -> None:
    with pytest.raises(NotationError, match="ply 3 of a game of 2: choose 0 to 2"):
        format_moves([180, 200], comments={3: "late"})


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
    comments = data.draw(st.dictionaries(st.integers(0, len(moves)), st.text(max_size=100), max_size=3))
    text = format_moves(moves, size, result, comments)
    said = {ply: " ".join(comment.split()) for ply, comment in comments.items() if comment.split()}
    assert parse_moves(text, size) == MoveList(moves, result, said)
