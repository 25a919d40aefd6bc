"""Monte Carlo tree search: from a position and an Evaluator to a move, a policy and a value.

Perspective: every value, here and everywhere, is the expected result for the player to move, in [-1, 1]. A node's
values are those of the player to move at the node. An edge's values are those of the player who plays it, which is the
same player. Backing up one ply changes the sign.
"""

from alphapente.search.solver.solve import Solution, Solver, solve

__all__ = ["Solution", "Solver", "solve"]
