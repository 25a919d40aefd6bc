"""Suites: positions with known right moves, which a network solves alone and by search.

A suite is a JSON list: `[{"state": "1. K10 L9 2. K14", "expected": ["N11"]}]`. Optional keys of a position are
`variant`, `board_size`, `id`, `kind` (a category), and what is proven (`goal`, `plies`, `proof`).
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from alphapente.arena.players.base import Player, PolicyPlayer, SearchPlayer, Turn
from alphapente.config import SearchSettings
from alphapente.errors import RequestError
from alphapente.files import StrPath, write_text
from alphapente.network.evaluator import Evaluator
from alphapente.rules.game import Game
from alphapente.rules.notation import parse_point, point_name
from alphapente.rules.position import MAX_SIZE, VARIANTS, Position

BUILT_IN = Path(__file__).parent
"""The folder of the built-in suites."""
MAX_SIMULATIONS = 100_000
GOALS = ("", "win", "save")

MakeEvaluators = Callable[[int, int], Sequence[Evaluator]]
"""(batch_size, board_size) -> evaluators that work in parallel, each in a thread of its own."""


@dataclass(frozen=True)
class Puzzle:
    """One position: `state`, the moves that lead to it, and `expected`, all right moves.

    `goal` and `plies` are what is proven. "win": the expected moves, and no others, win within `plies` plies. "save":
    after every other move the opponent wins within `plies` plies. "": nothing.
    """

    state: str
    expected: tuple[str, ...]
    id: str = ""
    kind: str = ""
    variant: str = "pente"
    board_size: int = MAX_SIZE
    goal: str = ""
    plies: int = 0
    proof: str = ""

    @property
    def position(self) -> Position:
        """The position, a new copy. Raises NotationError, IllegalMoveError for an invalid state."""
        return self.game.position

    @property
    def game(self) -> Game:
        """The game that leads to it. Raises as `position`."""
        return Game.from_moves(self.state, self.variant, self.board_size)

    @cached_property
    def answers(self) -> frozenset[int]:
        """The expected moves as points. Raises NotationError."""
        return frozenset(parse_point(name, self.board_size) for name in self.expected)


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of one budget. `answers` is the point played in each position; `simulations` 0 is the policy alone."""

    simulations: int
    answers: tuple[int, ...]
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Lost:
    """A position solved with fewer simulations and missed with more. `place` is its index in the suite."""

    place: int
    solved_at: int
    missed_at: int


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """The trials of a suite, from the smallest budget to the largest."""

    puzzles: tuple[Puzzle, ...]
    trials: tuple[Trial, ...]

    def solved(self, trial: Trial) -> list[bool]:
        """Whether each position was solved."""
        return [point in puzzle.answers for point, puzzle in zip(trial.answers, self.puzzles, strict=True)]

    def by_kind(self, trial: Trial) -> dict[str, tuple[int, int]]:
        """(solved, positions) of each kind, in the suite's order."""
        counts: dict[str, tuple[int, int]] = {}
        for right, puzzle in zip(self.solved(trial), self.puzzles, strict=True):
            found, total = counts.get(puzzle.kind, (0, 0))
            counts[puzzle.kind] = (found + right, total + 1)
        return counts

    def lost(self) -> list[Lost]:
        """The positions that the next larger budget misses."""
        found = []
        for fewer, more in pairwise(self.trials):
            pairs = zip(self.solved(fewer), self.solved(more), strict=True)
            found += [
                Lost(place, fewer.simulations, more.simulations)
                for place, (before, after) in enumerate(pairs)
                if before and not after
            ]
        return sorted(found, key=lambda one: (one.place, one.solved_at))


def run_suite(
    puzzles: Sequence[Puzzle],
    make_evaluators: MakeEvaluators,
    settings: SearchSettings,
    budgets: Sequence[int],
    batch_size: int = 32,
    on_budget_fn: Callable[[int], None] | None = None,
) -> SuiteReport:
    """Finds a move for each position with the network alone (budget 0) and with each budget of simulations.

    The best move found is played, without noise or temperature. Each evaluator searches up to `batch_size` positions in
    parallel. `on_budget_fn` is called with each budget before it begins. Raises RequestError for invalid budgets.
    """
    if not budgets or min(budgets) < 0 or max(budgets) > MAX_SIMULATIONS:
        raise RequestError(
            f"simulations {list(budgets)}: choose whole numbers from 0 (raw policy) to {MAX_SIMULATIONS:,}"
        )
    by_size: dict[int, list[int]] = defaultdict(list)
    for place, puzzle in enumerate(puzzles):
        by_size[puzzle.board_size].append(place)
    evaluators = {size: make_evaluators(min(batch_size, len(places)), size) for size, places in by_size.items()}
    trials = []
    for budget in sorted(set(budgets)):
        if on_budget_fn is not None:
            on_budget_fn(budget)
        started = time.monotonic()
        answers = [-1] * len(puzzles)
        for size, places in by_size.items():
            _find_moves(puzzles, places, [_player(one, settings, budget) for one in evaluators[size]], answers)
        trials.append(Trial(budget, tuple(answers), time.monotonic() - started))
    return SuiteReport(tuple(puzzles), tuple(trials))


