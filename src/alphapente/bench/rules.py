"""Random moves per second of the rules, captures and win checks included, on one core."""

import numpy as np
from numpy.typing import NDArray

from alphapente.bench.report import Result, Row, rate
from alphapente.compiled import kernel
from alphapente.rules.kernels import copy_position, play_random_game
from alphapente.rules.position import VARIANTS, Positions, new_positions

GAMES = 200


@kernel
def _play_games(blank: Positions, positions: Positions, state: NDArray[np.uint64], games: int) -> int:
    moves = 0
    for _ in range(games):
        copy_position(positions[0], blank[0])
        moves += play_random_game(positions[0], state)
    return moves


def bench_rules(seconds: float) -> Result:
    """Random games of each variant on 19x19, `seconds` in total."""
    rows = []
    for variant in VARIANTS:
        blank, positions = new_positions(1, variant), new_positions(1, variant)
        state = np.array([20_260_101], np.uint64)

        def work(blank: Positions = blank, positions: Positions = positions, state: NDArray[np.uint64] = state) -> int:
            return int(_play_games(blank, positions, state, GAMES))

        rows.append(Row(f"rules.{variant}", rate(work, seconds / len(VARIANTS)), "random moves/s"))
    return Result(rows)
