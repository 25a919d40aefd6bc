"""Perft: the kernels reproduce the committed numbers, and the oracle those of lower depths."""

import copy
from pathlib import Path

import pytest
from numba import config

from alphapente.errors import RequestError
from alphapente.rules import new_positions, parse_moves, replay
from alphapente.rules.perft import PerftCounts, perft
from tests.rules.oracle import Oracle
from tests.rules.perft_suite import PERFT, Suite

MOST_FOR_ORACLE = 500 if config.DISABLE_JIT else 5000
MOST_FOR_KERNELS = 500 if config.DISABLE_JIT else 10**9
DOCS = Path(__file__).parents[2] / "docs" / "rules.md"


def suite_id(suite: Suite) -> str:
    return f"{suite.variant}-{suite.size}-{'crowded' if suite.moves else 'empty'}"


@pytest.mark.parametrize("suite", PERFT, ids=suite_id)
def test_kernels_count_the_committed_numbers(suite: Suite) -> None:
    position = replay(parse_moves(suite.moves, suite.size).moves, suite.variant, suite.size)
    before = position.tobytes()
    for depth, counts in enumerate(suite.counts, start=1):
        if counts[0] <= MOST_FOR_KERNELS:
            assert perft(position, depth) == PerftCounts(*counts), f"depth {depth}"
    assert position.tobytes() == before


@pytest.mark.parametrize("suite", PERFT, ids=suite_id)
def test_oracle_counts_the_same(suite: Suite) -> None:
    oracle = Oracle(suite.variant, suite.size)
    for index in parse_moves(suite.moves, suite.size).moves:
        oracle.play(oracle.points[index])
    for depth, counts in enumerate(suite.counts, start=1):
        if counts[0] <= MOST_FOR_ORACLE:
            assert oracle_perft(oracle, depth) == counts, f"depth {depth}"


@pytest.mark.parametrize("suite", PERFT, ids=suite_id)
def test_docs_publish_the_numbers(suite: Suite) -> None:
    start = "crowded" if suite.moves else "empty"
    row = [suite.variant, f"{suite.size}x{suite.size}", start, str(len(suite.counts))]
    row += [f"{count:,}" for count in suite.counts[-1]]
    assert f"| {' | '.join(row)} |" in DOCS.read_text(encoding="utf-8")


def test_depth_zero_is_refused() -> None:
    with pytest.raises(RequestError, match="perft depth 0: choose 1 or more"):
        perft(new_positions(1)[0], 0)


def oracle_perft(oracle: Oracle, depth: int) -> tuple[int, ...]:
    counts = [0, 0, 0, 0]
    for point in oracle.legal():
        child = copy.copy(oracle)
        child.stones, child.captured, child.events = dict(oracle.stones), dict(oracle.captured), {}
        child.play(point)
        if depth == 1:
            counts[0] += 1
            counts[1] += child.captured != oracle.captured
            counts[2] += child.won_by == "five"
            counts[3] += child.won_by == "captures"
        else:
            counts = [a + b for a, b in zip(counts, oracle_perft(child, depth - 1), strict=True)]
    return tuple(counts)
