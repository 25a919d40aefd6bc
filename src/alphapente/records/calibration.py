"""Positions of real games, on which a network is quantized."""

import numpy as np

from alphapente.config import Config
from alphapente.network.planes import Planes, encode_batch
from alphapente.network.quantization import BATCH, NUM_POSITIONS
from alphapente.records.positions import positions_of
from alphapente.records.store import Store


def calibration_planes(store: Store, config: Config) -> Planes | None:
    """Planes float32[n, NUM_PLANES, S, S] of up to NUM_POSITIONS records.

    They have this variant and board size and are drawn from all records, always the same ones for the same database.
    None if `network.precision` is not int8, or if there are fewer than BATCH records.
    """
    if config.network.precision != "int8":
        return None
    variant, size = config.game.variant, config.game.board_size
    if store.num_records(variant, size) < BATCH:
        return None
    records = store.sample("random", NUM_POSITIONS, np.random.default_rng(0), variant, size)
    return encode_batch(positions_of(records))
