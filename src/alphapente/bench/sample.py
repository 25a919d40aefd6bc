"""Writing and sampling of records in real temporary databases, a small one and one of millions of records."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import psutil

from alphapente.bench.many_records import RECORDS_A_GAME, SIZE, folder_for, grow, short, some_games
from alphapente.bench.report import Result, Row, median
from alphapente.records import codec, columns
from alphapente.records.model import GameRecord
from alphapente.records.sampling import STRATEGIES, Window
from alphapente.records.store import Store

FEW = 100_000
MANY = 10_000_000
WIDE_OPEN = Window(10**9)
"""Lets the strategy `window` draw the same number from the small database as from the large one."""
SAMPLING_LAPS = 5
"""Samples of each kind; the median counts."""


def bench_sample(seconds: float, num_records: int = MANY, few: int = FEW) -> Result:
    """Writes databases of `few` records for `seconds`; then samples `few` from one of them and from `num_records`.

    Writing (one transaction per game) is compared with the bare driver, which inserts the same rows, prepared in
    advance, with the same transactions. Raises RequestError if the disk has no space for `num_records`.
    """
    rng = np.random.default_rng(0)
    games = some_games(50, rng)
    with folder_for(num_records + 3 * few) as folder:
        small, large = folder / "small.db", folder / "large.db"
        written = _write(folder, small, games, few, seconds)
        size = small.stat().st_size / few
        shutil.copy(small, large)
        grow(large, num_records)
        sampled = _sample(small, large, few, rng)
    return Result([*written.rows, Row("records.bytes", size, "bytes a record"), *sampled], written.breakdown)


def _write(folder: Path, small: Path, games: list[GameRecord], few: int, seconds: float) -> Result:
    """In turns: the store into `small`, the bare driver into another file, and the encoding alone."""
    ours: list[float] = []
    bare: list[float] = []
    encoding: list[float] = []
    end = time.perf_counter() + seconds
    while not ours or time.perf_counter() < end:
        small.unlink(missing_ok=True)
        with Store(small) as store:
            start = time.perf_counter()
            for number in range(few // RECORDS_A_GAME):
                store.add_game(games[number % len(games)])
            ours.append(time.perf_counter() - start)
        bare.append(_write_bare(folder / "bare.db", games, few))
        start = time.perf_counter()
        for number in range(few // RECORDS_A_GAME):
            codec.encode_records(games[number % len(games)])
        encoding.append(time.perf_counter() - start)
    spent, floor, encoded = median(ours), median(bare), median(encoding)
    breakdown = {"SQLite": floor / spent, "checking, encoding": encoded / spent}
    breakdown["transaction, SQLAlchemy"] = 1.0 - sum(breakdown.values())
    return Result([Row("records.write", few / spent, "records/s", few / floor, floor / spent)], breakdown)


def _write_bare(database: Path, games: list[GameRecord], few: int) -> float:
    """Seconds that sqlite3 alone takes to insert the same rows in the same transactions with the same pragmas."""
    database.unlink(missing_ok=True)
    with Store(database) as store:
        store.add_game(games[0])
    insert = f"INSERT INTO records VALUES ({', '.join('?' * len(columns.COLUMNS))})"
    rows = [list(zip(*codec.encode_records(game), strict=True)) for game in games]
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        key = connection.execute("SELECT max(id) + 1 FROM records").fetchone()[0]
        start = time.perf_counter()
        for number in range(few // RECORDS_A_GAME):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(insert, [(key + i, 1, *row) for i, row in enumerate(rows[number % len(rows)])])
            connection.execute("COMMIT")
            key += RECORDS_A_GAME
        return time.perf_counter() - start


def _sample(small: Path, large: Path, few: int, rng: np.random.Generator) -> list[Row]:
    """The memory of the first samples; then each strategy in turn on both databases, lap by lap."""
    seconds: dict[tuple[str, bool], list[float]] = {}
    with Store(small, read_only=True) as small_store, Store(large, read_only=True) as large_store:
        many = short(large_store.num_records("pente", SIZE))
        memory = max(
            _memory(partial(large_store.sample, name, few, rng, "pente", SIZE, window=WIDE_OPEN)) for name in STRATEGIES
        )
        for lap in range(SAMPLING_LAPS + 1):
            for name in STRATEGIES:
                for store in (small_store, large_store):
                    start = time.perf_counter()
                    store.sample(name, few, rng, "pente", SIZE, window=WIDE_OPEN)
                    if lap:  # the first fills the caches
                        seconds.setdefault((name, store is large_store), []).append(time.perf_counter() - start)
    time_of = {key: median(values) for key, values in seconds.items()}
    rows = [
        Row(
            f"records.sample.{name}",
            few / time_of[name, True],
            "records/s",
            few / time_of[name, False],
            time_of[name, False] / time_of[name, True],
        )
        for name in STRATEGIES
    ]
    slowest = max(STRATEGIES, key=lambda name: time_of[name, True])
    floor, value = time_of[slowest, False], time_of[slowest, True]
    return [
        *rows,
        Row(f"sample.{many}", value, f"seconds for {few:,}", floor, value / floor),
        Row(f"sample.{many}.memory", memory / 2**20, "MiB more"),
    ]


def _memory(work_fn: Callable[[], object]) -> int:
    """The maximum growth of the process, in bytes, while `work_fn` runs, sampled every 2 milliseconds."""
    process, done = psutil.Process(), threading.Event()
    before: int = process.memory_info().rss
    peak = before

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.002):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work_fn()
    finally:
        done.set()
        watcher.join()
    return peak - before
