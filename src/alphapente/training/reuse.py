"""How often records are trained on: the account that a network keeps of them, pool by pool, in its checkpoint."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Account:
    """What a network has learned from one pool (the records of a variant and board size)."""

    records: int = 0
    """Records that the pool held when the network last began to learn from it."""
    samples: int = 0
    """How many it has been shown, each time counted."""
    ahead: float = 0.0
    """How many more than was due by `training.reuse`; less than 0: how many fewer, which the next training makes up."""

    def arrived(self, available: int) -> int:
        """How many records of a pool of `available` came after the network last began to learn from it.

        A pool that holds fewer records than before is another one: all of it is new.
        """
        return available - self.records if available >= self.records else available

    def begin(self, available: int, most: int, reuse: float | None) -> tuple[int, float]:
        """Begins a training over a pool of `available` records of which it draws `most` at most.

        Returns how many records are new to the network, no more than it draws, and how many samples are due.
        """
        new = min(self.arrived(available), most)
        self.records = available
        self.ahead = 0.0 if reuse is None else self.ahead - reuse * new
        return new, max(0.0, -self.ahead)

    def learned(self, samples: int, reuse: float | None) -> None:
        """Counts samples that were trained on."""
        self.samples += samples
        if reuse is not None:
            self.ahead += samples


def accounts_in(kept: Any) -> dict[str, Account]:
    """The accounts by pool ("pente 19x19") of a checkpoint. Raises TypeError for what is none."""
    return {str(pool): Account(**account) for pool, account in (kept or {}).items()}
