"""Reads the committed suite of tactical positions and lets the search try them, all of one board size together."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alphapente.config import SearchSettings
from alphapente.network.evaluator import Evaluator
from alphapente.rules.game import Game
from alphapente.rules.notation import parse_moves, parse_point
from alphapente.rules.position import Position
from alphapente.search.forest import Forest

SUITE = Path(__file__).parents[2] / "suites" / "tactical.json"


@dataclass(frozen=True)
class Puzzle:
    id: str
    category: str
    variant: str
    size: int
    state: str
    expected: list[str]
    goal: str
    plies: int
    proof: str

    @property
    def position(self) -> Position:
        return Game.from_moves(parse_moves(self.state, self.size).moves, self.variant, self.size).position

    @property
    def answers(self) -> set[int]:
        return {parse_point(name, self.size) for name in self.expected}


def read_puzzles() -> list[Puzzle]:
    return [Puzzle(**values) for values in json.loads(SUITE.read_text(encoding="utf-8"))]


def solved(
    puzzles: Sequence[Puzzle],
    make_evaluator: Callable[[int, int], Evaluator],
    settings: SearchSettings,
    simulations: int,
) -> set[str]:
    """The ids of the puzzles whose move the search finds: no noise, temperature 0."""
    by_size: dict[int, list[Puzzle]] = defaultdict(list)
    for puzzle in puzzles:
        by_size[puzzle.size].append(puzzle)
    found: set[str] = set()
    for size, group in by_size.items():
        forest = Forest(make_evaluator(len(group), size), settings, num_trees=len(group), simulations=simulations)
        for tree, puzzle in enumerate(group):
            forest.set_position(tree, puzzle.position)
            forest.start(tree, np.random.default_rng(0))
        waiting = set(range(len(group)))
        while waiting:
            for tree in set(forest.step()) & waiting:
                waiting.remove(tree)
                if forest.result(tree).point in group[tree].answers:
                    found.add(group[tree].id)
    return found
