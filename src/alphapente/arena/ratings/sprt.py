"""A sequential test of two players: games are played only until one of two hypotheses is accepted.

Wald's sequential probability ratio test (1945) between "the difference is elo0" and "it is elo1". The units are pairs
of games: one opening played with both colours, with the points of the first player in both games (0, 1/2, ..., 2).
Games of a pair depend on each other, pairs do not. The likelihood ratio is the generalized one (Van den Bergh, "The
generalized sequential probability ratio test", used to test chess engines): for each hypothesis, the distribution over
the five outcomes that has its expected score and makes the observed pairs most likely.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from alphapente.arena.matches.games import GameStart, PlayedGame
from alphapente.arena.matches.match import NO_HOOKS, MatchHooks, MatchReport, play_planned, report_on
from alphapente.arena.players.base import Player
from alphapente.errors import RequestError

OUTCOMES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
"""The score of a pair, as a share of its two points."""
_PSEUDO_PAIRS = 1e-3
"""Added to the count of each outcome, so that an outcome without pairs is not impossible."""

BATCH_PAIRS = 16
"""Pairs that are played in parallel between two checks of the ratio."""

Verdict = Literal["accept", "reject", "go on"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The test's hypotheses and error rates.

    `alpha` bounds the probability to accept a player who is only elo0 better, `beta` that to reject one who is elo1
    better.
    """

    elo0: float
    elo1: float
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        """Raises RequestError for invalid bounds."""
        if not self.elo0 < self.elo1:
            raise RequestError(f"a sequential test from {self.elo0:g} to {self.elo1:g} Elo: elo0 must be below elo1")
        if not (self.alpha > 0 and self.beta > 0 and self.alpha + self.beta < 1):
            raise RequestError(f"error rates {self.alpha:g} and {self.beta:g}: both above 0, together below 1")

    @property
    def upper(self) -> float:
        """The log-likelihood ratio at which the player is accepted."""
        return math.log((1 - self.beta) / self.alpha)

    @property
    def lower(self) -> float:
        """The log-likelihood ratio at which the player is rejected."""
        return math.log(self.beta / (1 - self.alpha))

    def verdict(self, llr: float) -> Verdict:
        """The decision at a log-likelihood ratio."""
        return "accept" if llr >= self.upper else "reject" if llr <= self.lower else "go on"


def expected_score(elo: float) -> float:
    """The expected share of the points of a player who is stronger by `elo`."""
    return 1 / (1 + 10 ** (-elo / 400))


def count_pairs(points: Sequence[tuple[float, float]]) -> NDArray[np.int64]:
    """Counts of OUTCOMES, from a player's points (0, 1/2 or 1) in both games of each pair."""
    counts = np.zeros(5, np.int64)
    for one, other in points:
        counts[round(2 * (one + other))] += 1
    return counts


def log_likelihood_ratio(counts: NDArray[np.int64], elo0: float, elo1: float) -> float:
    """Natural logarithm of the likelihood of these pairs under elo1 over that under elo0; 0 without pairs."""
    if counts.sum() == 0:
        return 0.0
    seen = counts + _PSEUDO_PAIRS
    share = seen / seen.sum()
    tilts = [_tilt(share, expected_score(elo)) for elo in (elo0, elo1)]
    return float(seen @ (np.log(tilts[1]) - np.log(tilts[0])))


def _tilt(share: NDArray[np.float64], score: float) -> NDArray[np.float64]:
    """The distribution of expected score `score` that makes outcomes with these observed shares most likely.

    It is ``share / (1 + x (OUTCOMES - score))`` for the only x with that score (Lagrange multiplier).
    """
    away = OUTCOMES - score
    low, high = -1 / away.max(), -1 / away.min()
    margin = 1e-12 * (high - low)
    x = brentq(lambda x: float(np.sum(share * away / (1 + x * away))), low + margin, high - margin, xtol=1e-14)
    tilted: NDArray[np.float64] = share / (1 + x * away)
    return tilted


@dataclass(frozen=True, slots=True)
class TestedMatch:
    """A match played by the test, from the view of player A. "go on" means undecided after all games."""

    verdict: Verdict
    llr: float
    pairs: tuple[int, ...]
    """Counts of OUTCOMES."""
    report: MatchReport


def play_sequentially(
    player_a: Player,
    player_b: Player,
    bounds: Bounds,
    starts: Sequence[GameStart],
    *,
    rules: tuple[str, int],
    seed: int = 0,
    on_batch_fn: Callable[[NDArray[np.int64], float], None] | None = None,
    hooks: MatchHooks = NO_HOOKS,
) -> TestedMatch | None:
    """Plays pairs of games (each opening with both colours) until the test decides, or all `starts` are played.

    `starts` are those of `plan_games`, `rules` are variant and board size. `on_batch_fn` is called with the
    counts of OUTCOMES and the log-likelihood ratio after each batch. Returns None if `hooks.stop` ended the match.
    """
    started = time.monotonic()
    games: list[PlayedGame] = []
    verdict: Verdict = "go on"
    llr, counts = 0.0, count_pairs([])
    while verdict == "go on" and len(games) < len(starts):
        batch = starts[len(games) : len(games) + 2 * BATCH_PAIRS]
        report = play_planned(player_a, player_b, batch, rules, seed, hooks)
        if len(report.games) < len(batch):
            return None
        games += report.games
        points = [{"a": 1.0, "b": 0.0, None: 0.5}[game.won_letter] for game in games]
        counts = count_pairs(list(zip(points[::2], points[1::2], strict=True)))
        llr = log_likelihood_ratio(counts, bounds.elo0, bounds.elo1)
        verdict = bounds.verdict(llr)
        if on_batch_fn is not None:
            on_batch_fn(counts, llr)
    report = report_on((player_a.name, player_b.name), games, rules, seed, started)
    return TestedMatch(verdict, llr, tuple(counts.tolist()), report)
