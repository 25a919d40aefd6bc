"""`alphapente arena`, as a process."""

import subprocess
import sys
from pathlib import Path

import pytest

from alphapente.cli.app import main
from alphapente.rules.gametext import read_games


def arena(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "alphapente", "arena", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_a_match_is_played_and_told(tmp_path: Path) -> None:
    words = ["heuristic", "random", "--games", "6", "--board-size", "9", "--simulations", "8", "--save", "games.txt"]
    done = arena(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert "A in all" in done.stdout
    assert "different games" in done.stdout
    games = read_games((tmp_path / "games.txt").read_text())
    assert len(games) == 6
    assert all(game.size == 9 and game.result in ("1-0", "0-1", "1/2-1/2") for game in games)


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["random", "random", "--games", "3"], 2, "even number"),
        (["random", "random", "--opening-plies", "few"], 2, "LEAST-MOST"),
        (["random", "nothing.pt"], 1, "there is no checkpoint nothing.pt"),
        (["random", "int8:nothing.pt"], 1, "there is no checkpoint nothing.pt"),
        (["random", "int4:nothing.pt"], 1, "there is no checkpoint int4:nothing.pt"),
    ],
)
def test_wrong_requests_are_told_in_one_line(
    words: list[str],
    status: int,
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["arena", *words])
    assert ended.value.code == status
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
