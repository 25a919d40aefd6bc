"""Line patterns against the lines read from a padded board, point by point."""

import numpy as np
import pytest

from alphapente.network.patterns import (
    EARLY,
    LENGTH,
    LINES,
    MAX_CAPTURED,
    NEAR,
    NEAR_EARLY,
    NUM_PATTERNS,
    OUTSIDE,
    RADIUS,
    ROW_OF_CODE,
    LineInputs,
    centre_rows,
)
from alphapente.rules.position import Position, new_positions, stones
from tests.network.positions import random_positions

DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def encoded(positions: np.ndarray) -> LineInputs:
    arrays = LineInputs(*LINES.new_arrays(len(positions), int(positions["size"][0])))
    LINES.encode(positions, arrays)
    return arrays


def row_of(line: list[int]) -> int:
    code = 0
    for point in line:
        code = 4 * code + point
    return int(ROW_OF_CODE[code])


def expected(position: Position) -> np.ndarray:
    size, own = int(position["size"]), int(position["to_move"])
    board = stones(position).reshape(size, size)
    padded = np.full((size + 2 * RADIUS, size + 2 * RADIUS), OUTSIDE)
    padded[RADIUS:-RADIUS, RADIUS:-RADIUS] = np.where(board == 0, 0, np.where(board == own, 1, 2))
    found = np.zeros((size * size, 4), np.int16)
    for point in range(size * size):
        row, column = divmod(point, size)
        for direction, (down, right) in enumerate(DIRECTIONS):
            line = [
                int(padded[RADIUS + row + step * down, RADIUS + column + step * right])
                for step in range(-RADIUS, RADIUS + 1)
            ]
            found[point, direction] = row_of(line)
    return found


@pytest.mark.parametrize("size", [7, 9, 14, 19])
def test_patterns_are_those_of_the_lines(size: int) -> None:
    positions = random_positions(size, 4, seed=size)
    arrays = encoded(positions)
    for position, patterns, near in zip(positions, arrays.patterns, arrays.near, strict=True):
        np.testing.assert_array_equal(patterns, expected(position) * near[:, None])
        assert near.any()


def test_boards_of_other_sizes_leave_nothing_behind() -> None:
    large, small = random_positions(19, 1, seed=1), random_positions(7, 1, seed=2)
    before = encoded(small)
    encoded(large)
    np.testing.assert_array_equal(encoded(small).patterns, before.patterns)


@pytest.mark.parametrize("size", [7, 19])
def test_near_points_are_within_a_square_of_a_stone(size: int) -> None:
    few, many = random_positions(size, 3, seed=3, max_plies=6), random_positions(size, 6, seed=4, max_plies=40)
    positions = np.concatenate([new_positions(1, "pente", size), few, many])
    assert {len(np.flatnonzero(stones(position))) < EARLY for position in many} == {True, False}
    for position, near in zip(positions, encoded(positions).near, strict=True):
        occupied = np.argwhere(stones(position).reshape(size, size))
        marked, distance = np.zeros((size, size), np.uint8), NEAR_EARLY if len(occupied) < EARLY else NEAR
        for row, column in occupied:
            marked[max(0, row - distance) : row + distance + 1, max(0, column - distance) : column + distance + 1] = 1
        np.testing.assert_array_equal(near.reshape(size, size), marked if len(occupied) else 1)


def test_captured_stones_are_of_the_player_to_move_first_and_limited() -> None:
    positions = new_positions(3, "poof", 9)
    positions["captured"] = [(4, 6), (4, 6), (40, 2)]
    positions["to_move"] = [1, 2, 1]
    assert encoded(positions).captured.tolist() == [[4, 6], [6, 4], [MAX_CAPTURED, 2]]


def test_unwanted_positions_are_skipped() -> None:
    positions = random_positions(9, 3, seed=4)
    arrays = LineInputs(*LINES.new_arrays(3, 9))
    LINES.encode(positions, arrays, np.array([1, 0, 1], np.int8))
    assert not arrays.patterns[1].any()
    assert arrays.patterns[0].any()
    assert arrays.patterns[2].any()


def test_a_line_and_its_mirror_image_are_one_row() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        line = rng.integers(0, 3, LENGTH)
        line[: rng.integers(0, RADIUS + 1)] = OUTSIDE
        assert row_of(line.tolist()) == row_of(line[::-1].tolist())
    assert len(np.unique(ROW_OF_CODE)) == NUM_PATTERNS


@pytest.mark.parametrize("radius", [1, 2, 3, RADIUS])
def test_middles_are_equal_where_the_lines_agree_within_the_radius(radius: int) -> None:
    rows, count = centre_rows(radius)
    assert rows.shape == (NUM_PATTERNS,)
    assert sorted(set(rows.tolist())) == list(range(count))
    rng = np.random.default_rng(radius)
    for _ in range(50):
        middle = rng.integers(0, 3, 2 * radius + 1).tolist()
        sides = rng.integers(0, 3, (2, 2, RADIUS - radius)).tolist()
        one, other = (row_of([*side[0], *middle, *side[1]]) for side in sides)
        assert rows[one] == rows[other]
    if radius == RADIUS:
        assert count == NUM_PATTERNS
