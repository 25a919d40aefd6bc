"""`alphapente doctor`: its report and its JSON, once as a process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from alphapente.doctor import strength
from tests.cli.in_process import alphapente
from tests.doctor.sample_runs import config_in, games, save_checkpoint, store


def test_without_data(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "alphapente", "doctor"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "1. CRITICAL: There are no records of pente 19x19" in done.stdout
    assert "Not available:\n" in done.stdout
    assert "no checkpoint checkpoints/simple_model.pt yet" in done.stdout
    assert not list(tmp_path.iterdir()), "the doctor writes no files"


def test_page_and_json_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strength, "PUZZLES", 6)
    config = config_in(tmp_path, "training.num_epochs=1", "training.average_decay=0")
    store(config, games(60))
    save_checkpoint(config, 40)
    (tmp_path / "own.json").write_text(config.dump_json())
    done = alphapente(tmp_path, "doctor", "own.json", "--set", "pipeline.total_records_target=180")
    assert done.returncode == 0, done.stderr
    page = done.stdout
    assert "pente 7x7" in page.splitlines()[0]
    assert "--set pipeline.total_records_target=360   (now 180)" in page
    assert "--set training.average_decay=0.99   (now 0.0)" in page
    passed = page[page.index("Passed:") :]
    assert "distinct games" in passed
    assert max(map(len, page.splitlines())) <= 160

    values = json.loads(alphapente(tmp_path, "doctor", "--config", "own.json", "--json").stdout)
    assert {"check", "severity", "title", "evidence", "advice", "settings"} == set(values["findings"][0])
    assert "settings" in {finding["check"] for finding in values["findings"]}
    assert "balance" in values["well"]
    assert "processor" in values["not_looked_at"]
