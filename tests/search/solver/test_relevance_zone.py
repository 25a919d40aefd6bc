"""The relevance zone of a threatened VCF: every other move is played, and must lose."""

from itertools import islice

import pytest

from alphapente.rules.kernels import is_legal, play
from alphapente.rules.position import CELL_OF, IN_PLAY
from alphapente.rules.tactics import UNDECIDED, tactics
from alphapente.search.solver.proof import AREA, MAX_DEPTH
from alphapente.search.solver.relevance_zone import find_defences
from alphapente.search.solver.threats import FOURS, THREAT_POSITIONS, new_threats
from tests.search.random_play import SOUND, cells_of, open_positions
from tests.search.solver.proving import prove


def check_others_lose(variant: str, sizes: tuple[int, ...], positions: int, seed: int) -> tuple[int, int]:
    """(threats examined, moves outside the relevance zone)."""
    threats, again = new_threats(THREAT_POSITIONS), new_threats(20_000)
    found, left_out = 0, 0
    for position in islice(open_positions(variant, sizes, seed), positions):
        verdict, kinds = tactics(position)
        if verdict != UNDECIDED:
            continue
        passed = position.copy()
        passed["to_move"] = 3 - passed["to_move"]
        proof = threats.outer
        if not prove(threats, passed, MAX_DEPTH, THREAT_POSITIONS, FOURS) or not find_defences(proof):
            continue
        found += 1
        plies = int(proof.nodes[0]["length"])
        area, size = set(cells_of(proof.maps[AREA])), int(position["size"])
        for point in range(size * size):
            if CELL_OF[size, point] in area or point in kinds["own_captures"] or not is_legal(position, point):
                continue
            after = position.copy()
            play(after, point)
            assert after["winner"] == IN_PLAY
            won = tactics(after)[1]["own_wins"] or prove(again, after, plies, 20_000, FOURS)
            assert won, (variant, size, point, plies)
            left_out += 1
    return found, left_out


@pytest.mark.slow
@pytest.mark.parametrize("variant", SOUND)
def test_what_is_no_defence_loses(variant: str) -> None:
    found, left_out = check_others_lose(variant, (7, 8, 9), positions=120, seed=11)
    assert found > 5
    assert left_out > 50


@pytest.mark.slow
@pytest.mark.parametrize("variant", SOUND)
@pytest.mark.timeout(3000)
def test_what_is_no_defence_loses_in_thousands_of_positions(variant: str) -> None:
    found, left_out = check_others_lose(variant, (7, 8, 9, 13), positions=5_000, seed=12)
    assert found > 300
    assert left_out > 3_000
