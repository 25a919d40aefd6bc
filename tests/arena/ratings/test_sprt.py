"""The sequential test: its ratio against a general optimizer, its errors by simulation, matches played by it."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from alphapente.arena.matches.games import PlayedGame
from alphapente.arena.matches.match import MatchHooks, plan_games
from alphapente.arena.players.base import RandomPlayer, SearchPlayer
from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.arena.ratings.sprt import (
    OUTCOMES,
    Bounds,
    count_pairs,
    expected_score,
    log_likelihood_ratio,
    play_sequentially,
)
from alphapente.config import SearchSettings
from alphapente.errors import RequestError

RULES = ("pente", 9)
STARTS = plan_games(40, size=9)


def best_log_likelihood(counts: NDArray[np.float64], score: float) -> float:
    """The greatest log-likelihood of distributions over OUTCOMES with this mean, by a general optimizer of SciPy."""
    found = minimize(
        lambda p: -float(counts @ np.log(p)),
        np.full(5, 0.2),
        jac=lambda p: -counts / p,
        method="SLSQP",
        bounds=[(1e-9, 1)] * 5,
        constraints=[
            {"type": "eq", "fun": lambda p: p.sum() - 1, "jac": lambda _: np.ones(5)},
            {"type": "eq", "fun": lambda p: p @ OUTCOMES - score, "jac": lambda _: OUTCOMES},
        ],
        options={"ftol": 1e-12, "maxiter": 1000},
    )
    assert found.success
    return -float(found.fun)


@pytest.mark.parametrize("counts", [[5, 10, 30, 12, 8], [20, 3, 5, 3, 1], [1, 0, 40, 6, 9]])
def test_the_ratio_is_that_of_the_most_likely_distributions(counts: list[int]) -> None:
    seen = np.array(counts, np.int64)
    smoothed = np.array(counts, np.float64) + 1e-3
    right = best_log_likelihood(smoothed, expected_score(30)) - best_log_likelihood(smoothed, expected_score(-10))
    assert log_likelihood_ratio(seen, -10, 30) == pytest.approx(right, rel=1e-6)


def test_the_ratio_takes_sides_and_is_nothing_without_games() -> None:
    better = count_pairs([(1, 1), (1, 0.5), (0.5, 0.5), (1, 0), (0, 1), (1, 1)])
    assert better.tolist() == [0, 0, 3, 1, 2]
    assert log_likelihood_ratio(better, 0, 30) > 0
    swapped = better[::-1].copy()
    assert log_likelihood_ratio(better, 0, 30) == pytest.approx(log_likelihood_ratio(swapped, 0, -30)), (
        "from the view of the other player"
    )
    assert log_likelihood_ratio(better, 0, 30) == pytest.approx(-log_likelihood_ratio(better, 30, 0))
    assert log_likelihood_ratio(swapped, 0, 30) < 0
    assert log_likelihood_ratio(count_pairs([]), 0, 30) == 0


def test_bounds_are_wald_s() -> None:
    bounds = Bounds(0, 35, 0.05, 0.1)
    assert bounds.upper == pytest.approx(math.log(18))
    assert bounds.lower == pytest.approx(math.log(0.1 / 0.95))
    assert [bounds.verdict(llr) for llr in (3.0, 0.0, -2.5)] == ["accept", "go on", "reject"]
    with pytest.raises(RequestError, match="elo0 must be below elo1"):
        Bounds(5, 5, 0.05, 0.05)
    with pytest.raises(RequestError, match="both above 0"):
        Bounds(0, 5, 0.0, 0.05)


def decided(rng: np.random.Generator, elo: float, bounds: Bounds) -> str:
    """Plays simulated pairs until the test decides; openings favour one colour by up to 0.3 of the score."""
    counts = count_pairs([])
    for _ in range(200):
        favour = rng.uniform(-0.3, 0.3, 16)
        score = expected_score(elo)
        games = [np.where(rng.random(16) < 0.2, 0.5, rng.random(16) < score + sign * favour) for sign in (1, -1)]
        counts += count_pairs(list(zip(*(game.tolist() for game in games), strict=True)))
        verdict = bounds.verdict(log_likelihood_ratio(counts, bounds.elo0, bounds.elo1))
        if verdict != "go on":
            return verdict
    return "go on"


def test_errors_are_as_rare_as_asked() -> None:
    """300 tests at each hypothesis, with alpha = beta = 0.05: wrong at most 0.05 and three standard deviations.

    Four of five simulated games are decided and one is drawn, so the true difference is that of 0.8 of the gap.
    """
    bounds = Bounds(0, 80, 0.05, 0.05)
    rng = np.random.default_rng(3)
    most = 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)
    found = [decided(rng, 0, bounds) for _ in range(300)]
    assert found.count("accept") / 300 <= most
    assert found.count("go on") == 0
    gap = (expected_score(80) - 0.5) / 0.8 + 0.5
    found = [decided(rng, 400 * math.log10(gap / (1 - gap)), bounds) for _ in range(300)]
    assert found.count("reject") / 300 <= most
    assert [decided(rng, 250, bounds) for _ in range(20)] == ["accept"] * 20
    assert [decided(rng, -150, bounds) for _ in range(20)] == ["reject"] * 20


def searcher() -> SearchPlayer:
    return SearchPlayer(HeuristicEvaluator(32, 9), SearchSettings(), 4)


def test_a_match_ends_as_soon_as_it_is_decided() -> None:
    bounds = Bounds(0, 100, 0.05, 0.05)
    heard: list[tuple[int, float]] = []
    found = play_sequentially(
        searcher(),
        RandomPlayer(),
        bounds,
        plan_games(400, size=9),
        rules=RULES,
        on_batch_fn=lambda pairs, llr: heard.append((pairs.sum(), llr)),
    )
    assert found is not None
    assert found.verdict == "accept"
    assert found.llr >= bounds.upper
    assert 32 <= found.report.total.games < 400
    assert sum(found.pairs) * 2 == found.report.total.games == 2 * heard[-1][0]
    assert np.array(found.pairs) @ OUTCOMES / sum(found.pairs) == pytest.approx(found.report.total.score)
    swapped = play_sequentially(RandomPlayer(), searcher(), bounds, plan_games(400, size=9), rules=RULES)
    assert swapped is not None
    assert swapped.verdict == "reject"


def test_undecided_when_the_games_run_out_and_nothing_when_stopped() -> None:
    bounds = Bounds(-1, 1, 0.05, 0.05)
    found = play_sequentially(RandomPlayer(), RandomPlayer(), bounds, STARTS, rules=RULES)
    assert found is not None
    assert (found.verdict, found.report.total.games) == ("go on", 40)
    assert found.report.distinct_openings == 20
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 5

    hooks = MatchHooks(stop=stop)
    assert play_sequentially(RandomPlayer(), RandomPlayer(), bounds, STARTS, rules=RULES, hooks=hooks) is None


def test_pairs_that_were_played_before_are_not_played_again() -> None:
    bounds = Bounds(-1, 1, 0.05, 0.05)
    kept: dict[int, PlayedGame] = {}
    whole = play_sequentially(
        RandomPlayer(), RandomPlayer(), bounds, STARTS, rules=RULES, hooks=MatchHooks(on_pair_fn=kept.update)
    )
    assert whole is not None
    known = {index: game for index, game in kept.items() if index % 10 < 4}
    played: list[int] = []
    hooks = MatchHooks(known, lambda index, _: played.append(index))
    resumed = play_sequentially(RandomPlayer(), RandomPlayer(), bounds, STARTS, rules=RULES, hooks=hooks)
    assert resumed is not None
    assert sorted(played) == [index for index in range(40) if index not in known]
    assert (resumed.report.games, resumed.llr) == (whole.report.games, whole.llr)
