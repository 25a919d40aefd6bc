"""Openings for matches: a few random plies near the stones, no two alike up to symmetry, none decided already."""

import numpy as np

from alphapente.errors import RequestError
from alphapente.rules.kernels import play
from alphapente.rules.position import Position, new_positions, stones
from alphapente.rules.symmetry import SYMMETRIES
from alphapente.rules.tactics import LOSES, WINS, tactics
from alphapente.selfplay.game import near_points

ATTEMPTS = 200
"""Openings drawn for each one wanted before the request is refused."""


def canonical(position: Position) -> bytes:
    """The same bytes for all positions that are equal up to symmetry."""
    board, size = stones(position), int(position["size"])
    views = (board[landing].tobytes() for landing in SYMMETRIES[size])
    rest = f"{position['captured'].tolist()} {position['to_move']}"
    smallest: bytes = min(views)
    return smallest + rest.encode()


def random_opening(
    rng: np.random.Generator, variant: str, size: int, plies: tuple[int, int]
) -> tuple[list[int], Position]:
    """The moves of one random opening of plies[0] to plies[1] moves, and the position they lead to."""
    position = new_positions(1, variant, size)[0]
    moves: list[int] = []
    for _ in range(int(rng.integers(plies[0], plies[1] + 1))):
        point = int(rng.choice(near_points(position)))
        play(position, point)
        moves.append(point)
    return moves, position


def distinct_openings(
    count: int, rng: np.random.Generator, variant: str, size: int, plies: tuple[int, int] = (2, 6)
) -> list[list[int]]:
    """`count` openings as move lists, distinct up to symmetry, none with a win or a loss by force at once.

    Raises RequestError when there are not so many of these lengths.
    """
    if not 0 <= plies[0] <= plies[1] <= 40:
        raise RequestError(f"openings of {plies[0]} to {plies[1]} plies: choose 0 <= least <= most <= 40")
    found: dict[bytes, list[int]] = {}
    for _ in range(ATTEMPTS * count):
        if len(found) == count:
            break
        moves, position = random_opening(rng, variant, size, plies)
        if position["winner"] == 0 and tactics(position)[0] not in (WINS, LOSES):
            found.setdefault(canonical(position), moves)
    if len(found) < count:
        raise RequestError(
            f"only {len(found)} different openings of {plies[0]} to {plies[1]} plies were found for {count}: "
            "ask for fewer games or longer openings"
        )
    return list(found.values())
