"""The file of `arena --save`: through links, and into a stream that is not empty."""

import os
from pathlib import Path

import pytest

from alphapente.arena.matches.games import PlayedGame
from alphapente.arena.matches.saved_games import SavedGames
from alphapente.errors import FailureError
from alphapente.records.store import Store
from alphapente.rules.gametext import read_games

NAMES, RULES = ("one", "two"), ("gomoku", 7)
GAME = PlayedGame("a", (24, 0, 25, 1, 26, 2, 27, 3, 28), 2, 1, "five")


def save(path: Path, *indices: int) -> None:
    with SavedGames(path) as saved:
        saved.begin(NAMES, RULES, {})
        for index in indices:
            saved.write(index, GAME)


def test_a_link_stays_whether_the_match_begins_or_not(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "kept" / "games.txt"
    target.parent.mkdir()
    link.symlink_to(target)
    with SavedGames(link):
        assert target.exists()
    assert link.is_symlink()
    assert not target.exists()
    save(link, 0, 1)
    save(link, 0)
    assert link.is_symlink()
    assert [game.headers["Round"] for game in read_games(target.read_text(), *RULES)] == ["1"]


def test_a_stream_keeps_what_was_written_before(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        os.write(descriptor, b"printed before\n")
        save(Path(f"/dev/fd/{descriptor}"), 0)
        os.write(descriptor, b"printed after\n")
    finally:
        os.close(descriptor)
    lines = path.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("printed before", "printed after")
    assert '[Round "1"]' in lines


def test_a_database_is_not_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    Store(path).close()
    content = path.read_bytes()
    with pytest.raises(FailureError, match="it is a database"):
        SavedGames(path)
    assert path.read_bytes() == content
