"""`alphapente rate` and what `alphapente arena` stores, through real processes over one database."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from alphapente.cli.app import main

SMALL = ("--board-size", "9", "--simulations", "4", "--set", "models.simple.channels=8")


def alphapente(folder: Path, *words: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "alphapente", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def a_run(folder: Path, steps: int) -> None:
    """Writes the history of a run of an older version with untrained networks."""
    from alphapente.config import load_config
    from alphapente.events import KeptNetwork
    from alphapente.network import checkpoint, models
    from alphapente.network.planes import NUM_PLANES

    config = load_config(None, ["models.simple.channels=8"])
    history = folder / "checkpoints" / "history"
    for step in range(steps):
        weights = models.build_model(config, "simple", step).state_dict()
        spec = models.spec_of(config, "simple")
        values = checkpoint.Checkpoint("simple", spec.class_path, spec.sizes, NUM_PLANES, weights, weights, step=step)
        checkpoint.save(history / f"simple_{step:08d}.pt", values)
        with (history / "history.jsonl").open("a") as index:
            kept = KeptNetwork(f"simple_{step:08d}.pt", "simple", step, 1, 50 * step, 36.0 * step, 9, 2.0, 0.5)
            index.write(json.dumps(asdict(kept)) + "\n")


@pytest.mark.slow
def test_a_run_is_rated_and_drawn_and_nothing_is_played_twice(tmp_path: Path) -> None:
    a_run(tmp_path, 3)
    play = ("rate", *SMALL, "--games", "4", "--references", "random", "--workers", "1")
    printed = alphapente(tmp_path, *play, "--plot", "elo.png")
    assert "5 matches of 20 games to play" in printed
    assert "wrote elo.png" in printed
    assert (tmp_path / "elo.png").read_bytes().startswith(b"\x89PNG")
    assert "Bradley-Terry over 20 games" in " ".join(printed.split())
    again = alphapente(tmp_path, *play, "--count", "2")
    assert "0 matches of 0 games" in again

    found = json.loads(alphapente(tmp_path, "rate", *SMALL, "--json", "--anchor", "random=-100", "--plot", "e.svg"))
    by_name = {player["player"]: player for player in found["players"]}
    assert by_name["random"]["elo"] == pytest.approx(-100)
    last = by_name["simple step 2 @4"]
    assert (last["records"], last["elapsed_s"], last["network_step"], last["games"]) == (100, 72.0, 2, 12)
    assert [step["to"] for step in found["steps"]] == ["simple step 1 @4", "simple step 2 @4"]
    assert found["steps"][0]["low"] < found["steps"][0]["elo"] < found["steps"][0]["high"]

    printed = alphapente(tmp_path, "arena", "checkpoints/history/simple_00000002.pt", "random", *SMALL, "--games", "2")
    assert "Not stored" not in printed
    after = json.loads(alphapente(tmp_path, "rate", *SMALL, "--json"))
    assert after["games"] + after["repeated_games"] == 22
    assert "6 matches of 22 games" in alphapente(tmp_path, "records", "stats")


@pytest.mark.slow
def test_arena_stores_if_there_is_a_database_or_with_store(tmp_path: Path) -> None:
    match = ("arena", "random", "heuristic", "--board-size", "7", "--simulations", "2", "--games", "2")
    assert "Not stored: there is no ./data/records.db" in alphapente(tmp_path, *match)
    assert not (tmp_path / "data").exists()
    assert "Not stored" not in alphapente(tmp_path, *match, "--store")
    alphapente(tmp_path, *match, "--no-store", "--seed", "1")
    alphapente(tmp_path, *match, "--seed", "1")
    assert "over 4 games" in " ".join(alphapente(tmp_path, "rate", "--board-size", "7").split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--games", "-2"], "--games is -2: choose a whole number from 0"),
        (["--count", "0"], "--count is 0: choose a whole number from 1"),
        (["--simulations", "5", "--seconds", "1"], "--simulations and --seconds are both given"),
        (["--apart", "1,x", "--games", "2"], "--apart is '1,x'"),
        (["--anchor", "random"], "--anchor is 'random': write NAME=ELO"),
        (["--anchor", "=3"], "--anchor is '=3': write NAME=ELO"),
        (["--games", "2"], "no networks of a run are kept"),
        (["--games", "2", "--plot", "elo.mp3"], "no picture has the ending .mp3; choose .png, .svg or .pdf"),
        ([], "there is no database"),
    ],
)
def test_wrong_requests_are_reported_in_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["rate", *words])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_picture_that_cannot_be_written_is_reported_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["rate", "--games", "2", "--plot", "."])
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: . is a folder: name a file in it\n"


def test_a_wrong_anchor_or_database_is_reported_before_anything_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    a_run(tmp_path, 2)
    play = ["rate", *SMALL, "--games", "2", "--references", "random"]
    with pytest.raises(SystemExit) as ended:
        main([*play, "--anchor", "tactical=0"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert "anchor 'tactical': no player is called so; there are random, simple step 0 @4, simple step 1 @4" in error
    with closing(sqlite3.connect("data/records.db", isolation_level=None)) as connection:
        assert connection.execute("SELECT count(*) FROM matches").fetchone() == (0,)
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(SystemExit) as ended:
            main([*play, "--set", "records.busy_timeout_s=0"])
    assert ended.value.code == 1
    assert "data/records.db is locked" in capsys.readouterr().err
