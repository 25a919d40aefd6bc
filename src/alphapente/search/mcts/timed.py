"""One position searched for a number of simulations, for a time, or until the first of both is reached."""

import time
from dataclasses import dataclass, replace

import numpy as np

from alphapente.search.mcts.forest import Forest
from alphapente.search.mcts.state import SearchResult

FIRST_SIMULATIONS = 32
"""Gumbel root with a time limit: simulations of the first round. They measure the speed."""
PLANNED_SHARE = 0.95
"""Share of the remaining time for which a round is planned."""
LEAST_TIME_SHARE = 0.08
"""Another round begins only if more than this share of the time remains."""


@dataclass(frozen=True, slots=True)
class Budget:
    """When a search ends: after `simulations`, after `seconds`, or at the first of both. At least one is given."""

    simulations: int | None = None
    seconds: float | None = None


class TimedSearch:
    """The search of the first tree of a forest within a budget. The caller sets the position, then calls `step`.

    It runs in rounds: searches that continue the same tree. A PUCT root can end at any moment, so one round is enough
    unless the budget exceeds `Forest.simulations`. Sequential halving (Gumbel root) needs the number of simulations in
    advance. With a time limit it is estimated from the remaining time and the measured speed; if the simulations end
    early, a larger round continues, in which the visits of earlier ones count.
    """

    def __init__(
        self,
        forest: Forest,
        rng: np.random.Generator,
        budget: Budget,
        *,
        began: float,
        speed: float = 0.0,
        even_if_forced: bool = False,
    ) -> None:
        """Starts the search, whose time runs since `began` (time.monotonic).

        `speed`: simulations a second, as an earlier search of this evaluator measured them; 0: unknown.
        `even_if_forced`: see Forest.start.
        """
        self.result: SearchResult | None = None
        """The result, once `step` has returned True; its `simulations` are those of all rounds."""
        self.speed = speed
        """Simulations a second, as measured last."""
        self._forest = forest
        self._rng = rng
        self._budget = budget
        self._deadline = float("inf") if budget.seconds is None else began + budget.seconds
        self._even_if_forced = even_if_forced
        self._stopped = False
        self._before: SearchResult | None = None
        """The result of the rounds before the present one."""
        self._done = 0
        """Simulations of finished rounds that the present one does not count."""
        self._start_round()

    def step(self) -> bool:
        """Computes one batch; True once the search is finished. Raises what the network raises."""
        if 0 not in self._forest.step():
            if self._out_of_time():
                self._forest.stop(0)
            return False
        result = self._forest.result(0)
        if self._is_another_round_due(result):
            self._before = self._in_all(result)
            self._done += 0 if self._forest.gumbel else result.simulations
            self._start_round()
            return False
        stopped_at_start = self._before is not None and result.simulations == 0 and not result.proven
        self.result = self._before if stopped_at_start else self._in_all(result)
        return True

    def stop(self) -> None:
        """Ends the search after its current batch: the next calls of `step` finish it."""
        self._stopped = True
        self._forest.stop(0)

    def look(self) -> SearchResult | None:
        """The result so far; the search continues. None until the root is evaluated."""
        result = self._forest.look(0)
        return None if result is None else self._in_all(result)

    def _in_all(self, result: SearchResult) -> SearchResult:
        return replace(result, simulations=self._done + result.simulations)

    def _out_of_time(self) -> bool:
        return self._stopped or time.monotonic() >= self._deadline

    def _start_round(self) -> None:
        self._visits_before, self._round_began = self._visits(), time.monotonic()
        self._forest.start(0, self._rng, simulations=self._next_simulations(), even_if_forced=self._even_if_forced)

    def _next_simulations(self) -> int:
        """Simulations of the next round."""
        most, budget = self._forest.simulations, self._budget
        if budget.simulations is not None:
            most = min(most, budget.simulations - self._done)
        if budget.seconds is None or not self._forest.gumbel:
            return most
        remaining_s = self._deadline - self._round_began
        new = int(PLANNED_SHARE * remaining_s * self.speed) if self.speed else FIRST_SIMULATIONS
        return min(most, max(self._visits_before + new, 1))  # earlier visits count too

    def _is_another_round_due(self, result: SearchResult) -> bool:
        """Whether the budget is not used up when a round has ended, and another round would use it."""
        now = time.monotonic()
        made = self._visits() - self._visits_before
        if made >= FIRST_SIMULATIONS // 2:
            self.speed = made / (now - self._round_began)
        # one simulation: a single move does not lose, and the search is for a move
        if result.proven or result.simulations <= 1 or made == 0 or self._out_of_time():
            return False
        budget = self._budget
        if budget.simulations is not None and self._done + result.simulations >= budget.simulations:
            return False
        if budget.seconds is None or not self._forest.gumbel:
            return True
        return self._deadline - now > LEAST_TIME_SHARE * budget.seconds

    def _visits(self) -> int:
        """Visits of the root; 0 before its first search."""
        tree = self._forest.tree(0)
        return int(tree.nodes[0].visits) if tree.head.num_nodes else 0
