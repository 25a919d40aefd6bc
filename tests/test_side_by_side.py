"""Two trainings and a generation at once on one database, by the entry scripts ("two terminals" in SPEC)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from alphapente.config import load_config
from alphapente.network.checkpoint import read
from alphapente.records.check import check
from alphapente.records.store import Store

ROOT = Path(__file__).parent.parent

SETTINGS = {
    "game": {"board_size": 7},
    "generation": {"simulations": 4, "record_limit": 150, "games_per_worker": 4, "workers": 1, "seed": 1},
    "training": {"threads": 1, "save_interval": 1, "data_sample_size": 100},
    "models": {"simple": {"channels": 8}, "resnet": {"channels": 8, "blocks": 1}},
}


def start(folder: Path, script: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, ROOT / script, "--config", "small.json", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return out


@pytest.mark.slow
def test_two_trainings_and_a_generation_at_once(tmp_path: Path) -> None:
    (tmp_path / "small.json").write_text(json.dumps(SETTINGS))
    finish(start(tmp_path, "generate_v2.py"))
    jobs = [
        start(tmp_path, "generate_v2.py", "--record-limit", "400", "--model-type", "resnet"),
        start(tmp_path, "train_v2.py", "--model-type", "simple", "--epochs", "6"),
        start(tmp_path, "train_v2.py", "--model-type", "resnet", "--epochs", "6", "--sample-strategy", "random"),
    ]
    for job in jobs:
        finish(job)
    for model_type in ("simple", "resnet"):
        assert read(tmp_path / "checkpoints" / f"{model_type}_model.pt").step > 0
    config = load_config(tmp_path / "small.json", [])
    with Store(tmp_path / config.records.database) as store:
        assert store.num_records("pente", 7) >= 550
        assert not check(store).findings
