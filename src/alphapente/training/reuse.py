"""The replay ratio: counts how often a network was trained on the records of each pool; stored in its checkpoint."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Account:
    """The training of a network on one pool (the records of a variant and board size)."""

    records: int = 0
    """Records in the pool at the start of the network's last training on it."""
    samples: int = 0
    """Samples trained on, in all trainings."""
    ahead: float = 0.0
    """Samples trained on minus samples due by `training.reuse`; below 0 they are still due in the next training."""

    def arrived(self, available: int) -> int:
        """The number of records in a pool of `available` that are new since the network's last training on it.

        A pool with fewer records than before must be another one: all of its records are new.
        """
        return available - self.records if available >= self.records else available

    def begin(self, available: int, most: int, reuse: float | None) -> tuple[int, float]:
        """Begins a training on a pool of `available` records from which it draws at most `most`.

        Returns the number of records that are new to the network, at most `most`, and the number of samples due.
        """
        new = min(self.arrived(available), most)
        self.records = available
        self.ahead = 0.0 if reuse is None else self.ahead - reuse * new
        return new, max(0.0, -self.ahead)

    def learned(self, samples: int, reuse: float | None) -> None:
        """Counts samples trained on."""
        self.samples += samples
        if reuse is not None:
            self.ahead += samples


def accounts_in(kept: Any) -> dict[str, Account]:
    """The accounts by pool ("pente 19x19") of a checkpoint. Raises TypeError for anything else."""
    return {str(pool): Account(**account) for pool, account in (kept or {}).items()}
