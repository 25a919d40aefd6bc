"""The commands `alphapente records ...`."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alphapente.cli.app import main
from alphapente.cli.records import app
from alphapente.errors import FailureError, RequestError
from alphapente.records.parking import Parking
from alphapente.records.store import Store

from .samples import random_game


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a database at the default path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    with Store("./data/records.db") as store:
        for seed in range(3):
            store.add_game(random_game(seed, max_records=10))
        Parking(store, "boat", 13, "simple").park([b"x"])
    return tmp_path


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.output


def test_stats_shows_each_pool(folder: Path) -> None:
    shown = run("stats")
    assert "data/records.db: 30 records, 3 games, " in shown
    assert "pente 9x9" in shown
    assert "boat 13x13" in shown
    lines = {line.split("│")[1].strip(): line for line in shown.splitlines() if line.startswith("│")}
    assert "30" in lines["records"]
    assert "3" in lines["games"]
    assert "simple 1,002" in lines["network steps"]


def test_stats_of_a_database_without_games(folder: Path) -> None:
    with Store("new.db"):
        pass
    assert run("stats", "--set", "records.database=new.db").startswith("new.db: no games yet, ")


def test_export_and_import_round_trip(folder: Path) -> None:
    assert "Wrote 3 games to games.txt" in run("export", "games.txt")
    assert "Stored 3 games (3 of pente 9x9;" in run("import", "games.txt", "--set", "records.database=other.db")
    assert "3 games and 0 records agree" in run("check", "--set", "records.database=other.db")


@pytest.mark.parametrize("words", [("r.parquet",), ("records", "--format", "parquet")])
def test_export_of_records(folder: Path, words: tuple[str, ...]) -> None:
    pytest.importorskip("pyarrow")
    assert "Wrote 30 records to r" in run("export", *words)


def test_check_reports_problems(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "3 games and 30 records agree with the rules" in run("check")
    connection = sqlite3.connect("data/records.db")
    connection.execute("UPDATE records SET to_move = 3 - to_move WHERE game_id = 2 AND ply = 5")
    connection.commit()
    connection.close()
    with pytest.raises(FailureError, match=r"1 thing is wrong in 3 games"):
        run("check")


def test_a_missing_database_is_not_created(folder: Path) -> None:
    for words in (("stats",), ("check",), ("export", "out.txt")):
        with pytest.raises(RequestError, match=r"python generate_v2\.py"):
            run(*words, "--set", "records.database=none.db")
    assert not Path("none.db").exists()
    assert not Path("out.txt").exists()


def test_the_whole_command_ends_with_one_line_and_its_status(folder: Path) -> None:
    (folder / "bad.db").write_text("no database " * 500)
    command = [sys.executable, "-m", "alphapente", "records", "stats", "--set", "records.database=bad.db"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: bad.db is not a database")
    assert len(done.stderr.splitlines()) == 1


def test_import_lists_rejected_games_and_ends_with_status_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("games.txt").write_text("1. K10 L9 1-0\n1. K10 K10\n1. K10! L9 2. K14 Z1\n1. K10 $1\n")
    command = ["records", "import", "games.txt", "--set", "records.database=other.db"]
    for options, stored, outcome in (
        (["--strict"], 0, "nothing was stored, because of --strict"),
        ([], 2, "the others were stored: correct these and import them from another file"),
    ):
        with pytest.raises(SystemExit) as ended:
            main([*command, *options])
        assert ended.value.code == 1
        printed = capsys.readouterr()
        assert printed.err.splitlines() == [
            "games.txt:4: game 4: skipped move annotations such as !? or $1: 1, the first in line 4",
            "games.txt:2: game 2: move 1 of player 2: K10 is occupied by a stone of player 1",
            "games.txt:3: game 3: move 4: no point 'Z1' on 19x19: write a column A to T, without I, and a row 1 to 19, "
            "like K2",
            f"error: games.txt: 2 of 4 games were rejected; {outcome}",
        ]
        assert printed.out == ("Stored 2 games (2 of pente 19x19; 3 plies) in other.db.\n" if stored else "")
        with Store("other.db", read_only=True) as store:
            assert len(list(store.games())) == stored
