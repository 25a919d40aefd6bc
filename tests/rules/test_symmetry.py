"""Symmetry: the tables are a group of eight, and a transformed game has transformed positions at every ply."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import config

from alphapente.errors import RequestError
from alphapente.rules import SYMMETRIES, VARIANTS, new_positions, parse_point, point_name, transform_positions
from alphapente.rules.kernels import is_legal, play
from alphapente.rules.position import MAX_SIZE, MIN_SIZE, POSITION
from alphapente.rules.symmetry import COMPOSITION, INVERSE, NUM_SYMMETRIES, SYMMETRY_TABLES, copy_turned
from alphapente.rules.tactics import find_tactics, new_bitboards
from tests.rules.oracle import Oracle
from tests.rules.random_games import choose

EXAMPLES = 4 if config.DISABLE_JIT else 40


@pytest.mark.parametrize("size", range(MIN_SIZE, MAX_SIZE + 1))
def test_the_tables_are_a_group(size: int) -> None:
    table = SYMMETRIES[size]
    points = np.arange(size * size)
    assert table.dtype == np.int16
    assert (table[0] == points).all()
    assert len(np.unique(table, axis=0)) == NUM_SYMMETRIES
    assert (SYMMETRY_TABLES[size, :, : size * size] == table).all()
    for first in range(NUM_SYMMETRIES):
        assert (table[INVERSE[first]][table[first]] == points).all()
        for then in range(NUM_SYMMETRIES):
            assert (table[then][table[first]] == table[COMPOSITION[first, then]]).all()


def test_where_a_corner_goes() -> None:
    start = parse_point("B19")
    names = [point_name(int(landing)) for landing in SYMMETRIES[19][:, start]]
    assert names == ["B19", "S19", "B1", "S1", "A18", "T18", "A2", "T2"]


def test_an_unknown_symmetry_is_refused() -> None:
    with pytest.raises(RequestError, match="no symmetry 8: choose 0 to 7"):
        transform_positions(new_positions(1), 8)


def test_positions_of_several_sizes_are_transformed_together() -> None:
    positions = np.concatenate([new_positions(1, "gomoku", 7), new_positions(1, "pente", 19)])
    play(positions[0], 0)
    play(positions[1], 180)
    transformed = transform_positions(positions, 3)
    assert transformed["last"].tolist() == [48, 180]
    assert transform_positions(transformed, int(INVERSE[3])).tobytes() == positions.tobytes()


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    variant=st.sampled_from(VARIANTS),
    size=st.integers(MIN_SIZE, MAX_SIZE),
    style=st.sampled_from(["near", "lines", "taking"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_symmetric_game_has_symmetric_records(variant: str, size: int, style: str, seed: int) -> None:
    """All eight, every variant. On odd boards (or with a free opening) the legal points are transformed too."""
    rng = np.random.default_rng(seed)
    table = SYMMETRIES[size]
    games = np.concatenate([new_positions(1, variant, size) for _ in range(NUM_SYMMETRIES)])
    oracle = Oracle(variant, size)
    index_of = {point: index for index, point in enumerate(oracle.points)}
    symmetric_opening = size % 2 == 1 or variant == "gomoku"
    while oracle.winner is None and oracle.ply < 60:
        point = choose(oracle, oracle.legal(), style, rng)
        oracle.play(point)
        for symmetry in range(NUM_SYMMETRIES):
            transformed = int(table[symmetry, index_of[point]])
            assert is_legal(games[symmetry], transformed) or not symmetric_opening
            play(games[symmetry], transformed)
            assert transform_positions(games[:1], symmetry)[0].tobytes() == games[symmetry].tobytes()
    if oracle.winner is None:
        bits, transformed_copy = new_bitboards(), np.zeros(2, POSITION)
        find_tactics(games[0], bits, transformed_copy[1])
        for symmetry in range(NUM_SYMMETRIES):  # one after the other into the same record
            copy_turned(transformed_copy[0], games[0], bits, symmetry)
            assert transformed_copy[0].tobytes() == games[symmetry].tobytes()
