"""`alphapente arena` interrupted: pairs are stored, and the same command plays the rest, and no game twice."""

import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alphapente.cli.app import main
from alphapente.records.check import check
from alphapente.records.model import Match
from alphapente.records.store import Store
from alphapente.rules.gametext import read_games

# A GTP engine for gomoku that plays the first free point, logs its games, and waits in game PAUSE_IN of its own while
# the file `pause` exists: the test decides when the match is interrupted.
ENGINE = """
import os, sys, time
parent, size, games, taken = os.getppid(), 7, -2, set()
for line in sys.stdin:
    words, answer = line.split(), ""
    if words[0] == "boardsize":
        size = int(words[1])
    elif words[0] == "clear_board":
        games, taken = games + 1, set()
    elif words[0] == "play":
        taken.add(words[2])
    elif words[0] == "genmove":
        if games >= 0 and not taken & {"logged"}:
            taken.add("logged")
            with open("engine.log", "a") as log:
                log.write("game\\n")
        while games == int(sys.argv[1]) and os.path.exists("pause") and os.getppid() == parent:
            open("paused", "w").close()
            time.sleep(0.01)
        free = [f"{column}{row}" for row in range(1, size + 1) for column in "ABCDEFG"]
        answer = next(point for point in free if point not in taken)
        taken.add(answer)
    print(f"= {answer}\\n", flush=True)
    if words[0] == "quit":
        break
"""
PAUSE_IN = 5
"""The engine's games are numbered from 0: when it waits, two pairs and one more game have ended."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "engine.py").write_text(ENGINE)
    (tmp_path / "pause").touch()
    return tmp_path


def words(*more: str) -> list[str]:
    engine = "gtp:" + shlex.join([sys.executable, "engine.py", str(PAUSE_IN)])
    game = ["--set", "game.variant=gomoku", "--board-size", "7", "--opening-plies", "2-4"]
    return ["arena", engine, "random", "--games", "8", "--seed", "3", "--save", "games.txt", *game, *more]


@pytest.fixture
def interrupted(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The match as a process, in its sixth game."""
    command = [sys.executable, "-m", "alphapente", *words("--store")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    began = time.monotonic()
    while not (folder / "paused").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began < 200
        time.sleep(0.02)
    yield process
    process.kill()
    process.communicate()


def run(*more: str) -> int:
    """Runs the same match in this process."""
    with pytest.raises(SystemExit) as ended:
        main(words(*more))
    return int(ended.value.code or 0)


def stored() -> list[Match]:
    with Store("data/records.db") as store:
        assert check(store).findings == []
        return store.matches("gomoku", 7)


def games_played() -> int:
    path = Path("engine.log")
    return len(path.read_text().splitlines()) if path.exists() else 0


def saved(path: str = "games.txt") -> dict[str, tuple[int, ...]]:
    return {game.headers["Round"]: tuple(game.moves) for game in read_games(Path(path).read_text())}


def test_a_killed_match_has_stored_its_pairs_and_the_same_command_plays_the_rest(
    folder: Path, interrupted: "subprocess.Popen[str]", capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted.send_signal(signal.SIGKILL)
    interrupted.wait()
    (match,) = stored()
    assert [game.number for game in match.games] == [0, 1, 2, 3]
    assert set(saved()) == {"1", "2", "3", "4", "5"}, "a finished game is saved, also one without its pair"
    assert games_played() == 6

    (folder / "pause").unlink()
    assert run() == 0
    assert "4 of 8 games are stored already; the others are played." in capsys.readouterr().out
    assert games_played() == 6 + 4
    (match,) = stored()
    assert [game.number for game in match.games] == [*range(8)]
    assert saved() == {str(game.number + 1): game.moves for game in match.games}

    assert run() == 0
    printed = capsys.readouterr().out
    assert "All 8 games of this match are stored, so none is played" in printed
    assert "4 games were stored before" not in printed
    assert (games_played(), stored()) == (10, [match])

    assert run("--no-store", "--save", "whole.txt") == 0
    assert "stored" not in capsys.readouterr().out
    assert saved("whole.txt") == saved(), "without an interruption the match is the same"
    assert stored() == [match]


def test_ctrl_c_ends_it_with_the_result_of_the_finished_pairs(
    folder: Path, interrupted: "subprocess.Popen[str]"
) -> None:
    interrupted.send_signal(signal.SIGINT)
    time.sleep(0.1)
    (folder / "pause").unlink()
    out, error = interrupted.communicate(timeout=60)
    assert (interrupted.returncode, error) == (130, "")
    assert "A in all" in out
    assert "Stopped after 4 of 8 games; the same command resumes the match." in out
    assert "Wrote 5 games to games.txt." in out
    (match,) = stored()
    assert len(match.games) == 4


def test_a_database_that_fails_in_the_match_costs_one_pair(
    folder: Path, interrupted: "subprocess.Popen[str]", capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted.send_signal(signal.SIGKILL)
    interrupted.wait()
    with closing(sqlite3.connect("data/records.db", isolation_level=None)) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON match_games WHEN NEW.number = 6 "
            "BEGIN SELECT RAISE(ABORT, 'no more'); END"
        )
        (folder / "pause").unlink()
        assert run() == 1
        printed = capsys.readouterr()
        assert "refused a statement (no more)" in printed.err
        assert printed.err.count("\n") == 1
        assert "A in all" in printed.out, "the games played are reported"
        assert [len(match.games) for match in stored()] == [6]
        connection.execute("DROP TRIGGER full")
    assert run() == 0
    assert [len(match.games) for match in stored()] == [8]


@pytest.mark.parametrize(
    ("more", "status", "message"),
    [
        (["--save", "engine.py/games.txt"], 1, "engine.py/games.txt cannot be written (Not a directory)"),
        (["--save", "."], 1, ". is a folder: name a file in it"),
        (["--set", "records.database=engine.py"], 1, "engine.py is not a database"),
        (["--opening-plies", "41"], 2, "openings of 41 to 41 plies: choose 0 <= least <= most <= 40"),
        (["--games", "7"], 2, "choose an even number"),
        (["--seed", str(2**63)], 2, "choose a whole number from 0 to"),
        (["--engine", "also"], 2, "both were given"),
    ],
)
def test_what_is_wrong_is_reported_before_any_game(
    folder: Path, more: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "engine.py").write_text(ENGINE)
    assert run("--store", *more) == status
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert games_played() == 0
    assert not Path("games.txt").exists(), "a file that no game was written to is not left behind"


def test_a_locked_database_is_reported_before_any_game(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store("data/records.db"), closing(sqlite3.connect("data/records.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        Path("games.txt").write_text("what was here")
        assert run("--set", "records.busy_timeout_s=0") == 1
    assert "data/records.db is locked" in capsys.readouterr().err
    assert games_played() == 0
    assert Path("games.txt").read_text() == "what was here"


@pytest.mark.parametrize("engine", ["gtp:no-such-engine", "gtp:false", "nothing.pt", "tactical@3"])
def test_an_unknown_player_is_reported_before_any_game(
    folder: Path, engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words("--store")[:2], engine, *words("--store")[3:]])
    assert ended.value.code in (1, 2)
    assert capsys.readouterr().err.count("\n") == 1
    assert games_played() == 0
    assert not Path("games.txt").exists()


def test_a_full_device_ends_the_match_with_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    (folder / "pause").unlink()
    assert run("--save", "/dev/full") == 1
    error = capsys.readouterr().err
    assert "cannot write game 1 to /dev/full: No space left on device" in error
    assert error.count("\n") == 1


def test_names_with_quotes_can_be_saved(folder: Path) -> None:
    (folder / "pause").unlink()
    (folder / "engine.py").write_text(ENGINE.replace('print(f"= {answer}', 'print(f"= {answer or repr(chr(34))}'))
    assert run() == 0
    assert len(saved()) == 8
