"""Monte Carlo tree search: from a position and an Evaluator to a move, a policy and a value.

Perspective: every value, here and everywhere, is what the player to move may expect, in [-1, 1]. A node's values
are seen by the player to move at the node; an edge's values by the player who plays it, that is by the same one.
Going up one ply changes the sign.
"""

from alphapente.search.solver import Solution, Solver, solve

__all__ = ["Solution", "Solver", "solve"]
