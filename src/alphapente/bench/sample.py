"""Writing and sampling of records in a real database of its own."""

import tempfile
import time
from pathlib import Path

import numpy as np

from alphapente.bench.report import Result, Row
from alphapente.records.model import GameRecord, SearchRecord
from alphapente.records.store import Store

RECORDS_A_GAME = 40
SAMPLE = 10_000
POINTS_LISTED = 24
SIZE = 19


def _game(rng: np.random.Generator) -> GameRecord:
    """A game of the usual size whose moves and positions mean nothing."""
    moves = rng.permutation(SIZE * SIZE)[: RECORDS_A_GAME + 3].tolist()
    records = []
    for ply in range(RECORDS_A_GAME):
        targets = rng.dirichlet(np.ones(POINTS_LISTED + 1)).astype(np.float32)
        records.append(
            SearchRecord(
                ply=ply + 3,
                board=rng.integers(0, 3, SIZE * SIZE).astype(np.int8),
                captured=(0, 2),
                to_move=1 + (ply + 3) % 2,
                points=np.sort(rng.permutation(SIZE * SIZE)[:POINTS_LISTED]).astype(np.int16),
                visits=rng.integers(0, 30, POINTS_LISTED).astype(np.int32),
                targets=targets[:-1],
                rest=float(targets[-1]),
                search_value=float(rng.uniform(-1, 1)),
                simulations=100,
            )
        )
    return GameRecord("pente", SIZE, moves, 1, "five", 3, (), int(rng.integers(1 << 60)), "simple", 0, 100, records)


def bench_sample(seconds: float) -> Result:
    """Half of `seconds` goes to writing games, one transaction each, half to sampling by each strategy."""
    rng = np.random.default_rng(0)
    games = [_game(rng) for _ in range(50)]
    with tempfile.TemporaryDirectory(prefix="alphapente-") as folder:
        path = Path(folder, "bench.db")
        with Store(path) as store:
            written, start = 0, time.perf_counter()
            while time.perf_counter() - start < seconds / 2 or written < 2 * SAMPLE:
                store.add_game(games[written // RECORDS_A_GAME % len(games)])
                written += RECORDS_A_GAME
            rows = [Row("records.write", written / (time.perf_counter() - start), "records/s")]
            for strategy in ("recent", "random", "top_random"):
                store.sample(strategy, SAMPLE, rng, "pente", SIZE)
                start, laps = time.perf_counter(), 0
                while time.perf_counter() - start < seconds / 6:
                    store.sample(strategy, SAMPLE, rng, "pente", SIZE)
                    laps += 1
                rate = laps * SAMPLE / (time.perf_counter() - start)
                rows.append(Row(f"records.sample.{strategy}", rate, "records/s"))
        rows.append(Row("records.bytes", path.stat().st_size / written, "bytes a record"))
    return Result(rows)
