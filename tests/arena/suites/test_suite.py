"""Suites of positions: parsing of their files, and reports of networks and searches on them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.arena.suites.suite import (
    BUILT_IN,
    MakeEvaluators,
    Puzzle,
    SuiteReport,
    Trial,
    find_suite,
    read_suite,
    run_suite,
    write_suite,
)
from alphapente.config import SearchSettings
from alphapente.errors import RequestError
from alphapente.network.evaluator import Outputs, UniformEvaluator, Wanted
from alphapente.rules.notation import parse_point
from alphapente.rules.position import Positions

FOUR = "1. F6 A1 2. G2 A2 3. G3 A3 4. G4 A4 5. B9"
"""On 11x11: player 2 has A1 to A4 and completes five at A5."""


def suite_file(folder: Path, entries: Any) -> Path:
    path = folder / "own.json"
    path.write_text(json.dumps(entries))
    return path


def heuristic(workers: int = 1) -> MakeEvaluators:
    return lambda batch, size: [HeuristicEvaluator(batch, size) for _ in range(workers)]


class Fixed(UniformEvaluator):
    """Prefers one point, whatever the position."""

    point = 0

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:
        policy, value = super().evaluate(positions, wanted)
        policy = policy.copy()
        policy[:, self.point] = 3.0
        return policy, value


def test_a_suite_is_read_with_and_without_optional_keys(tmp_path: Path) -> None:
    path = suite_file(
        tmp_path,
        [
            {"state": "1. K10 L9 2. K14", "expected": ["N11"]},
            {"state": FOUR, "expected": ["A5"], "variant": "keryo", "board_size": 11, "kind": "four", "id": "f"},
        ],
    )
    plain, full = read_suite(path)
    assert (plain.id, plain.kind, plain.variant, plain.board_size) == ("1", "", "pente", 19)
    assert plain.answers == {parse_point("N11")}
    assert plain.position["ply"] == 3
    assert (full.id, full.kind, full.variant, full.board_size) == ("f", "four", "keryo", 11)


def test_defaults_are_the_arguments(tmp_path: Path) -> None:
    path = suite_file(tmp_path, [{"state": FOUR, "expected": ["A5"]}])
    (puzzle,) = read_suite(path, "boat", 11)
    assert (puzzle.variant, puzzle.board_size) == ("boat", 11)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    puzzles = [Puzzle(FOUR, ("A5",), "x", "four", "pente", 11, "win", 1, "seen"), Puzzle("", ("K10",), "y")]
    write_suite(tmp_path / "out.json", puzzles)
    assert read_suite(tmp_path / "out.json") == puzzles


GOOD = {"state": "1. K10", "expected": ["L9"]}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (["K10"], "found a list"),
        ("K10", "found a text"),
        ({"expected": ["K10"]}, 'no "state"'),
        ({"state": "1. K10"}, 'no "expected"'),
        (GOOD | {"expected": []}, '"expected" is no list of moves'),
        (GOOD | {"expected": "L9"}, '"expected" is no list of moves'),
        (GOOD | {"expected": ["Z9"]}, "no point 'Z9' on 19x19"),
        (GOOD | {"expected": ["K10"]}, "the expected move K10 is not legal there"),
        (GOOD | {"state": "1. K10 K10"}, "K10"),
        (GOOD | {"state": 3}, '"state" is 3; write a text'),
        (GOOD | {"board_size": 99}, "board size 99"),
        (GOOD | {"board_size": True}, '"board_size" is true; write a whole number'),
        (GOOD | {"variant": "chess"}, "unknown variant 'chess'"),
        (GOOD | {"goal": "draw"}, "unknown goal 'draw'"),
        (GOOD | {"size": 9}, 'unknown key "size"; allowed: state, expected'),
        ({"state": FOUR + " A5", "expected": ["B1"], "board_size": 11}, "the game is over"),
    ],
)
def test_errors_name_the_position(entry: Any, message: str, tmp_path: Path) -> None:
    path = suite_file(tmp_path, [GOOD, entry])
    with pytest.raises(RequestError) as refused:
        read_suite(path)
    assert f"{path}: position 2: " in str(refused.value)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("[", "not JSON"), ("{}", "found an object"), ("[]", "found an empty list"), ("3", "found a number")],
)
def test_invalid_suite_files(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(RequestError, match=message):
        read_suite(path)


def test_built_in_suites_are_found_by_name_and_are_good() -> None:
    assert find_suite(Path("tactical")) == BUILT_IN / "tactical.json"
    with pytest.raises(RequestError, match=r"there is no suite tactics: .* tactical"):
        find_suite(Path("tactics"))
    for path in BUILT_IN.glob("*.json"):
        assert len(read_suite(path)) >= 100


def test_raw_policy_and_search_find_the_expected_moves() -> None:
    """A network that always prefers A11 solves positions with that move; the search finds a five in one by itself."""
    size = 11
    puzzles = [Puzzle("1. F6 G7", ("A11",), board_size=size), Puzzle(FOUR, ("A5",), kind="four", board_size=size)]
    report = run_suite(puzzles, lambda batch, size: [Fixed(batch, size)], SearchSettings(), [16, 0])
    assert [trial.simulations for trial in report.trials] == [0, 16]
    raw, searched = report.trials
    assert raw.answers == (0, 0)
    assert report.solved(raw) == [True, False]
    assert report.solved(searched)[1]
    assert report.by_kind(raw) == {"": (1, 1), "four": (0, 1)}


def test_parallel_evaluators_change_no_move() -> None:
    puzzles = [puzzle for puzzle in read_suite(BUILT_IN / "tactical.json") if puzzle.board_size <= 11][:24]
    settings = SearchSettings(cached_positions=0)
    alone = run_suite(puzzles, heuristic(1), settings, [0, 24], batch_size=len(puzzles))
    shared = run_suite(puzzles, heuristic(3), settings, [0, 24], batch_size=2)
    assert [trial.answers for trial in alone.trials] == [trial.answers for trial in shared.trials]
    assert len({puzzle.board_size for puzzle in puzzles}) > 1


def test_what_more_simulations_lose_is_reported() -> None:
    puzzles = tuple(Puzzle("", ("K10",), str(number)) for number in range(3))
    right, wrong = parse_point("K10"), parse_point("A1")
    trials = (
        Trial(0, (right, wrong, wrong), 0.0),
        Trial(100, (wrong, right, wrong), 0.0),
        Trial(400, (right, wrong, right), 0.0),
    )
    lost = SuiteReport(puzzles, trials).lost()
    assert [(one.place, one.solved_at, one.missed_at) for one in lost] == [(0, 0, 100), (1, 100, 400)]


@pytest.mark.parametrize("budgets", [[], [-1], [10**6]])
def test_invalid_budgets(budgets: list[int]) -> None:
    with pytest.raises(RequestError, match="choose whole numbers from 0"):
        run_suite([Puzzle("", ("K10",))], heuristic(), SearchSettings(), budgets)


def test_returned_positions_are_copies() -> None:
    puzzle = Puzzle("1. K10", ("L9",))
    puzzle.position["ply"] = 7
    assert puzzle.position["ply"] == 1
    assert np.count_nonzero(puzzle.position["board"] == 1) == 1
