"""Validation on held-out games, which are never trained on: the losses and the calibration of the network that plays.

Whole games are held out, since the positions of one game are similar. They are always the same games, since a later
training must not train on what an earlier one held out.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphapente.network.inputs import PLANES, InputForm
from alphapente.records.model import RecordBatch
from alphapente.rules.bitboards import MIXER
from alphapente.training.batches import Batch, Samples, make_batch
from alphapente.training.labels import settled
from alphapente.training.losses import Losses

NUM_BINS = 10
"""Bins, from -1 to 1, in which predicted values are compared with outcomes."""
MOST_RECORDS = 4096
"""The most held-out records to evaluate, the newest: more would take longer and give the same result."""
_BATCH = 256


def held_out(records: RecordBatch, share: float) -> NDArray[np.bool_]:
    """bool[n]: whether each record's game is held out: about this share of the games, always the same ones.

    A hash of the game's number decides. Nothing is held out if otherwise nothing would remain to train on.
    """
    with np.errstate(over="ignore"):
        mixed = records.game_ids.astype(np.uint64) * MIXER
        mixed ^= mixed >> np.uint64(32)
        mixed *= MIXER
    chosen = (mixed >> np.uint64(40)).astype(np.float64) / 2**24 < share
    return chosen if not chosen.all() else np.zeros(len(records), np.bool_)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Predicted values against outcomes in bins; empty bins are omitted."""

    bins: list[tuple[float, float, int]]
    """Mean predicted value, mean outcome, positions; by rising value."""

    @property
    def error(self) -> float:
        """The expected calibration error: |predicted - outcome| of the bins, weighted by size (Guo et al. 2017)."""
        return self._mean(lambda predicted, outcome: abs(predicted - outcome))

    @property
    def overconfidence(self) -> float:
        """As `error`, but a bin counts only if its values exceed the outcomes in size or have the wrong sign."""
        return self._mean(lambda predicted, outcome: max(0.0, float(np.sign(predicted)) * (predicted - outcome)))

    def _mean(self, distance_fn: Callable[[float, float], float]) -> float:
        positions = max(1, sum(count for *_, count in self.bins))
        return sum(distance_fn(predicted, outcome) * count for predicted, outcome, count in self.bins) / positions

    @property
    def line(self) -> str:
        """The bins as text: "-0.91 -> -0.80 (40), 0.13 -> 0.20 (7)"; predicted, outcome and number of positions."""
        return ", ".join(f"{predicted:.2f} -> {outcome:.2f} ({count:,})" for predicted, outcome, count in self.bins)


def calibration(predicted: NDArray[np.float32], outcome: NDArray[np.int8], num_bins: int = NUM_BINS) -> Calibration:
    """The calibration of predicted values float32[n] against outcomes int8[n], in bins of equal width."""
    place = np.clip(((predicted + 1) / 2 * num_bins).astype(np.int64), 0, num_bins - 1)
    bins = []
    for number in range(num_bins):
        here = place == number
        if here.any():
            bins.append((float(predicted[here].mean()), float(outcome[here].mean()), int(here.sum())))
    return Calibration(bins)


@dataclass(frozen=True, slots=True)
class Validation:
    """The result on held-out records. `calibration` is None if a random move follows each of them."""

    positions: int
    policy_loss: float
    value_loss: float
    calibration: Calibration | None


class HeldOut:
    """The held-out records of a sample, ready to be evaluated."""

    def __init__(self, records: RecordBatch, samples: Samples, chosen: NDArray[np.bool_]) -> None:
        self._samples = samples
        self._indices = np.flatnonzero(chosen)[-MOST_RECORDS:]
        self._outcome, self._settled = records.outcome[self._indices], settled(records)[self._indices]

    def __len__(self) -> int:
        return len(self._indices)

    def ask(self, judge: Callable[[Batch], tuple[Losses, NDArray[np.float32]]], form: InputForm = PLANES) -> Validation:
        """Evaluates the records, of which there must be one, by `Learner.judge`; `form` is its network's input form."""
        policy = weights = value = 0.0
        values = np.empty(len(self), np.float32)
        for start in range(0, len(self), _BATCH):
            some = slice(start, start + _BATCH)
            indices = self._indices[some]
            batch = make_batch(self._samples, indices, np.zeros(len(indices), np.int64), form=form)
            found, values[some] = judge(batch)
            weight = float(batch.policy_weight.sum())
            policy, weights = policy + float(found.policy) * weight, weights + weight
            value += float(found.value) * len(indices)
        calibrated = None
        if self._settled.any():
            calibrated = calibration(values[self._settled], self._outcome[self._settled])
        return Validation(len(self), policy / max(weights, 1e-9), value / len(self), calibrated)
