"""The layout of the search's arrays: records whose fields are attributes, and the numbers that are no index.

Nodes, edges, moves and cells are indices. The numbers below stand for the absence of one. None of them is an index of
any array, counted from either end: arrays have at most MOST_ITEMS items, which `new_trees` and `new_proof` assert. One
used as an index by mistake raises IndexError where indices are checked (NUMBA_DISABLE_JIT=1 or NUMBA_BOUNDSCHECK=1);
without checks its address is far outside the array, where -1 would read the last item.
"""

from typing import Any

import numpy as np

NOTHING = -(2**31)
"""No node, edge, move, cached evaluation, level or verdict. It fits fields of 32 bits."""
UNEXPANDED, IN_FLIGHT = NOTHING + 1, NOTHING + 2
"""An edge's `child` if the position after the move has no node, and while that position awaits its evaluation."""
UNOPENED = NOTHING + 3
"""The choice of a selection that is not an edge yet: the unopened move of the largest prior."""
MOST_ITEMS = 2**31 - 4
"""The most items of an array that none of these numbers is an index of."""

NO_POINT = -(2**15)
"""No point or cell, in fields of 16 bits: boards have fewer."""


def record_type(fields: list[tuple[str, Any]], align: bool = False) -> "np.dtype[Any]":
    """A dtype of records whose fields are attributes, `edges[e].visits`, in kernels and in Python alike."""
    return np.dtype((np.record, np.dtype(fields, align=align)))
