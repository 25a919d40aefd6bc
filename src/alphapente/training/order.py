"""In which order a training sees its records: pass after pass over all of them, each pass in an order of its own."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alphapente.records.model import RecordBatch


class SampleOrder:
    """The endless stream of the records `chosen` (indices int64[k], at least one) that trainings cut their epochs from.

    The same seeds give the same stream wherever it is cut. With `weights` (float32[k], averaging 1) a pass shows record
    i weights[i] times on average, by systematic sampling: at least its whole part, at most one more.
    """

    def __init__(
        self, chosen: NDArray[np.int64], seeds: Sequence[int], weights: NDArray[np.float32] | None = None
    ) -> None:
        self._chosen, self._seeds = chosen, tuple(seeds)
        # Weights may all be 0: only records that are held out may have surprised the network.
        self._weights = weights if weights is not None and weights.sum() > 0 else None

    def __len__(self) -> int:
        return len(self._chosen)

    def between(self, start: int, stop: int) -> NDArray[np.int64]:
        """int64[stop - start]: the indices at these places of the stream."""
        first, last = start // len(self), -(-stop // len(self))
        passes = np.concatenate([self._pass(number) for number in range(first, max(last, first + 1))])
        return passes[start - first * len(self) : stop - first * len(self)]

    def _pass(self, number: int) -> NDArray[np.int64]:
        rng = np.random.default_rng([*self._seeds, number])
        if self._weights is None:
            return rng.permutation(self._chosen)
        marks = rng.random() + np.arange(len(self))
        ends = np.cumsum(self._weights.astype(np.float64))
        drawn = np.searchsorted(ends * (len(self) / ends[-1]), marks, side="right")
        return rng.permutation(self._chosen[np.minimum(drawn, len(self) - 1)])


def surprise_weights(records: RecordBatch, share: float) -> NDArray[np.float32] | None:
    """float32[n], averaging 1: this share of it in proportion to how much the search surprised the network.

    After KataGo's policy surprise weighting (docs/KataGoMethods.md): the other share is the same for all. A policy that
    does not count surprises nobody; a record whose surprise is not known gets the mean. None: all weigh the same.
    """
    if share == 0 or np.isnan(records.surprise).all():
        return None
    surprise = records.surprise * records.policy_weight
    known = ~np.isnan(surprise)
    mean = float(surprise[known].mean())
    if mean <= 0:
        return None
    return (1 - share + share * np.where(known, surprise / mean, 1.0)).astype(np.float32)
