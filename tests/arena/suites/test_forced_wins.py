"""The committed suite of forced wins: distinct, of both kinds, and part of the proofs.

`python suites/make_forced_wins.py --verify` proves all of it; here, the first of each kind.
"""

from collections import Counter

from alphapente.arena.suites.suite import BUILT_IN, read_suite
from alphapente.rules.queries import position_key
from alphapente.search import Prover, Solver

PUZZLES = read_suite(BUILT_IN / "forced_wins.json")


def test_there_are_enough_and_they_differ() -> None:
    assert Counter(puzzle.kind for puzzle in PUZZLES) == {"by fours": 50, "by a quiet move": 50}
    assert len({puzzle.id for puzzle in PUZZLES}) == len(PUZZLES)
    assert len({position_key(puzzle.position) for puzzle in PUZZLES}) == len(PUZZLES)
    asked = {(puzzle.variant, puzzle.board_size, puzzle.goal, puzzle.plies) for puzzle in PUZZLES}
    assert asked == {("pente", 19, "win", 5)}


def test_the_solver_finds_each_of_them() -> None:
    solver = Solver(5_000)
    for puzzle in PUZZLES:
        found = solver.solve(puzzle.position)
        assert found.plies == 5, puzzle.id
        assert found.line[0] in puzzle.answers, puzzle.id


def test_exhaustive_search_finds_the_same_moves() -> None:
    prover = Prover()
    for puzzle in PUZZLES[::50]:
        assert not prover.wins(puzzle.position, 3), puzzle.id
        assert sorted(puzzle.answers) == prover.winning_moves(puzzle.position, 5), puzzle.id