def _player(evaluator: Evaluator, settings: SearchSettings, budget: int) -> Player:
    return SearchPlayer(evaluator, settings, budget) if budget else PolicyPlayer(evaluator)


def _find_moves(
    puzzles: Sequence[Puzzle], places: Sequence[int], players: Sequence[Player], answers: list[int]
) -> None:
    """Distributes the positions at `places` over the players, which work in parallel; writes moves to `answers`."""

    def work(number: int) -> None:
        own = places[number :: len(players)]
        games = [puzzles[place].game for place in own]
        turns = [
            Turn(place, game.moves, game.position, np.random.default_rng(0))
            for place, game in zip(own, games, strict=True)
        ]
        for place, answer in zip(own, players[number].choose(turns), strict=True):
            answers[place] = -1 if answer.point is None else answer.point

    with ThreadPoolExecutor(len(players)) as pool:
        list(pool.map(work, range(len(players))))


def find_suite(name: StrPath) -> Path:
    """The file of a suite: `name` itself, or the built-in suite of that name. Raises RequestError if there is none."""
    name = Path(name)
    if name.exists():
        return name
    built_in = BUILT_IN / f"{name}.json"
    if name.parent == Path() and built_in.is_file():
        return built_in
    known = ", ".join(sorted(path.stem for path in BUILT_IN.glob("*.json")))
    raise RequestError(f"there is no suite {name}: name a JSON file, or a built-in one: {known}")


def read_suite(path: StrPath, variant: str = "pente", board_size: int = MAX_SIZE) -> list[Puzzle]:
    """The positions of a suite file. `variant` and `board_size` are the defaults for positions without these keys.

    Each position is replayed by the rules. Raises RequestError, with the position's number, for an invalid file.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(f"cannot read the suite {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path} is no suite: not JSON ({error}); {_EXAMPLE}") from error
    if not isinstance(values, list) or not values:
        raise RequestError(f"{path} is no suite: found {_kind_of(values)}; {_EXAMPLE}")
    puzzles = []
    for number, entry in enumerate(values, 1):
        try:
            puzzles.append(_puzzle(entry, number, variant, board_size))
        except RequestError as error:
            raise RequestError(f"{path}: position {number}: {error}") from error
    return puzzles


_EXAMPLE = 'write a list of positions: [{"state": "1. K10 L9 2. K14", "expected": ["N11"]}]'
_TYPES = {field.name: field.type for field in fields(Puzzle)}


def _kind_of(value: object) -> str:
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    names = {dict: "an object", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _puzzle(entry: object, number: int, variant: str, board_size: int) -> Puzzle:
    if not isinstance(entry, dict):
        raise RequestError(f'found {_kind_of(entry)}; write an object with "state" and "expected"')
    values = {"variant": variant, "board_size": board_size, "id": str(number), **entry}
    _check_keys(values)
    if values["variant"] not in VARIANTS:
        raise RequestError(f"unknown variant {values['variant']!r}: choose one of {', '.join(VARIANTS)}")
    if values.get("goal", "") not in GOALS:
        raise RequestError(f'unknown goal {values["goal"]!r}: choose "win" or "save", or omit it')
    values["expected"] = tuple(values["expected"])
    puzzle = Puzzle(**values)
    _check_answers(puzzle)
    return puzzle


def _check_keys(values: Mapping[str, Any]) -> None:
    for key in ("state", "expected"):
        if key not in values:
            raise RequestError(f'no "{key}"; write "state", the moves so far, and "expected", a list of right moves')
    for key, value in values.items():
        if key not in _TYPES:
            raise RequestError(f'unknown key "{key}"; allowed: {", ".join(_TYPES)}')
        if key == "expected":
            if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
                raise RequestError('"expected" is no list of moves; write the right moves, like ["N11"]')
        elif type(value) is not _TYPES[key]:
            raise RequestError(f'"{key}" is {json.dumps(value)[:40]}; write {_WORDS[_TYPES[key]]}')


_WORDS: dict[Any, str] = {str: "a text", int: "a whole number"}


def _check_answers(puzzle: Puzzle) -> None:
    """Raises RequestError for a state whose game is over, or an expected move that is not legal."""
    game = puzzle.game
    if game.winner is not None:
        raise RequestError("the game is over there: remove the last move")
    legal = set(game.legal_points())
    for point in sorted(puzzle.answers - legal):
        raise RequestError(f"the expected move {point_name(point, puzzle.board_size)} is not legal there")


_ORDER = ("id", "kind", "variant", "board_size", "state", "expected", "goal", "plies", "proof")


def write_suite(path: StrPath, puzzles: Sequence[Puzzle]) -> None:
    """Writes a suite, one line for each position. Empty values are omitted."""
    lines = []
    for puzzle in puzzles:
        values = asdict(puzzle)
        given = {key: values[key] for key in _ORDER if key == "state" or values[key] not in ("", 0)}
        lines.append(json.dumps(given, ensure_ascii=False))
    write_text(path, "[\n" + ",\n".join(lines) + "\n]\n")
