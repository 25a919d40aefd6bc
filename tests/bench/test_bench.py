"""The benchmarks run, name their rows, and tell where the time went; how fast is for people to look at."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alphapente.bench.generate import bench_generate
from alphapente.bench.rules import bench_rules
from alphapente.bench.search import bench_search
from alphapente.bench.train import bench_train
from alphapente.cli.bench import app
from alphapente.config import Config, load_config
from alphapente.rules.position import VARIANTS


@pytest.fixture
def config() -> Config:
    return load_config(
        None,
        [
            "game.board_size=7",
            "generation.simulations=8",
            "generation.games_per_worker=4",
            "models.simple.channels=8",
            "training.threads=1",
        ],
    )


def test_rules_play_every_variant() -> None:
    rows = bench_rules(0.3).rows
    assert [row.name for row in rows] == [f"rules.{variant}" for variant in VARIANTS]
    assert all(row.value > 0 for row in rows)


def test_search_says_what_a_simulation_costs_and_where(config: Config) -> None:
    result = bench_search(config, 0.3)
    assert result.rows[0].name == "search.us_per_simulation"
    assert sum(result.breakdown.values()) == pytest.approx(1.0)


def test_generation_is_compared_with_the_bare_network_in_the_same_run(config: Config) -> None:
    result = bench_generate(config, 1.0, ("simple",))
    row = result.rows[0]
    assert row.name.startswith("generate.simple.")
    assert row.floor is not None
    assert row.ratio is not None
    assert 0.0 < row.ratio < 1.5
    assert sum(result.breakdown.values()) == pytest.approx(1.0)


def test_training_is_compared_with_a_plain_loop_in_the_same_run(config: Config) -> None:
    result = bench_train(config, 2.0, ("simple",))
    rows = result.rows
    names = ["train.simple", "train.simple.batch_32", "train.waiting", "train.waiting.batch_32"]
    assert [row.name for row in rows] == names
    assert all(row.floor and row.ratio is not None for row in rows)
    assert sum(result.breakdown.values()) == pytest.approx(1.0)


def test_the_command_writes_rows_and_machine_as_json(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    answer = CliRunner().invoke(app, ["rules", "--seconds", "0.3", "--json", str(path)])
    assert answer.exit_code == 0, answer.output
    found = json.loads(path.read_text())
    assert set(found["rows"][0]) == {"name", "value", "unit", "floor", "ratio"}
    assert found["machine"]["cores"] >= 1
