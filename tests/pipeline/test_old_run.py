"""A run that an older version began and that was killed in the middle of a cycle: shown, examined and continued."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alphapente.config import Config, load_config
from alphapente.doctor import CHECKS, examine
from alphapente.events import Event, GenerationSummary, PipelineSummary, StepStarted, TrainingSummary, from_json
from alphapente.network import checkpoint
from alphapente.pipeline.state import STATE_NAME, load_state
from alphapente.records.check import check
from alphapente.records.store import Store
from tests.web.run_folder import run_context

OLD = Path(__file__).with_name("data") / "old_run"
OLD_NETWORK = ("simple_00000016.pt", 16, 1, 118)
"""File, step, cycle and records of the only network that the run had kept."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run, with its configuration where the page looks for one."""
    shutil.copytree(OLD, tmp_path, dirs_exist_ok=True)
    (tmp_path / "config").mkdir()
    (tmp_path / "run.json").rename(tmp_path / "config" / "old.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config() -> Config:
    return load_config(Path("config/old.json"))


def page(folder: Path, monkeypatch: pytest.MonkeyPatch, *parts: str) -> list[Any]:
    """The answers of the page's server about the run."""
    with run_context(folder, monkeypatch) as (client, _):
        answers = [client.get(f"/api/v1/run{part}", params={"config": "old"}) for part in parts]
    assert all(answer.status_code == 200 for answer in answers), [answer.text for answer in answers]
    return [answer.json() for answer in answers]


def passed(check_name: str) -> str:
    """The evidence of a check of the doctor that passes."""
    (report,) = examine(config(), {check_name: CHECKS[check_name]}).reports
    assert report.evidence, report
    return report.evidence


def kept_networks() -> list[tuple[str, int, int, int]]:
    from alphapente.pipeline.history import read_history

    kept = read_history(Path("checkpoints"))
    return [(one.checkpoint, one.step, one.cycle, one.records) for one in kept]


def test_it_is_shown_and_examined(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, curves, live = page(folder, monkeypatch, "", "/curves", "/games/live")
    assert (run["state"], run["run"], run["cycle"], run["records"]) == ("paused", "20261130_201407", 2, 135)
    assert run["message"] == "its process was killed; it resumes after its last finished step"
    assert [(step["name"], step["outcome"]) for step in run["steps"]] == [
        ("Generation 1", "done"),
        ("Training 1.1", "done"),
        ("Generation 2", "ended early"),
    ]
    assert run["steps"][1]["progress"]["step"] == 16
    assert run["notes"][0]["text"].startswith("a new run: cycles 1 to 2 of 80 records")
    assert [sample["records"] for sample in run["samples"]][-2:] == [118, 135]
    assert curves["training"]["step"] == [8, 16]
    assert curves["training"]["total_loss"] == pytest.approx([4.6394, 4.6009], abs=0.001)
    assert curves["rates"]["records_per_s"] == pytest.approx([5.9], abs=0.1)
    assert live["games"] == [], "they were in play when it was killed"
    assert "cycle 2" in passed("run")
    assert "in 2 epochs of the newest 1 trainings" in passed("learning rate")
    assert kept_networks() == [OLD_NETWORK]


@pytest.mark.slow
def test_it_continues_where_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin, kept_open = os.pipe()  # with --events the end of standard input would stop the run
    command = [sys.executable, "-m", "alphapente", "run", "config/old.json", "--events"]
    done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False)
    os.close(stdin)
    os.close(kept_open)
    assert done.returncode == 0, done.stderr
    events: list[Event] = [from_json(line) for line in done.stdout.splitlines()]
    assert [one.name for one in events if isinstance(one, StepStarted)] == ["Generation 2", "Training 2.1"]
    (played,) = (one for one in events if isinstance(one, GenerationSummary))
    assert played.records >= 80 - 17, "17 records of this generation were stored before"
    (trained,) = (one for one in events if isinstance(one, TrainingSummary))
    result = events[-1]
    assert isinstance(result, PipelineSummary)
    assert (result.cycles, result.records) == (2, 135 + played.records)
    assert result.games_by_cycle == [4, 1 + played.games]
    assert [name for name, _ in result.loss_by_training] == ["Training 1.1", "Training 2.1"]
    assert result.elapsed_s > 57

    found = checkpoint.read(Path("checkpoints/simple_model.pt"))
    assert found.step == trained.step > 16
    assert found.training["start_step"] == 16
    assert kept_networks() == [OLD_NETWORK, (f"simple_{trained.step:08d}.pt", trained.step, 2, result.records)]
    with Store(config().records.database) as store:
        assert store.num_games("pente", 7) == 5 + played.games
        assert check(store).findings == []
    state = load_state(Path("checkpoints", STATE_NAME))
    assert state is not None
    assert (state.run, state.finished) == ("20261130_201407", True)

    run, curves = page(folder, monkeypatch, "", "/curves")
    assert (run["state"], run["run"], run["records"]) == ("finished", "20261130_201407", result.records)
    assert run["samples"][0]["records"] == 0, "the samples of the old version are kept"
    assert run["samples"][-1]["records"] == result.records
    assert curves["training"]["step"] == [8, 16, (16 + trained.step) // 2, trained.step]
    assert len(curves["rates"]["records_per_s"]) >= 2
    assert "in 4 epochs of the newest 2 trainings" in passed("learning rate")
    assert json.loads(Path("checkpoints/history/history.jsonl").read_text().splitlines()[0])["step"] == 16
