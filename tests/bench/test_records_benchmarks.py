"""The benchmarks of the records: databases grown by copies are valid, and every value has its row."""

import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from alphapente.bench import sample
from alphapente.bench.many_records import folder_for, grow, short
from alphapente.bench.sample import bench_sample
from alphapente.bench.scale_records import scale_records
from alphapente.cli.bench import app
from alphapente.errors import RequestError
from alphapente.records.check import check
from alphapente.records.store import Store
from tests.records.samples import random_game


@pytest.mark.parametrize("num_records", [60, 200, 1010])
def test_a_grown_database_is_like_a_written_one(tmp_path: Path, num_records: int) -> None:
    database = tmp_path / "records.db"
    games = [random_game(seed, max_records=20) for seed in range(3)]
    with Store(database) as store:
        for game in games:
            store.add_game(game)
    grow(database, num_records)
    with Store(database) as store:
        report = check(store)
        assert report.findings == []
        assert (report.games, report.records) == (num_records // 20, num_records // 20 * 20)  # whole games only
        store.add_game(games[0])
        assert store.num_games("pente", 9) == num_records // 20 + 1
        for number, stored in zip(range(num_records // 20), store.games(), strict=False):
            assert stored.moves == games[number % 3].moves


def test_a_grown_database_can_grow_again(tmp_path: Path) -> None:
    database = tmp_path / "records.db"
    with Store(database) as store:
        store.add_game(random_game(1, max_records=20))
    for num_records in (100, 100, 460):
        grow(database, num_records)
        with Store(database) as store:
            report = check(store)
        assert (report.records, report.findings) == (num_records, [])


def test_too_small_a_disk_is_told_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=10**6))
    line = r"10,000,000 records take 3\.2 GB.*only 0\.0 GB free.*TMPDIR"
    with pytest.raises(RequestError, match=line), folder_for(10_000_000):
        pass


def test_counts_have_short_names() -> None:
    assert [short(count) for count in (400, 10_000, 12_345, 1_000_000, 10_000_000)] == [
        "400",
        "10k",
        "12345",
        "1m",
        "10m",
    ]


def test_writing_and_sampling_are_compared_with_their_floors() -> None:
    result = bench_sample(0.1, 4000, 1000)
    rows = {row.name: row for row in result.rows}
    assert list(rows) == [
        "records.write",
        "records.bytes",
        "records.sample.recent",
        "records.sample.random",
        "records.sample.top_random",
        "records.sample.window",
        "sample.4k",
        "sample.4k.memory",
    ]
    assert all(row.floor and row.ratio for row in result.rows if not row.name.endswith(("bytes", "memory")))
    assert 100 < rows["records.bytes"].value < 400
    assert sum(result.breakdown.values()) == pytest.approx(1.0)


def test_the_memory_of_a_sample_is_measured() -> None:
    def hold() -> None:
        array = np.ones(30_000_000, np.int8)
        time.sleep(0.1)
        assert array[-1] == 1

    assert 20_000_000 < sample._memory(hold) < 60_000_000


def test_the_cost_of_a_record_is_measured_at_each_size() -> None:
    rows = scale_records((400, 800, 2000)).rows
    assert [row.name for row in rows] == [
        f"scale.records.{what}.{size}" for what in ("write", "sample") for size in ("400", "800", "2k")
    ]
    assert rows[0].ratio == rows[3].ratio == 1.0
    assert all(row.value > 0 for row in rows)


def test_the_command_takes_the_size_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def record_call(seconds: float, num_records: int) -> Any:
        calls.append((seconds, num_records))
        return bench_sample(0.1, 400, 200)

    monkeypatch.setattr(sample, "bench_sample", record_call)
    result = CliRunner().invoke(app, ["sample", "--seconds", "3", "--rows", "200000"])
    assert result.exit_code == 0, result.output
    assert calls == [(3.0, 200_000)]
