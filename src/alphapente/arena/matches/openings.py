"""Openings for matches, all distinct up to symmetry: from a committed balanced set, or drawn at random.

A drawn opening is a few random plies near the stones that decide nothing yet. The openings in `opening_sets/` are also
even according to a search; `suites/make_openings.py` makes these sets.
"""

import json
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

import numpy as np

from alphapente.errors import RequestError
from alphapente.rules.game import Game
from alphapente.rules.kernels import play
from alphapente.rules.near import near_points
from alphapente.rules.position import IN_PLAY, Position, new_positions
from alphapente.rules.queries import position_key
from alphapente.rules.tactics import LOSES, WINS, tactics

ATTEMPTS = 200
"""Random games to try for one opening: after this number that end within it, RequestError is raised."""
MOST_MISSES = 2000
"""Rejected openings in a row after which RequestError is raised."""
MAX_PLIES = 40
"""Maximum length of a drawn opening."""
SETS = Path(__file__).with_name("opening_sets")
"""The committed sets, VARIANT_SIZE.json: `{"openings": [{"moves": "1. K10 ...", "value": 0.01}, ...], ...}`."""
DRAWN_PLIES = (2, 6)
"""Range of plies of openings that are drawn because there is no committed set or it is used up."""


def random_opening(
    rng: np.random.Generator, variant: str, size: int, plies: tuple[int, int]
) -> tuple[list[int], Position]:
    """The moves of one random opening of plies[0] to plies[1] plies, and the position after them, still in play.

    Raises RequestError for lengths out of range, or if each of ATTEMPTS random games ends within its opening.
    """
    least, most = plies
    if not 0 <= least <= most <= MAX_PLIES:
        raise RequestError(f"openings of {least} to {most} plies: choose 0 <= least <= most <= {MAX_PLIES}")
    for _ in range(ATTEMPTS):
        position = new_positions(1, variant, size)[0]
        moves: list[int] = []
        wanted = int(rng.integers(least, most + 1))
        while len(moves) < wanted and position["winner"] == IN_PLAY:
            moves.append(int(rng.choice(near_points(position))))
            play(position, moves[-1])
        if position["winner"] == IN_PLAY:
            return moves, position
    raise RequestError(
        f"no opening of {least} to {most} plies was found for {variant} {size}x{size}: each of {ATTEMPTS} random games "
        "was over by then; choose fewer plies or a larger board"
    )


@lru_cache(maxsize=8)
def committed_openings(variant: str, size: int) -> tuple[tuple[int, ...], ...]:
    """The committed set for these rules and this board, as move lists; empty if there is none."""
    path = SETS / f"{variant}_{size}.json"
    if not path.is_file():
        return ()
    entries = json.loads(path.read_text(encoding="utf-8"))["openings"]
    return tuple(tuple(Game.from_moves(entry["moves"], variant, size).moves) for entry in entries)


def match_openings(
    count: int, rng: np.random.Generator, variant: str, size: int, plies: tuple[int, int] | None = None
) -> list[list[int]]:
    """`count` openings as move lists, distinct up to symmetry: the committed set in random order, then drawn ones.

    With `plies` (minimum, maximum) all are drawn. Raises RequestError if fewer are found.
    """
    if plies is not None:
        return distinct_openings(count, rng, variant, size, plies)
    committed = committed_openings(variant, size)
    if not committed:
        return distinct_openings(count, rng, variant, size)
    chosen = [list(committed[index]) for index in rng.permutation(len(committed))[:count]]
    if len(chosen) == count:
        return chosen
    taken = {position_key(Game.from_moves(moves, variant, size).position) for moves in committed}
    return chosen + distinct_openings(count - len(chosen), rng, variant, size, taken=taken)


def distinct_openings(
    count: int,
    rng: np.random.Generator,
    variant: str,
    size: int,
    plies: tuple[int, int] = DRAWN_PLIES,
    taken: Collection[bytes] = (),
) -> list[list[int]]:
    """`count` drawn openings as move lists, distinct up to symmetry, none finished or decided by tactics.

    None has a `position_key` that is in `taken`. Raises RequestError as `random_opening`, and if fewer such openings of
    these lengths are found.
    """
    found: dict[bytes, list[int]] = {}
    misses = decided = 0
    while len(found) < count and misses < MOST_MISSES:
        moves, position = random_opening(rng, variant, size, plies)
        misses += 1
        if tactics(position)[0] in (WINS, LOSES):
            decided += 1
            continue
        key = position_key(position)
        if key not in taken and key not in found:
            found[key] = moves
            misses = decided = 0
    if len(found) < count:
        advice = "choose fewer plies or a larger board" if decided > misses / 2 else "choose fewer games or more plies"
        raise RequestError(
            f"only {len(found)} of {count} different openings of {plies[0]} to {plies[1]} plies were found for "
            f"{variant} {size}x{size}: {advice}"
        )
    return list(found.values())
