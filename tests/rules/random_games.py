"""Random games in which moves near other stones, captures, threats and blocks are more likely."""

import numpy as np

from alphapente.rules import Position
from alphapente.rules.position import CELL_OF, EMPTY
from tests.rules.oracle import DIRECTIONS, Oracle, Point


def point_at(oracle: Oracle, index: int) -> Point:
    """The oracle's point for an index counted row by row from the top left."""
    return oracle.points[index]


def board_of(oracle: Oracle) -> list[int]:
    """The oracle's stones by index, row by row from the top left."""
    return [oracle.stones.get(point, 0) for point in oracle.points]


def kernel_board(position: Position) -> list[int]:
    size = int(position["size"])
    board: list[int] = position["board"][CELL_OF[size, : size * size]].tolist()
    return board


def choose(oracle: Oracle, legal: list[Point], style: str, rng: np.random.Generator) -> Point:
    """A legal move. `style`: uniform; near (next to a stone); lines (long own lines); taking (sets up captures);
    full (avoids winning lines, so that boards fill)."""
    if style == "uniform" or not oracle.stones or rng.random() < 0.1:
        return legal[rng.integers(len(legal))]
    me = oracle.ply % 2 + 1
    around = list(oracle.stones)
    seeds = [around[i] for i in rng.integers(len(around), size=12)]
    open_to = set(legal)
    steps = [DIRECTIONS[i] for i in rng.integers(8, size=12)]
    near = [(s[0] + d[0], s[1] + d[1]) for s, d in zip(seeds, steps, strict=True)]
    near = [p for p in near if p in open_to] or [legal[rng.integers(len(legal))]]
    if style == "near":
        return near[0]
    scores = [_score(oracle, p, me, style) for p in near]
    return near[int(np.argmax(scores))]


def _score(oracle: Oracle, point: Point, me: int, style: str) -> int:
    score = 0
    for x, y in DIRECTIONS:
        row = [oracle.stones.get((point[0] + x * i, point[1] + y * i), 0) for i in range(1, 5)]
        own = 0
        while own < 4 and row[own] == me:
            own += 1
        if style == "lines":
            score += own
        elif style == "full":
            score -= own * own + (3 if row[:3] == [3 - me, 3 - me, me] else 0)
        else:
            score += 8 * (row[:3] == [3 - me, 3 - me, me]) + 2 * (row[:2] == [3 - me, 3 - me]) + own
            score += 4 * (row[:2] == [me, 3 - me])
    return score


def is_empty(position: Position, index: int) -> bool:
    return bool(position["board"][CELL_OF[int(position["size"]), index]] == EMPTY)
