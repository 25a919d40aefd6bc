"""The cost of writing and sampling a record while one database grows from thousands of records to millions."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from alphapente.bench.many_records import RECORDS_A_GAME, SIZE, folder_for, grow, short, some_games
from alphapente.bench.report import Result, Row, median
from alphapente.records.store import Store

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
LAPS = 5


def scale_records(sizes: Sequence[int] = SIZES) -> Result:
    """Microseconds per record at each number of records (ascending): writing games one by one, sampling at random.

    A sample has the size of the smallest database, whose cost is the floor. Works in a temporary folder; raises
    RequestError if the disk has no space for the largest database.
    """
    rng = np.random.default_rng(0)
    games = some_games(max(1, sizes[0] // RECORDS_A_GAME // 10), rng)
    costs: dict[str, list[float]] = {"write": [], "sample": []}

    def write(store: Store) -> int:
        for game in games:
            store.add_game(game)
        return len(games) * RECORDS_A_GAME

    def sample(store: Store) -> int:
        return len(store.sample("random", sizes[0], rng, "pente", SIZE))

    with folder_for(sizes[-1]) as folder:
        database = folder / "records.db"
        with Store(database) as store:
            while store.num_records("pente", SIZE) < sizes[0]:
                write(store)
        for size in sizes:
            grow(database, size)
            with Store(database) as store:
                costs["sample"].append(_microseconds(sample, store))
                costs["write"].append(_microseconds(write, store))
    rows = [
        Row(f"scale.records.{name}.{short(size)}", cost, "microseconds a record", values[0], cost / values[0])
        for name, values in costs.items()
        for size, cost in zip(sizes, values, strict=True)
    ]
    return Result(rows)


def _microseconds(work: Callable[[Store], int], store: Store) -> float:
    """The cost of one of the records that `work` returns the number of: the median of LAPS calls after a warm-up."""
    costs = []
    for _ in range(LAPS + 1):
        start = time.perf_counter()
        done = work(store)
        costs.append((time.perf_counter() - start) / done * 1e6)
    return median(costs[1:])
