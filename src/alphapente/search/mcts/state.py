"""The state of each tree's search in one place: what was asked, how far it is, and what was decided before it.

The kernels share the part in HEAD, a record of `Trees.heads`; the rest of `SearchState` belongs to Python.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphapente.rules.tactics import LOSES, WINS
from alphapente.search.layout import record_type
from alphapente.search.solver.solve import FORCED_WIN, STOPS

PRINCIPAL_VARIATION = 12
"""The most moves in the principal variation of a result."""

IDLE, NEEDS_ROOT, EVALUATING, NEEDS_START, SEARCHING, DONE = range(6)
"""The stages of a tree: no search; root not evaluated; root in the batch; root evaluated; simulations; finished."""

HEAD = record_type(
    [
        ("stage", np.int32),  # IDLE ... DONE
        ("num_nodes", np.int32),
        ("edges_used", np.int32),  # allocated edges, blocks left behind included
        ("started", np.int32),  # simulations begun in this search
        ("finished", np.int32),  # simulations backed up in this search
        ("budget", np.int32),  # simulations to do in this search
        ("num_considered", np.int32),  # Gumbel: moves that share the simulations
        ("forced", np.float32),  # PUCT: k of the forced playouts of this search, 0: none
        ("may_grow", np.int32),  # 1: a search without enough memory waits until the trees have grown
    ]
)
"""The part of a search's state that kernels share: see `SearchState`."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """How much a search explores at its root: with both 0 it plays the best move found.

    Attributes:
        noise: weight of the Dirichlet noise in the root's priors, 0 to 1.
        temperature: Gumbel root: scale of the Gumbel noise; PUCT root: moves are drawn by visits ** (1 / temperature).
    """

    noise: float = 0.0
    temperature: float = 0.0


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of a finished search.

    Attributes:
        point: the move to play.
        policy: float32[P], the policy target: sums to 1 over the legal points.
        visits: int32[P], visits of the moves in the tree, earlier searches of the same tree included.
        value: the search's own value, for the player to move.
        proven: UNDECIDED, WINS, LOSES or DRAWS (see rules/tactics.py).
        simulations: simulations done in this search.
        raw_value: the network's value of the position.
        principal_variation: the moves that both players are expected to play, the first one being `point`.
    """

    point: int
    policy: NDArray[np.float32]
    visits: NDArray[np.int32]
    value: float
    proven: int
    simulations: int
    raw_value: float
    principal_variation: tuple[int, ...]


@dataclass(slots=True)
class SearchState:
    """The state of one tree's search; `rng` is None before the tree's first one."""

    head: Any
    """The tree's record of HEAD, which the kernels share: stage, budget, and simulations begun and backed up."""
    exploration: Exploration = Exploration()
    rng: np.random.Generator | None = None
    allowed: NDArray[np.int64] | None = None
    """The moves that do not lose by force, as the solver found; None: all candidates."""
    decided: SearchResult | None = None
    """The result if tactics or the solver decide the position: there are no simulations."""

    def start(
        self,
        rng: np.random.Generator,
        exploration: Exploration,
        verdict: int,
        points: NDArray[np.int64],
        num_points: int,
        budget: int,
    ) -> None:
        """Starts a search of `budget` simulations on a board of `num_points` points.

        `verdict` and `points` are those of the solver's `examine`. A position that they decide is DONE at once.
        """
        self.rng, self.exploration = rng, exploration
        self.allowed = points.copy() if verdict == STOPS else None
        self.decided = None
        self.head.started = 0  # so that `stop` before the first simulation leaves none to do
        self.head.budget = budget
        if verdict in (WINS, LOSES, FORCED_WIN):
            self.decided = _decided_result(verdict, points, num_points, rng)
            self.head.stage = DONE
        else:
            self.head.stage = NEEDS_START if self.head.num_nodes else NEEDS_ROOT

    def stop(self) -> None:
        """Leaves no more simulations to begin."""
        self.head.budget = self.head.started


def _decided_result(verdict: int, points: NDArray[np.int64], num_points: int, rng: np.random.Generator) -> SearchResult:
    """The result by tactics: a move drawn from `points`; or by a forced win: the first move of its line `points`."""
    policy, visits = np.zeros(num_points, np.float32), np.zeros(num_points, np.int32)
    if verdict == FORCED_WIN:
        line = tuple(points[:PRINCIPAL_VARIATION].tolist())
        policy[line[0]] = 1.0
    else:
        policy[points] = 1.0 / len(points)
        line = (int(rng.choice(points)),)
    proven = LOSES if verdict == LOSES else WINS
    return SearchResult(line[0], policy, visits, float(proven), proven, 0, float(proven), line)
