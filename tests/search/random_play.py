"""Positions of partly sensible, partly random games: full of fours, threes, pairs and captures."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from alphapente.rules.kernels import is_legal, play, random_point
from alphapente.rules.position import CAPTURES_TO_WIN, GOMOKU, IN_PLAY, VARIANTS, Position, new_positions, stones
from alphapente.rules.tactics import LOSES, MUST_REPLY, WINS, tactics

SOUND = tuple(name for name in VARIANTS if name not in ("poof", "boat"))
"""The variants in which the threat solver claims wins."""


def cells_of(bits: NDArray[np.uint64]) -> list[int]:
    """The cells of a bitboard, bit by bit."""
    words = bits[1:9].tolist()
    return [80 + 64 * word + bit for word in range(8) for bit in range(64) if words[word] >> bit & 1]


def _sensible_points(position: Position, rng: np.random.Generator) -> list[int]:
    """Points that make or stop a threat, or else one close to a stone."""
    verdict, kinds = tactics(position)
    if verdict == MUST_REPLY:
        return kinds["replies"]
    lively = kinds["own_fours"] + kinds["enemy_fours"] + kinds["own_captures"]
    if lively and rng.random() < 0.6:
        return lively
    size = int(position["size"])
    board = stones(position).reshape(size, size)
    placed = np.argwhere(board > 0)
    if not len(placed):
        return []
    row, column = placed[rng.integers(len(placed))] + rng.integers(-2, 3, 2)
    return [int(row * size + column)] if 0 <= row < size and 0 <= column < size else []


def play_on(position: Position, rng: np.random.Generator, plies: int) -> None:
    """Plays this number of moves, or to the end of the game; does not look for wins at once."""
    state = np.array([rng.integers(1, 2**62)], np.uint64)
    for _ in range(plies):
        if position["winner"] != IN_PLAY:
            return
        points = _sensible_points(position, rng) if rng.random() < 0.85 else []
        points = [point for point in points if is_legal(position, point)]
        play(position, points[rng.integers(len(points))] if points else int(random_point(position, state)))


def open_positions(variant: str, sizes: tuple[int, ...], seed: int, most_plies: int = 40) -> Iterator[Position]:
    """Endless: positions in play that tactics do not decide, half of them with invented numbers of captures."""
    rng = np.random.default_rng([seed, VARIANTS.index(variant)])
    while True:
        position = new_positions(1, variant, int(rng.choice(sizes)))[0]
        play_on(position, rng, int(rng.integers(6, most_plies)))
        if position["winner"] != IN_PLAY or position["ply"] < 4:
            continue
        if position["variant"] != GOMOKU and rng.random() < 0.5:
            pairs = CAPTURES_TO_WIN[position["variant"]] // 2
            position["captured"][:] = 2 * rng.integers(0, pairs, 2)
        if tactics(position)[0] not in (WINS, LOSES):
            yield position
