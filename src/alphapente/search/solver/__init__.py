"""Forced wins without a network: VCF and VCT by threat-space search, proof-number search, relevance zones.

Exports `Solver`, `solve` and `Solution`. May import only `rules` and what that may.
"""

from alphapente.search.solver.solve import Solution, Solver, solve

__all__ = ["Solution", "Solver", "solve"]
