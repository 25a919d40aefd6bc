"""The targets of a record beside its policy: the value, and the auxiliary targets.

They are computed here and not when records are written, so that old records can get new labels.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.records.model import RecordBatch

CAPTURED_UNIT = 10
"""The unit of the target "captured": stones captured at the end / CAPTURED_UNIT."""
PLIES_SCALE = 20
"""The target "plies_left" is exp(-n / PLIES_SCALE) for a game that ends after n plies."""
NUM_LATER = 3
"""The number of columns of `later_labels`."""


def value_labels(records: RecordBatch, outcome_weight: float) -> NDArray[np.float32]:
    """float32[n, 3], the value target as chances of win, draw and loss.

    outcome_weight * outcome + (1 - outcome_weight) * the search's value. If a later move was drawn at random, the
    search's value at the first such move replaces the game's outcome, so that an accidental blunder teaches nothing. A
    search's value v counts as a win with probability (1 + v) / 2, else as a loss. A value of exactly 1 or -1 is proven
    by the search: it is the whole label.
    """
    search = _chances(records.search_value)
    actual = np.where(settled(records)[:, None], _outcome_chances(records.outcome), _chances(records.random_value))
    proven = np.abs(records.search_value) == 1
    labels = np.where(proven[:, None], search, outcome_weight * actual + (1 - outcome_weight) * search)
    return labels.astype(np.float32)


def settled(records: RecordBatch) -> NDArray[np.bool_]:
    """bool[n]: whether no move from the position to the end of its game was drawn at random."""
    return np.isnan(records.random_value)


def _chances(value: NDArray[np.float32]) -> NDArray[np.float32]:
    win = (1 + np.clip(value, -1, 1)) / 2
    return np.stack([win, np.zeros_like(win), 1 - win], 1)


def _outcome_chances(outcome: NDArray[np.int8]) -> NDArray[np.float32]:
    return np.stack([outcome == 1, outcome == 0, outcome == -1], 1).astype(np.float32)


def later_labels(records: RecordBatch) -> NDArray[np.float32]:
    """float32[n, 3]: the stones that the player to move and the opponent have captured at the end / CAPTURED_UNIT, and
    exp(-plies left / PLIES_SCALE). Undefined where `later_weights` is 0.
    """
    rows, own = np.arange(len(records)), records.to_move.astype(np.int64) - 1
    captured = records.end_captured / np.float32(CAPTURED_UNIT)
    nearness = np.exp(-records.plies_left / np.float32(PLIES_SCALE))
    return np.stack([captured[rows, own], captured[rows, 1 - own], nearness], 1).astype(np.float32)


def later_weights(records: RecordBatch) -> NDArray[np.float32]:
    """float32[n]: 1 if the record has these labels and no later move was drawn at random, else 0."""
    return (settled(records) & (records.plies_left >= 0)).astype(np.float32)


def reply_sources(records: RecordBatch) -> NDArray[np.int64]:
    """int64[n]: the record of the batch whose policy is the opponent's reply.

    This is the index of the next ply's record, if it is in the batch and its policy counts; else -1, and only the move
    that the opponent played (`next_point`) is known.
    """
    following = np.full(len(records), -1, np.int64)
    same_game = (np.diff(records.ids) == 1) & (np.diff(records.game_ids) == 0) & (np.diff(records.ply) == 1)
    here = np.flatnonzero(same_game & (records.policy_weight[1:] > 0))
    following[here] = here + 1
    return following


def reply_weights(records: RecordBatch) -> NDArray[np.float32]:
    """float32[n]: 1 if a reply was played and no later move was drawn at random, else 0."""
    return (settled(records) & (records.next_point >= 0)).astype(np.float32)
