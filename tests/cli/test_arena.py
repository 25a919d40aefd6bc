"""`alphapente arena`: what it prints and saves; as a process in test_arena_interrupted.py."""

from pathlib import Path

import pytest

from alphapente.arena.matches.openings import committed_openings
from alphapente.cli.app import main
from alphapente.rules.gametext import read_games
from tests.cli.in_process import alphapente


def test_a_match_is_played_and_reported(tmp_path: Path) -> None:
    words = ["heuristic", "random", "--games", "6", "--board-size", "9", "--simulations", "8", "--save", "games.txt"]
    done = alphapente(tmp_path, "arena", *words)
    assert done.returncode == 0, done.stderr
    assert "A in all" in done.stdout
    assert "different games (100%)" in " ".join(done.stdout.split())
    games = read_games((tmp_path / "games.txt").read_text())
    assert len(games) == 6
    assert all(game.size == 9 and game.result in ("1-0", "0-1", "1/2-1/2") for game in games)


def test_reference_players_by_name(tmp_path: Path) -> None:
    words = ["rollouts@20", "tactical", "--games", "4", "--save", "games.txt"]
    done = alphapente(tmp_path, "arena", *words)
    assert done.returncode == 0, done.stderr
    assert "A: rollouts, 20 simulations" in done.stdout
    assert "B: tactical" in done.stdout
    games = read_games((tmp_path / "games.txt").read_text())
    assert {tuple(game.moves[:4]) for game in games} <= {moves[:4] for moves in committed_openings("pente", 19)}


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["random", "random", "--games", "3"], 2, "even number"),
        (["tactical@100", "random"], 2, "tactical does not search: remove the @ and what follows it"),
        (["rollouts@0", "random"], 2, "choose simulations from 1"),
        (["rollouts@0s", "random"], 2, "above 0"),
        (["random", "random", "--opening-plies", "few"], 2, "LEAST-MOST"),
        (["random", "random", "--opening-plies", "9" * 5000], 2, "LEAST-MOST"),
        (["random", "policy:random"], 2, "random has no network, so write its name without a prefix"),
        (["fp32:rollouts", "random"], 2, "rollouts has no network"),
        (["random", "random", "--opening-plies", "0-1", "--games", "8"], 2, "choose fewer games or more plies"),
        (["random", "nothing.pt"], 1, "there is no checkpoint nothing.pt"),
        (["random", "int8:nothing.pt"], 1, "there is no checkpoint nothing.pt"),
        (["random", "int4:nothing.pt"], 1, "there is no checkpoint int4:nothing.pt"),
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
        main(["arena", *words])
    assert ended.value.code == status
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
