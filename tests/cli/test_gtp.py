"""`alphapente gtp`: as a process in whole games against our own arena, and with invalid input."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alphapente.cli.app import main
from alphapente.config import load_config
from alphapente.network import checkpoint, models
from alphapente.network.planes import NUM_PLANES
from alphapente.rules.gametext import read_games
from tests.cli.in_process import alphapente

CONFIG = '{"models": {"simple": {"channels": 8}}, "game": {"board_size": 7}, "network": {"device": "cpu"}}'
GTP = [sys.executable, "-m", "alphapente", "gtp"]


def test_both_sides_against_each_other(tmp_path: Path) -> None:
    engine = shlex.join([*GTP, "--checkpoint", "heuristic", "--simulations", "8", "--board-size", "9"])
    words = ["arena", "heuristic@8", "--engine", engine, "--games", "2", "--board-size", "9", "--save", "games.txt"]
    done = alphapente(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert "forfeit" not in done.stdout
    assert "B's moves" in done.stdout
    games = read_games((tmp_path / "games.txt").read_text())
    assert len(games) == 2
    first, second = games
    assert first.moves == second.moves, "the same search on both sides: both games of an opening are equal"


def as_process(folder: Path, *words: str, stdin: bytes) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "alphapente", *words]
    done = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, check=False, timeout=200)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize(
    ("run", "budget"),
    [
        (alphapente, ["--simulations", "0"]),
        (as_process, ["--simulations", "4"]),
        (alphapente, ["--seconds", "0.05"]),
    ],
)
def test_a_checkpoint_answers_whatever_it_is_sent(
    tmp_path: Path, run: "Callable[..., subprocess.CompletedProcess[str]]", budget: list[str]
) -> None:
    (tmp_path / "small.json").write_text(CONFIG)
    spec = models.spec_of(load_config(tmp_path / "small.json"), "simple")
    weights = models.build(spec, seed=1).state_dict()
    saved = checkpoint.Checkpoint("simple", spec.class_path, spec.sizes, NUM_PLANES, weights, weights, step=5)
    checkpoint.save(tmp_path / "own.pt", saved)
    sent = b"genmove B\ngenmove W\n\xff\xfe\x00 \x01\nplay\tB \tA1\nplay W D4\n3 boardsize 9\ngenmove b\n"
    sent += b"the last line has no end"
    done = run(tmp_path, "gtp", "--config", "small.json", "--checkpoint", "own.pt", *budget, stdin=sent)
    assert (done.returncode, done.stderr) == (0, "")
    answers = done.stdout.split("\n\n")
    assert answers[0] == "= D4"
    assert answers[1].startswith("= ")
    assert answers[2] == "? unknown command"
    assert answers[3] == "="
    assert answers[4].startswith("? illegal move: D4 is occupied")
    assert answers[5:] == ["=3", "= E5", "? unknown command", ""]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--checkpoint", "nothing.pt"], 1, "there is no checkpoint nothing.pt"),
        (["--variant", "keryo"], 1, "there is no checkpoint checkpoints/simple_model.pt"),
        (["--checkpoint", "heuristic", "--simulations", "0"], 2, "no network to play without search"),
        (["--checkpoint", "random@7"], 2, "does not search"),
        (["--checkpoint", "heuristic@7", "--simulations", "8"], 2, "has a budget already"),
        (["--seconds", "0"], 2, "--seconds is 0"),
        (["--seconds", "1", "--simulations", "8"], 2, "choose one of them"),
        (["--simulations", "-1"], 2, "--simulations is -1"),
        (["--threads", "0"], 2, "--threads is 0"),
        (["--variant", "chess"], 2, "chess"),
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
    with pytest.raises(SystemExit) as ended:
        main(["gtp", *words])
    assert ended.value.code == status
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
