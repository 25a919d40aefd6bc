"""`alphapente bench`: the table, the files, and errors if they cannot be written."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alphapente.bench.report import Result, Row
from alphapente.bench.suite import BENCHMARKS, Benchmark
from alphapente.cli.bench import app
from alphapente.config import Config
from alphapente.errors import FailureError


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """Replaces all benchmarks by fast ones; returns the list of their calls (name, seconds)."""
    calls: list[tuple[str, float]] = []

    def fake(name: str) -> Benchmark:
        def measure(config: Config, seconds: float) -> Result:
            calls.append((name, seconds))
            return Result([Row(f"{name}.x", 9.5, "things/s", 10.0, 0.95)], {f"{name}.x: waiting": 1.0})

        return Benchmark(name, "", BENCHMARKS[name].seconds, measure)

    for name in list(BENCHMARKS):
        monkeypatch.setitem(BENCHMARKS, name, fake(name))
    return calls


def call(*words: str) -> str:
    """The output of the command."""
    result = CliRunner().invoke(app, list(words), catch_exceptions=False, terminal_width=200)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_benchmark_shows_a_table_and_writes_json(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    out = call("rules", "--seconds", "0.3", "--json", str(path))
    assert "rules.pente" in out
    found = json.loads(path.read_text())
    assert set(found) == {"machine", "rows"}
    assert all(set(row) == {"name", "value", "unit", "floor", "ratio"} for row in found["rows"])
    assert found["machine"]["threads"] >= 1
    assert {"processor", "instruction_sets", "libraries"} <= set(found["machine"])


def test_all_runs_each_once_with_its_share_of_the_seconds(calls: list[tuple[str, float]], tmp_path: Path) -> None:
    path, results = tmp_path / "all.json", tmp_path / "RESULTS.md"
    out = call("all", "--seconds", "30", "--json", str(path), "--results", str(results))
    assert [name for name, _ in calls] == list(BENCHMARKS)
    assert sum(seconds for _, seconds in calls) == pytest.approx(30)
    assert "waiting 100.0%" in out
    assert [row["name"] for row in json.loads(path.read_text())["rows"]] == [f"{name}.x" for name in BENCHMARKS]
    text = results.read_text()
    assert all(f"### {name}\n" in text for name in BENCHMARKS)
    call("all", "--seconds", "30", "--results", str(results))
    assert results.read_text() == text


def test_files_that_cannot_be_written_are_refused_before_anything_is_measured(
    calls: list[tuple[str, float]], tmp_path: Path
) -> None:
    for option in ("--json", "--results"):
        for path in (tmp_path, Path("/dev/null/file")):
            with pytest.raises(FailureError, match=r"is a folder|cannot be written \(Not a directory\)"):
                call("all", option, str(path))
    assert not calls


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_file_that_fails_after_the_measurement_is_reported_in_one_line() -> None:
    with pytest.raises(FailureError, match=r"/dev/full cannot be written \(No space left on device\)"):
        call("rules", "--seconds", "0.1", "--json", "/dev/full")


def test_defaults_end_within_two_minutes() -> None:
    assert all(benchmark.seconds <= 100 for benchmark in BENCHMARKS.values())
