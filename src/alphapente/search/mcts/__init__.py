"""Monte Carlo tree search: selection, expansion and backup over arrays, and the Gumbel and PUCT roots.

Exports modules; start with `forest`. May import `search.solver`, and what `search` may.
"""
