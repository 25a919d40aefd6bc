"""`alphapente suite`: as a process with its own checkpoint, and its errors."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from alphapente.cli.app import main
from alphapente.config import load_config
from alphapente.network import checkpoint, models
from alphapente.network.planes import NUM_PLANES
from tests.cli.in_process import alphapente

SUITE = [
    {"state": "1. D4 A1 2. A7 A2 3. G7 A3 4. G1 A4 5. D7", "expected": ["A5"], "kind": "five in one"},
    {"state": "1. D4 A1 2. A7 A2 3. G7 A3 4. G1 A4", "expected": ["A5"], "kind": "block"},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("suite")
    config = {"models": {"simple": {"channels": 8}}, "game": {"board_size": 7}, "network": {"device": "cpu"}}
    (place / "small.json").write_text(json.dumps(config))
    loaded = load_config(place / "small.json")
    spec = models.spec_of(loaded, "simple")
    weights = models.build(spec, seed=1).state_dict()
    saved = checkpoint.Checkpoint("simple", spec.class_path, spec.sizes, NUM_PLANES, weights, weights, step=5)
    checkpoint.save(place / "own.pt", saved)
    (place / "own.json").write_text(json.dumps(SUITE))
    return place


WORDS = ("suite", "own.json", "--config", "small.json", "--checkpoint", "own.pt")


def test_the_table_has_a_column_for_each_budget(folder: Path) -> None:
    command = [sys.executable, "-m", "alphapente", *WORDS, "--simulations", "16,0"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "own: 2 positions; own.pt, a simple network at step 5" in done.stdout
    lines = {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith("│")}
    assert {"five", "block", "all", "time"} <= lines.keys()
    assert lines["all"].rstrip("│ ").endswith("2 (100.0%)")
    assert "raw policy" in done.stdout


def test_json_has_everything(folder: Path) -> None:
    done = alphapente(folder, *WORDS, "--simulations", "0,16", "--json")
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)
    assert values["positions"] == 2
    assert [budget["simulations"] for budget in values["budgets"]] == [0, 16]
    assert values["budgets"][1]["solved"] == 2
    assert values["budgets"][1]["by_kind"] == {
        "five in one": {"solved": 1, "positions": 1},
        "block": {"solved": 1, "positions": 1},
    }
    assert values["results"][0]["expected"] == ["A5"]
    assert values["results"][0]["answers"]["16"] == "A5"
    assert values["results"][0]["solved"]["16"] is True
    assert isinstance(values["lost"], list)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["nothing.json"], 2, "there is no suite nothing.json"),
        (["bad.json"], 2, 'bad.json: position 1: no "expected"'),
        (["tactical", "--simulations", "many"], 2, "--simulations is 'many'"),
        (["tactical", "--simulations", "0,99999999"], 2, "choose whole numbers from 0"),
        (["tactical", "--checkpoint", "nothing.pt"], 1, "there is no checkpoint nothing.pt"),
        (["tactical", "--model-type", "nothing"], 2, "generation.model_type"),
    ],
)
def test_wrong_requests_are_reported_in_one_line(
    words: list[str],
    status: int,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text('[{"state": "1. K10"}]')
    with pytest.raises(SystemExit) as ended:
        main(["suite", *words])
    assert ended.value.code == status
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
