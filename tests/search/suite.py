"""The tactical suite of the repository, and which of its positions a search solves."""

from collections.abc import Callable, Sequence

from alphapente.arena.suites.suite import BUILT_IN, Puzzle, read_suite, run_suite
from alphapente.config import SearchSettings
from alphapente.network.evaluator import Evaluator


def read_puzzles() -> list[Puzzle]:
    return read_suite(BUILT_IN / "tactical.json")


def solved(
    puzzles: Sequence[Puzzle],
    make_evaluator: Callable[[int, int], Evaluator],
    settings: SearchSettings,
    simulations: int,
) -> set[str]:
    """The ids of the puzzles whose move the search finds: no noise, temperature 0."""
    report = run_suite(
        puzzles, lambda batch, size: [make_evaluator(batch, size)], settings, [simulations], batch_size=64
    )
    right = report.solved(report.trials[0])
    return {puzzle.id for puzzle, found in zip(puzzles, right, strict=True) if found}
