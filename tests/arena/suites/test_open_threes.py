"""The committed suite of open threes: only one player has threats, positions are distinct, and part of the proofs.

`python suites/make_open_threes.py --verify` proves all of it; here, every twenty-fourth position.
"""

from collections import Counter

import numpy as np

from alphapente.arena.suites.suite import BUILT_IN, read_suite
from alphapente.rules.kernels import play
from alphapente.rules.position import POSITION, Position
from alphapente.rules.queries import position_key
from alphapente.rules.tactics import UNDECIDED, tactics
from alphapente.search import Prover

PUZZLES = read_suite(BUILT_IN / "open_threes.json")


def passed(position: Position) -> Position:
    copy = np.zeros(1, POSITION)
    copy[0] = position
    copy[0]["to_move"] = 3 - copy[0]["to_move"]
    return copy[0]


def test_there_are_enough_and_they_differ() -> None:
    assert len(PUZZLES) >= 250
    assert len({puzzle.id for puzzle in PUZZLES}) == len(PUZZLES)
    assert len({position_key(puzzle.position) for puzzle in PUZZLES}) == len(PUZZLES)
    assert {(puzzle.variant, puzzle.board_size, puzzle.goal) for puzzle in PUZZLES} == {("pente", 19, "save")}
    assert min(Counter(puzzle.kind for puzzle in PUZZLES).values()) >= 100
    assert min(Counter(int(puzzle.position["to_move"]) for puzzle in PUZZLES).values()) >= 100
    assert sum(bool(puzzle.position["captured"].any()) for puzzle in PUZZLES) >= 100
    assert max(len(puzzle.answers) for puzzle in PUZZLES) <= 8


def test_only_one_side_has_threats() -> None:
    """The player to move has no win and no four to make; the opponent has no win at once, but can make a four."""
    for puzzle in PUZZLES:
        verdict, found = tactics(puzzle.position)
        assert verdict == UNDECIDED, puzzle.id
        assert not found["own_fours"], puzzle.id
        assert found["enemy_fours"], puzzle.id


def test_every_expected_move_answers_the_three() -> None:
    """No other move answers it; after the expected one the opponent has no win in three plies."""
    prover = Prover()
    for puzzle in PUZZLES[::24]:
        position = puzzle.position
        assert prover.wins(passed(position), 3), puzzle.id
        assert not prover.wins(position, 3), puzzle.id
        assert sorted(puzzle.answers) == prover.right_moves(position, "save", 3), puzzle.id
        play(position, min(puzzle.answers))
        assert not prover.wins(position, 5), puzzle.id
