"""What a record teaches beside its policy: who wins, and what else came of its position.

The labels are made here and not where records are written, so that old records can be labelled anew.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.records.model import RecordBatch

CAPTURED_UNIT = 10
"""Stones captured at the end are told in tens."""
PLIES_SCALE = 20
"""The end of the game, n plies away, is told as exp(-n / PLIES_SCALE)."""
NUM_LATER = 3
"""Numbers of `later_labels`."""


def value_labels(records: RecordBatch, outcome_weight: float) -> NDArray[np.float32]:
    """float32[n, 3], chances of win, draw and loss: outcome_weight * what came of it + the rest of the search's value.

    What came of it is the game's outcome, unless a move after it was drawn at random: then the search's value where
    the first such move was played, so that a blunder nobody chose teaches nothing. A search's value v counts as a win
    with (1 + v) / 2, else a loss. Where it is exactly 1 or -1 the search has proven it: that is the whole label.
    """
    search = _chances(records.search_value)
    came = np.where(settled(records)[:, None], _outcome_chances(records.outcome), _chances(records.random_value))
    proven = np.abs(records.search_value) == 1
    labels = np.where(proven[:, None], search, outcome_weight * came + (1 - outcome_weight) * search)
    return labels.astype(np.float32)


def settled(records: RecordBatch) -> NDArray[np.bool_]:
    """bool[n]: whether no move between the position and the end of its game was drawn at random."""
    return np.isnan(records.random_value)


def _chances(value: NDArray[np.float32]) -> NDArray[np.float32]:
    win = (1 + np.clip(value, -1, 1)) / 2
    return np.stack([win, np.zeros_like(win), 1 - win], 1)


def _outcome_chances(outcome: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([outcome == 1, outcome == 0, outcome == -1], 1).astype(np.float32)


def later_labels(records: RecordBatch) -> NDArray[np.float32]:
    """float32[n, 3]: the stones that the player to move and the other have captured at the end / CAPTURED_UNIT, and
    exp(-plies left / PLIES_SCALE). Meaningless where `later_weights` is 0.
    """
    rows, own = np.arange(len(records)), records.to_move.astype(np.int64) - 1
    captured = records.end_captured / np.float32(CAPTURED_UNIT)
    nearness = np.exp(-records.plies_left / np.float32(PLIES_SCALE))
    return np.stack([captured[rows, own], captured[rows, 1 - own], nearness], 1).astype(np.float32)


def later_weights(records: RecordBatch) -> NDArray[np.float32]:
    """float32[n]: 1 where the record knows what came later and no move on the way was drawn at random, else 0."""
    return (settled(records) & (records.plies_left >= 0)).astype(np.float32)


def reply_sources(records: RecordBatch) -> NDArray[np.int64]:
    """int64[n]: which record of the batch tells how the opponent then meant to play.

    The index of the next ply's record, where it is here and its policy counts; else -1, and the move that he played
    (`next_point`) is all that is known.
    """
    following = np.full(len(records), -1, np.int64)
    same_game = (np.diff(records.ids) == 1) & (np.diff(records.game_ids) == 0) & (np.diff(records.ply) == 1)
    here = np.flatnonzero(same_game & (records.policy_weight[1:] > 0))
    following[here] = here + 1
    return following


def reply_weights(records: RecordBatch) -> NDArray[np.float32]:
    """float32[n]: 1 where a reply was played and no move from here on was drawn at random, else 0."""
    return (settled(records) & (records.next_point >= 0)).astype(np.float32)
