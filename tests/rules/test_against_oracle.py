"""The kernels agree with the slow oracle at every ply of thousands of random games."""

from collections import Counter

import numpy as np
import pytest
from numba import config

from alphapente.rules import VARIANTS, new_positions
from alphapente.rules.kernels import legal_points, play
from alphapente.rules.position import BORDER, CELL_OF, IN_PLAY, WON_BY
from tests.rules.oracle import Oracle
from tests.rules.random_games import board_of, choose, kernel_board

STYLES = ("uniform", "near", "lines", "taking", "full")
SIZES = (7, 7, 7, 8, 8, 9, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)
GAMES = 25 if config.DISABLE_JIT else 400
"""Games of each variant."""

MUST_HAPPEN = {
    "pente": ("two captured", "captures in several directions at once", "ended by five", "ended by captures"),
    "gpente": ("two captured", "captures in several directions at once", "ended by five", "ended by captures"),
    "keryo": ("two captured", "three captured", "ended by five", "ended by captures"),
    "gomoku": ("overline", "ended by five", "ended by draw"),
    "poof": (
        "tie at ten or more",
        "poof",
        "poof of several pairs",
        "poof and capture at once",
        "ended by five",
        "ended by captures",
    ),
    "boat": ("waiting five won", "waiting five broken", "five won at once", "ended by captures"),
}


def play_and_compare(variant: str, size: int, style: str, rng: np.random.Generator) -> Oracle:
    """Plays one game on both, asserting after every ply that they agree; returns the oracle."""
    oracle = Oracle(variant, size)
    position = new_positions(1, variant, size)[0]
    legal_out = np.empty(size * size, np.int16)
    index_of = {point: index for index, point in enumerate(oracle.points)}
    border = np.setdiff1d(np.arange(len(position["board"])), CELL_OF[size, : size * size])
    moves: list[int] = []
    while True:
        legal = oracle.legal()
        where = f"{variant} {size}x{size} {style} after {moves}"
        assert legal_out[: legal_points(position, legal_out)].tolist() == [index_of[p] for p in legal], where
        assert kernel_board(position) == board_of(oracle), where
        assert position["captured"].tolist() == [oracle.captured[1], oracle.captured[2]], where
        assert int(position["ply"]) == oracle.ply == len(oracle.stones) + sum(oracle.captured.values()), where
        winner = None if position["winner"] == IN_PLAY else int(position["winner"])
        assert winner == oracle.winner, where
        assert (None if winner is None else WON_BY[position["won_by"]]) == oracle.won_by, where
        assert bool(position["pending"]) == oracle.waiting_five or winner is not None, where
        assert (position["board"][border] == BORDER).all(), where
        if winner is not None:
            return oracle
        point = choose(oracle, legal, style, rng)
        moves.append(index_of[point])
        oracle.play(point)
        play(position, index_of[point])
        assert position["last"] == moves[-1]
        assert position["to_move"] == len(moves) % 2 + 1


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_kernels_agree_with_the_oracle_at_every_ply(variant: str) -> None:
    rng = np.random.default_rng([2024, VARIANTS.index(variant)])
    events: Counter[str] = Counter()
    for game in range(GAMES):
        oracle = play_and_compare(variant, SIZES[game % len(SIZES)], STYLES[game % len(STYLES)], rng)
        events.update(oracle.events)
        events["plies"] += oracle.ply
    print(variant, dict(events))
    if not config.DISABLE_JIT:
        missing = [event for event in MUST_HAPPEN[variant] if events[event] < 3]
        assert not missing, f"{variant}: {missing} hardly happened in {GAMES} games: {dict(events)}"
