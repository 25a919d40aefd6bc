"""The progress of a training, which its checkpoint stores, and the means that it reports."""

import math
import time
from dataclasses import dataclass, field
from typing import Any

from alphapente.training.batches import Batch
from alphapente.training.losses import Losses
from alphapente.training.reuse import Account, accounts_in
from alphapente.training.validation import Validation


@dataclass(slots=True)
class Progress:
    """The progress of a training; stored in the checkpoint, so that an interrupted training can resume."""

    resume_key: str | None
    seed: int
    start_step: int
    """The network's step when this training began; with the seed it determines sample, order and orientations."""
    num_epochs: int
    epoch: int = 0
    """Epochs finished."""
    num_samples: int = 0
    """Samples of all epochs together; 0 until the records are drawn."""
    new_records: int = 0
    """Records of the pool that were new to the network when this training began."""
    policy_loss: float = math.nan
    value_loss: float = math.nan
    validation_policy_loss: float | None = None
    validation_value_loss: float | None = None
    calibration_error: float | None = None
    accounts: dict[str, Account] = field(default_factory=dict)
    """The samples of each pool, in this training and all before; see training/reuse.py."""

    def close_epoch(self, meter: "Meter", validation: Validation | None) -> None:
        """Counts a finished epoch and stores its losses."""
        self.epoch += 1
        self.policy_loss, self.value_loss = meter.mean("policy"), meter.mean("value")
        if validation is not None:
            self.validation_policy_loss, self.validation_value_loss = validation.policy_loss, validation.value_loss
            self.calibration_error = validation.calibration.error if validation.calibration else None


def progress_in(kept: dict[str, Any]) -> Progress:
    """The progress stored in a checkpoint. Raises TypeError for anything else."""
    return Progress(**{**kept, "accounts": accounts_in(kept.get("accounts"))})


class Meter:
    """Means over the batches so far, weighted by positions or by their policy weights, and the rate."""

    _OF_POLICY = ("policy", "policy_entropy", "target_entropy")

    def __init__(self) -> None:
        self._sums = dict.fromkeys(Losses._fields, 0.0)
        self._count = 0
        self._policy_weight = 0.0
        self._started = time.monotonic()

    def add(self, losses: Losses, batch: Batch) -> None:
        """Adds the losses of one step."""
        count, policy_weight = len(batch.value), float(batch.policy_weight.sum())
        for name, loss in zip(Losses._fields, losses, strict=True):
            self._sums[name] += float(loss) * (policy_weight if name in self._OF_POLICY else count)
        self._count += count
        self._policy_weight += policy_weight

    def mean(self, name: str) -> float:
        """The mean of a field of Losses."""
        return self._sums[name] / max(1e-9, self._policy_weight if name in self._OF_POLICY else self._count)

    def samples_per_s(self) -> float:
        """Positions a second since the start."""
        return self._count / max(time.monotonic() - self._started, 1e-9)
