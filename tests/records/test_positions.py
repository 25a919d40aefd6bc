"""Records converted to positions: a network reads the same as in the game."""

from pathlib import Path

import numpy as np
import pytest

from alphapente.network.planes import encode_batch
from alphapente.records.positions import positions_of
from alphapente.records.store import Store
from alphapente.rules.kernels import play
from alphapente.rules.position import POSITION, new_positions
from tests.records.samples import random_game


@pytest.mark.parametrize("variant", ["pente", "boat", "keryo"])
def test_positions_of_records_are_those_of_the_game(tmp_path: Path, variant: str) -> None:
    games = [random_game(seed, variant, 7) for seed in range(8)]
    seen = []
    pending = 0
    for game in games:
        position = new_positions(1, variant, 7)[0]
        for move in game.moves:
            one = np.zeros(1, POSITION)
            one[0] = position
            seen.append(encode_batch(one)[0])
            pending += int(position["pending"])
            play(position, move)
    with Store(tmp_path / "records.db") as store:
        for game in games:
            store.add_game(game)
        records = store.sample("recent", 10_000, np.random.default_rng(0), variant, 7)
    np.testing.assert_array_equal(encode_batch(positions_of(records)), np.array(seen))
    assert pending > 0 or variant != "boat", "no pending five occurred: choose other seeds"
