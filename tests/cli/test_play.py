"""`alphapente play`: with scripted standard input, and as a process on a terminal."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alphapente.cli.app import main
from alphapente.config import load_config
from alphapente.network import checkpoint, models
from alphapente.network.planes import NUM_PLANES
from alphapente.rules.gametext import read_game
from alphapente.rules.notation import point_name
from tests.cli.in_process import alphapente

CONFIG = '{"models": {"simple": {"channels": 8}}, "game": {"board_size": 7}, "network": {"device": "cpu"}}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small configuration and a checkpoint of it."""
    place = tmp_path_factory.mktemp("play")
    (place / "small.json").write_text(CONFIG)
    config = load_config(place / "small.json")
    spec = models.spec_of(config, "simple")
    weights = models.build(spec, seed=1).state_dict()
    saved = checkpoint.Checkpoint("simple", spec.class_path, spec.sizes, NUM_PLANES, weights, weights, step=5)
    checkpoint.save(place / "own.pt", saved)
    return place


def play(folder: Path, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    words = ("--config", "small.json", "--simulations", "16", *words)
    return alphapente(folder, "play", *words, stdin=script.encode())


def test_a_whole_game_with_everything_in_it(folder: Path) -> None:
    script = "d4\nhint\neval\nmoves\nundo\nd4\na1\nsave one.txt\nnew\nload one.txt\nmoves\nswap\nboard\nresign\nquit\n"
    done = play(folder, script, "--checkpoint", "own.pt")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    out = done.stdout
    assert "own.pt, a simple network at step 5" in out
    assert "    A B C D E F G\n  7 . . . . . . . 7\n" in out
    assert out.count("AlphaPente plays") >= 3
    assert re.search(r"move +visits +policy +value +expected line\n[A-G][1-7] ", out)
    assert "the network alone: " in out
    assert "Saved to one.txt." in out
    assert "Loaded one.txt: pente 7x7; you are player 1." in out
    assert "You are now player 2 (O)." in out
    assert "You resign: AlphaPente won." in out
    assert "Goodbye." in out
    assert "\x1b[" not in out, "no colours where there is no terminal"
    game = read_game((folder / "one.txt").read_text())
    assert len(game.moves) == 4
    assert (game.headers["Player 1 Name"], game.headers["Player 2 Name"]) == ("You", "AlphaPente")
    assert f"1. D4 {point_name(game.moves[1], 7)} 2. A1 {point_name(game.moves[3], 7)}\n" in out


def test_games_come_to_an_end(folder: Path) -> None:
    """Tries all points in turn until the game is over: a win, a loss or a draw is printed."""
    tries = "\n".join(f"{column}{row}" for row in range(1, 8) for column in "DCEBFAG")
    done = play(folder, f"d4\n{tries}\n{tries}\nmoves\n", "--checkpoint", "own.pt")
    assert done.returncode == 0
    assert re.search(r"(You|AlphaPente) won \(player [12], by (five|captures)\)|a draw", done.stdout)
    assert "the game is over" in done.stdout


def test_invalid_commands_are_reported_in_one_line(folder: Path) -> None:
    script = "c3\nd4\nd4\nz9\nc3\nfly\nundo\nundo\nsave\nload none.txt\nsave own.pt/where.txt\nload own.pt\n"
    out = play(folder, script, "--checkpoint", "own.pt").stdout
    for message in (
        "C3 breaks the tournament rule: player 1's first stone must be on the centre, D4",
        "D4 is occupied by a stone of player 1",
        "no point 'z9' on 7x7",
        "C3 breaks the tournament rule: player 1's second stone must lie outside",
        "no command 'fly': `help` lists all",
        "nothing to take back",
        "save needs a file",
        "cannot read none.txt: No such file",
        "own.pt/where.txt cannot be written (Not a directory)",
        "cannot read own.pt: it is not text",
    ):
        assert message in out


def test_side_2_and_no_checkpoint(folder: Path) -> None:
    """The engine moves first; without an own checkpoint the opponent is the included network."""
    done = play(folder, "undo\nquit\n", "--side", "2")
    assert done.returncode == 0
    assert "Your opponent: the network that comes with AlphaPente, a resnet network at step" in done.stdout
    assert "AlphaPente plays D4" in done.stdout
    assert "nothing to take back: you have not moved yet" in done.stdout


def test_a_fresh_network_is_reported_as_one(folder: Path) -> None:
    """For other rules no network is included."""
    done = play(folder, "quit\n", "--variant", "gomoku")
    assert done.returncode == 0
    assert "starting from a fresh network" in done.stdout
    assert "`alphapente run` trains one" in done.stdout


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--side", "3"], 2, "--side is 3: choose 1 (moves first) or 2"),
        (["--seconds", "0"], 2, "--seconds is 0"),
        (["--seconds", "1", "--simulations", "5"], 2, "choose one of them"),
        (["--simulations", "0"], 2, "generation.simulations"),
        (["--variant", "chess"], 2, "game.variant"),
        (["--checkpoint", "none.pt"], 1, "there is no checkpoint none.pt"),
        (["--checkpoint", "small.json"], 1, "small.json is no AlphaPente checkpoint"),
    ],
)
def test_wrong_requests(
    folder: Path,
    words: list[str],
    status: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        main(["play", "--config", "small.json", *words])
    assert ended.value.code == status
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_on_a_terminal(folder: Path) -> None:
    """Colours, a prompt, and a clean end after Ctrl-C."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "alphapente", "play", "--config", "small.json", "--seconds", "0.1"]
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen(
        [*command, "--checkpoint", "own.pt"],
        cwd=folder,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment,
        start_new_session=True,
        preexec_fn=enable_interrupts,
    )
    os.close(follower)
    try:
        shown = read_until(leader, "1. player 1 > ")
        os.write(leader, b"d4\n")
        shown += read_until(leader, "2. player 1 > ")
        assert "AlphaPente plays" in shown
        assert "\x1b[1;36mX" in shown
        rest = ""
        for _ in range(20):  # readline shows its prompt shortly before it handles signals
            process.send_signal(signal.SIGINT)
            end = time.monotonic() + 3
            while "Goodbye." not in rest and time.monotonic() < end:
                if select.select([leader], [], [], 0.2)[0]:
                    rest += os.read(leader, 4096).decode(errors="replace")
            if "Goodbye." in rest:
                break
        assert "Goodbye." in rest
        assert process.wait(20) == 130
    finally:
        process.kill()
        process.wait()
        os.close(leader)


def enable_interrupts() -> None:
    """Enables Ctrl-C in a child process: it is ignored if a shell started the tests in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def read_until(descriptor: int, wanted: str, limit_s: float = 100.0) -> str:
    text, end = "", time.monotonic() + limit_s
    while wanted not in text:
        assert time.monotonic() < end, text
        if select.select([descriptor], [], [], 0.5)[0]:
            text += os.read(descriptor, 4096).decode(errors="replace")
    return text


@pytest.mark.parametrize("command", ["play", "gtp"])
def test_a_wrong_checkpoint_is_reported_before_the_search_is_compiled(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "empty.pt").touch()
    monkeypatch.setattr("alphapente.cli.compilation.compile_with_progress", lambda: pytest.fail("compiles"))
    with pytest.raises(SystemExit) as ended:
        main([command, "--config", "small.json", "--checkpoint", "empty.pt"])
    assert ended.value.code == 1
    assert "empty.pt is empty" in capsys.readouterr().err
