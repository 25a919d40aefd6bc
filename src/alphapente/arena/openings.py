"""Openings for matches, no two alike up to symmetry: a committed set of balanced ones, or drawn by the rules.

Drawn are a few random plies near the stones, none decided already. The sets in `opening_sets/` are those that a search
finds even as well; `suites/make_openings.py` makes them.
"""

import json
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

import numpy as np

from alphapente.errors import RequestError
from alphapente.rules.game import Game
from alphapente.rules.kernels import play
from alphapente.rules.position import Position, new_positions, stones
from alphapente.rules.symmetry import SYMMETRIES
from alphapente.rules.tactics import LOSES, WINS, tactics
from alphapente.selfplay.game import near_points

ATTEMPTS = 200
"""Openings drawn for each one wanted before the request is refused."""
SETS = Path(__file__).with_name("opening_sets")
"""The committed sets, VARIANT_SIZE.json: `{"openings": [{"moves": "1. K10 ...", "value": 0.01}, ...], ...}`."""
DRAWN_PLIES = (2, 6)
"""Plies of the openings that are drawn where no set is committed, or none of it is left."""


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


@lru_cache(maxsize=8)
def committed_openings(variant: str, size: int) -> tuple[tuple[int, ...], ...]:
    """The set that is committed for these rules and this board, as move lists; empty where there is none."""
    path = SETS / f"{variant}_{size}.json"
    if not path.is_file():
        return ()
    entries = json.loads(path.read_text(encoding="utf-8"))["openings"]
    return tuple(tuple(Game.from_moves(entry["moves"], variant, size).moves) for entry in entries)


def match_openings(
    count: int, rng: np.random.Generator, variant: str, size: int, plies: tuple[int, int] | None = None
) -> list[list[int]]:
    """`count` openings as move lists, distinct up to symmetry: of the committed set in random order, then drawn ones.

    With `plies`, the least and the most, all are drawn. Raises RequestError when there are not so many.
    """
    if plies is not None:
        return distinct_openings(count, rng, variant, size, plies)
    committed = committed_openings(variant, size)
    if not committed:
        return distinct_openings(count, rng, variant, size)
    chosen = [list(committed[index]) for index in rng.permutation(len(committed))[:count]]
    if len(chosen) == count:
        return chosen
    taken = {canonical(Game.from_moves(moves, variant, size).position) for moves in committed}
    return chosen + distinct_openings(count - len(chosen), rng, variant, size, taken=taken)


def distinct_openings(
    count: int,
    rng: np.random.Generator,
    variant: str,
    size: int,
    plies: tuple[int, int] = DRAWN_PLIES,
    taken: Collection[bytes] = (),
) -> list[list[int]]:
    """`count` drawn openings as move lists, distinct up to symmetry, none with a win or a loss by force at once.

    None leads to a position whose `canonical` bytes are `taken`. Raises RequestError when there are not so many of
    these lengths.
    """
    if not 0 <= plies[0] <= plies[1] <= 40:
        raise RequestError(f"openings of {plies[0]} to {plies[1]} plies: choose 0 <= least <= most <= 40")
    found: dict[bytes, list[int]] = {}
    for _ in range(ATTEMPTS * count):
        if len(found) == count:
            break
        moves, position = random_opening(rng, variant, size, plies)
        if position["winner"] == 0 and tactics(position)[0] not in (WINS, LOSES):
            key = canonical(position)
            if key not in taken:
                found.setdefault(key, moves)
    if len(found) < count:
        raise RequestError(
            f"only {len(found)} different openings of {plies[0]} to {plies[1]} plies were found for {count}: "
            "ask for fewer games or longer openings"
        )
    return list(found.values())
