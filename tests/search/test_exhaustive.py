"""The prover against the same search without tactics, and on known positions."""

import numpy as np
import pytest

from alphapente.rules.game import Game
from alphapente.rules.kernels import play, random_point
from alphapente.rules.notation import parse_point
from alphapente.rules.position import IN_PLAY, VARIANTS, Position, new_positions
from alphapente.search import Prover

FAST, PLAIN = Prover(), Prover(plain=True)


def random_positions(variant: str, count: int, seed: int) -> list[Position]:
    """Positions of random 7x7 games, most of them crowded: threats and captures are everywhere."""
    rng, state = np.random.default_rng(seed), np.array([seed + 1], np.uint64)
    found: list[Position] = []
    while len(found) < count:
        position = new_positions(1, variant, 7)[0]
        for _ in range(int(rng.integers(6, 36))):
            if position["winner"] == IN_PLAY:
                play(position, random_point(position, state))
        if position["winner"] == IN_PLAY:
            found.append(position)
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_replies_are_restricted_soundly(variant: str) -> None:
    """The moves that `find_tactics` omits change no result, three and four plies deep."""
    decided = 0
    for position in random_positions(variant, 70, seed=VARIANTS.index(variant)):
        plies = 4 if position["ply"] > 20 else 3
        wins = FAST.winning_moves(position, plies)
        losses = FAST.losing_moves(position, plies - 1)
        assert wins == PLAIN.winning_moves(position, plies)
        assert losses == PLAIN.losing_moves(position, plies - 1)
        assert FAST.wins(position, plies) == bool(wins) == PLAIN.wins(position, plies)
        decided += bool(wins) + bool(losses)
    assert decided > 15


def test_open_three_wins_in_three_plies_and_no_less() -> None:
    position = Game.from_moves("1. E5 A1 2. E8 A9 3. E6 J1", size=9).position
    assert not FAST.wins(position, 1)
    assert FAST.winning_moves(position, 3) == [parse_point("E7", 9)]


def test_four_must_be_answered() -> None:
    position = Game.from_moves("1. E5 A1 2. E8 E9 3. E6 A5 4. E7", size=9).position
    assert len(FAST.losing_moves(position, 1)) == 81 - 7 - 1
    assert parse_point("E4", 9) not in FAST.losing_moves(position, 1)
