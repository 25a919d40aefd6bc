"""Monte Carlo tree search in batches of games, and the solver: from a position to a move, a policy and a value.

A value is the expected result for the player to move, in [-1, 1]: at a node for the player to move there, at an edge
for the player who plays it. Backing up one ply changes the sign. Exports `Forest` (the search) and `Solver`. May import
`network` and what that may.
"""

from alphapente.search.mcts.choice import choose_point
from alphapente.search.mcts.forest import Exploration, Forest, search_position
from alphapente.search.mcts.root import SearchResult
from alphapente.search.solver.solve import Solution, Solver, solve

__all__ = ["Exploration", "Forest", "SearchResult", "Solution", "Solver", "choose_point", "search_position", "solve"]
