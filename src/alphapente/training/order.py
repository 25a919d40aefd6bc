"""The order of the records in a training: one random permutation after another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alphapente.records.model import RecordBatch


class SampleOrder:
    """An endless stream of the records `chosen` (indices int64[k], at least one); an epoch is a part of it.

    The same seeds give the same stream, however it is divided. With `weights` (float32[k], averaging 1) a pass contains
    record i weights[i] times on average, by systematic sampling: floor(weights[i]) times or once more.
    """

    def __init__(
        self, chosen: NDArray[np.int64], seeds: Sequence[int], weights: NDArray[np.float32] | None = None
    ) -> None:
        self._chosen, self._seeds = chosen, tuple(seeds)
        # Weights may all be 0, if the search surprised the network only in held-out records.
        self._weights = weights if weights is not None and weights.sum() > 0 else None

    def __len__(self) -> int:
        return len(self._chosen)

    def between(self, start: int, stop: int) -> NDArray[np.int64]:
        """int64[stop - start]: this part of the stream."""
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
    """The weights of surprise weighting, float32[n], averaging 1; None if all records weigh the same.

    As KataGo's policy surprise weighting (docs/KataGoMethods.md): the part `share` of the weight is proportional to the
    surprise of the search, the rest is equal for all. The surprise of a policy that does not count is 0; a record with
    unknown surprise gets the mean.
    """
    if share == 0 or np.isnan(records.surprise).all():
        return None
    surprise = records.surprise * records.policy_weight
    known = ~np.isnan(surprise)
    mean = float(surprise[known].mean())
    if mean <= 0:
        return None
    return (1 - share + share * np.where(known, surprise / mean, 1.0)).astype(np.float32)
