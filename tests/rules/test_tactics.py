"""The points that make a four: bitboards compared with counting every window of five on the board."""

import numpy as np
import pytest
from numpy.typing import NDArray

from alphapente.rules.kernels import is_legal, play
from alphapente.rules.position import IN_PLAY, new_positions, stones
from alphapente.rules.tactics import tactics

LINES = ((0, 1), (1, 0), (1, 1), (1, -1))


def fours(board: NDArray[np.int8], player: int) -> set[int]:
    """The empty points of all windows of five on `board` (int[size, size]) with three stones of one player only."""
    size = len(board)
    found = set()
    for row, column in np.ndindex(size, size):
        for down, right in LINES:
            last = column + 4 * right
            if row + 4 * down >= size or not 0 <= last < size:
                continue
            window = [(row + step * down, column + step * right) for step in range(5)]
            held = [board[at] for at in window]
            if held.count(player) == 3 and held.count(0) == 2:
                found |= {r * size + c for r, c in window if board[r, c] == 0}
    return found


@pytest.mark.parametrize("size", [7, 13, 19])
def test_fours_are_those_of_windows_that_lie_on_the_board(size: int) -> None:
    random = np.random.default_rng(size)
    for _ in range(3):
        position = new_positions(1, "pente", size)[0]
        play(position, size * size // 2)
        while position["winner"] == IN_PLAY:
            legal = [point for point in range(size * size) if is_legal(position, point)]
            if position["ply"] % 8 == 0:
                player, board = int(position["to_move"]), stones(position).reshape(size, size)
                kinds = tactics(position)[1]
                assert set(kinds["own_fours"]) == fours(board, player)
                assert set(kinds["enemy_fours"]) == fours(board, 3 - player)
            play(position, int(random.choice(legal)))


def test_a_four_does_not_reach_around_the_edge() -> None:
    position = new_positions(1, "pente", 19)[0]
    play(position, 180)
    for point in (4 * 19 + 17, 10, 4 * 19 + 18, 12, 5 * 19 + 0, 14):
        play(position, point)
    kinds = tactics(position)[1]
    assert kinds["own_fours"] == []
    assert kinds["enemy_fours"] == [11, 13]
