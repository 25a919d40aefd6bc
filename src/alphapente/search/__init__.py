"""Monte Carlo tree search in batches of games, and the solver: from a position to a move, a policy and a value.

A value is the expected result for the player to move, in [-1, 1]: at a node for the player to move there, at an edge
for the player who plays it; one ply up the sign changes. Exports `Forest` and `TimedSearch` (the search), `Solver` and
`Prover` (without a network), and the names that go with them. May import `network` and what that may.
"""

from alphapente.search.exhaustive import Prover
from alphapente.search.mcts.cache import cache_bytes
from alphapente.search.mcts.choice import choose_point
from alphapente.search.mcts.forest import MOST_ROOT_POSITIONS, Forest, most_nodes, search_position
from alphapente.search.mcts.root_priors import falling
from alphapente.search.mcts.state import PRINCIPAL_VARIATION, Exploration, SearchResult
from alphapente.search.mcts.timed import Budget, TimedSearch
from alphapente.search.mcts.tree import nodes_in_memory, tree_bytes
from alphapente.search.solver.solve import Solution, Solver, solve

__all__ = [
    "MOST_ROOT_POSITIONS",
    "PRINCIPAL_VARIATION",
    "Budget",
    "Exploration",
    "Forest",
    "Prover",
    "SearchResult",
    "Solution",
    "Solver",
    "TimedSearch",
    "cache_bytes",
    "choose_point",
    "falling",
    "most_nodes",
    "nodes_in_memory",
    "search_position",
    "solve",
    "tree_bytes",
]
