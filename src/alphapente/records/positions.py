"""Converts records back to positions."""

import numpy as np

from alphapente.records.model import RecordBatch
from alphapente.rules.kernels import five_anywhere
from alphapente.rules.position import BOAT, CELL_OF, Positions, new_positions


def positions_of(records: RecordBatch) -> Positions:
    """The positions of the records, POSITION[n]. `last` is unknown, so it is -1."""
    size = records.board_size
    positions = new_positions(len(records), records.variant, size)
    positions["board"][:, CELL_OF[size, : size * size]] = records.boards
    positions["captured"] = records.captured
    positions["ply"] = records.ply
    positions["to_move"] = records.to_move
    for position in positions:
        if position["variant"] == BOAT and five_anywhere(position["board"], size, 3 - np.int64(position["to_move"])):
            position["pending"] = 1
    return positions
