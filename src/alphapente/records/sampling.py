"""Which records a training learns from: each strategy is one small function in one table.

The records of a pool are numbered 0, 1, 2, ... without gaps, oldest first, so a strategy only draws numbers; the
store then reads exactly those records by key. Add a strategy by adding a function to STRATEGIES.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from alphapente.errors import RequestError

Sequences = NDArray[np.int64]
Strategy = Callable[[int, int, np.random.Generator, float], Sequences]
"""(num_records, count, rng, top_percent) -> the numbers of min(num_records, count) distinct records, rising."""


def recent(num_records: int, count: int, _rng: np.random.Generator, _top_percent: float) -> Sequences:
    """The newest `count` records."""
    return np.arange(max(0, num_records - count), num_records, dtype=np.int64)


def random(num_records: int, count: int, rng: np.random.Generator, _top_percent: float) -> Sequences:
    """`count` records drawn uniformly from all, without replacement."""
    if count >= num_records:
        return np.arange(num_records, dtype=np.int64)
    return np.sort(rng.choice(num_records, count, replace=False, shuffle=False)).astype(np.int64)


def top_random(num_records: int, count: int, rng: np.random.Generator, top_percent: float) -> Sequences:
    """The newest round(top_percent * count) records, and the others uniformly from those older than these."""
    newest = min(num_records, round(top_percent * count))
    older = random(num_records - newest, count - newest, rng, top_percent)
    return np.concatenate([older, recent(num_records, newest, rng, top_percent)])


STRATEGIES: dict[str, Strategy] = {"recent": recent, "random": random, "top_random": top_random}


def strategy_named(name: str) -> Strategy:
    """The strategy of that name. Raises RequestError for one that is not in STRATEGIES."""
    if name not in STRATEGIES:
        raise RequestError(f"unknown sample strategy {name!r}: choose one of {', '.join(STRATEGIES)}")
    return STRATEGIES[name]


def draw(strategy: str, num_records: int, count: int, rng: np.random.Generator, top_percent: float) -> Sequences:
    """The numbers of the records that a strategy takes, int64[min(num_records, count)], distinct and rising.

    Raises RequestError for an unknown strategy, a count below 1 or a top_percent outside 0..1.
    """
    if count < 1:
        raise RequestError(f"cannot sample {count} records: ask for 1 or more")
    if not 0 <= top_percent <= 1:
        raise RequestError(f"sample_top_percent is {top_percent}: allowed is 0 to 1")
    return strategy_named(strategy)(num_records, count, rng, top_percent)
