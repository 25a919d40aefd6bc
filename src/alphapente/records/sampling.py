"""The strategies that select records for training, one function each.

The records of a pool are numbered 0, 1, 2, ... without gaps, oldest first. So a strategy draws numbers only, and the
store reads exactly these records by key. To add a strategy, add a function to STRATEGIES.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphapente.errors import RequestError

Sequences = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Window:
    """Parameters of the strategy `window`: the setting `training.window`, with the same defaults."""

    records: int = 25_000
    exponent: float = 0.75
    slope: float = 0.4

    def reach(self, num_records: int) -> int:
        """The size of the window over n records: c (1 + b ((n / c)^a - 1) / a) of the newest, all while n <= c.

        c is `records`, a is `exponent`, b is `slope` (Wu 2019, "Accelerating Self-Play Learning in Go", appendix C).
        """
        if num_records <= self.records:
            return num_records
        growth = ((num_records / self.records) ** self.exponent - 1) / self.exponent
        return min(num_records, round(float(self.records * (1 + self.slope * growth))))


DEFAULT_WINDOW = Window()


@dataclass(frozen=True, slots=True)
class Draw:
    """The random generator and the parameters of the strategies."""

    rng: np.random.Generator
    top_percent: float = 0.7
    window: Window = DEFAULT_WINDOW


Strategy = Callable[[int, int, Draw], Sequences]
"""(num_records, count, draw) -> the numbers of min(num_records, count) distinct records, rising.

`window` returns fewer if its window has fewer.
"""


def recent(num_records: int, count: int, _draw: Draw) -> Sequences:
    """The newest `count` records."""
    return np.arange(max(0, num_records - count), num_records, dtype=np.int64)


def random(num_records: int, count: int, draw: Draw) -> Sequences:
    """`count` records drawn uniformly from all, without replacement."""
    if count >= num_records:
        return np.arange(num_records, dtype=np.int64)
    return np.sort(draw.rng.choice(num_records, count, replace=False, shuffle=False)).astype(np.int64)


def top_random(num_records: int, count: int, draw: Draw) -> Sequences:
    """The newest round(top_percent * count) records; the others drawn uniformly from the older ones."""
    newest = min(num_records, round(draw.top_percent * count))
    older = random(num_records - newest, count - newest, draw)
    return np.concatenate([older, recent(num_records, newest, draw)])


def window(num_records: int, count: int, draw: Draw) -> Sequences:
    """`count` records drawn uniformly from the newest `Window.reach`, without replacement."""
    reach = draw.window.reach(num_records)
    return num_records - reach + random(reach, count, draw)


STRATEGIES: dict[str, Strategy] = {"recent": recent, "random": random, "top_random": top_random, "window": window}


def strategy_named(name: str) -> Strategy:
    """The strategy of that name. Raises RequestError for an unknown name."""
    if name not in STRATEGIES:
        raise RequestError(f"unknown sample strategy {name!r}: choose one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]


def draw(strategy: str, num_records: int, count: int, by: Draw) -> Sequences:
    """Draws the numbers of records by a strategy, distinct and rising.

    Raises RequestError for an unknown strategy, a count below 1 or a top_percent outside 0..1.
    """
    if count < 1:
        raise RequestError(f"cannot sample {count} records: ask for 1 or more")
    if not 0 <= by.top_percent <= 1:
        raise RequestError(f"sample_top_percent is {by.top_percent}: allowed is 0 to 1")
    return strategy_named(strategy)(num_records, count, by)
