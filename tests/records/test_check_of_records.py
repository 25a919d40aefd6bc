"""The check finds everything that contradicts the rules, and nothing in games of self-play."""

import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from alphapente.records.check import CheckReport, check
from alphapente.records.connect import DatabaseError
from alphapente.records.model import ImportedGame, Match, MatchGame, PlayerIdentity
from alphapente.records.schema import GAMES, RECORDS
from alphapente.records.store import Store
from alphapente.records.writing import SEQ_BITS
from alphapente.rules.position import VARIANTS

from .samples import random_game


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database to copy, with two random games of ten records each; the first record has the key 2**40."""
    path = tmp_path_factory.mktemp("sound") / "records.db"
    with Store(path) as store:
        for seed in (3, 4):
            store.add_game(random_game(seed, max_records=10))
    return path


@pytest.fixture
def database(sound: Path, tmp_path: Path) -> Path:
    """A copy of `sound` for the test to damage."""
    assert [file.name for file in sound.parent.iterdir()] == [sound.name], "the write-ahead log is empty and removed"
    return Path(shutil.copy(sound, tmp_path))


def checked(path: Path, damage: str = "") -> CheckReport:
    if damage:
        connection = sqlite3.connect(path)
        connection.executescript(damage)
        connection.close()
    with Store(path, read_only=True) as store:
        return check(store)


@pytest.mark.parametrize("variant", VARIANTS)
def test_real_games_of_every_variant_pass(tmp_path: Path, variant: str) -> None:
    seen: list[tuple[int, int]] = []
    with Store(tmp_path / "records.db") as store:
        for seed in range(3):
            store.add_game(random_game(seed, variant))
        report = check(store, lambda done, total: seen.append((done, total)))
    assert report.findings == []
    assert report.games == 3
    assert seen == [(1, 3), (2, 3), (3, 3)]


FIRST = "id = (SELECT min(id) FROM records)"


@pytest.mark.parametrize(
    ("damage", "game", "ply", "problem"),
    [
        (f"UPDATE records SET board = CAST(X'01' || substr(board, 2) AS BLOB) WHERE {FIRST}", 1, 0, "board differs"),
        (f"UPDATE records SET board = X'01' WHERE {FIRST}", 1, None, "board has 1 bytes, not 17"),
        (f"UPDATE records SET board = 'text' WHERE {FIRST}", 1, None, "board is not bytes but str"),
        ("UPDATE games SET headers = '{' WHERE id = 2", 2, None, "headers cannot be read: Expecting property name"),
        ("UPDATE games SET headers = '[]' WHERE id = 2", 2, None, "must be a JSON object"),
        ("UPDATE games SET moves = 7 WHERE id = 2", 2, None, "not bytes but int"),
        ("UPDATE games SET moves = CAST(moves || X'5100' AS BLOB) WHERE id = 2", 2, None, "is point 81, and a board"),
        ("UPDATE games SET num_plies = 3 WHERE id = 2", 2, None, "says 3 plies, but its moves are"),
        ("UPDATE games SET source = 'luck' WHERE id = 2", 2, None, "it must be selfplay or import"),
        ("UPDATE games SET first_seq = 'abc' WHERE id = 2", 2, None, "first_seq is 'abc': it must be a whole number"),
        ("PRAGMA foreign_keys=OFF; UPDATE games SET pool_id = 9 WHERE id = 2", 2, None, "there is no such pool"),
        ("UPDATE pools SET num_records = 'abc'", 1, None, "says 'abc' records"),
        (f"UPDATE records SET ply = 'abc' WHERE {FIRST}", 1, None, "its ply is 'abc', not a number of type int16"),
        (f"UPDATE records SET policy = X'01' WHERE {FIRST}", 1, None, "policy has 1 bytes"),
        (f"UPDATE records SET captured2 = 4 WHERE {FIRST}", 1, 0, "captured2 is 4, but the game makes it 0"),
        (f"UPDATE records SET to_move = 2 WHERE {FIRST}", 1, 0, "to_move is 2, but the game makes it 1"),
        (f"UPDATE records SET outcome = 1 - outcome WHERE {FIRST}", 1, 0, "outcome is .*, but the game makes it"),
        (f"UPDATE records SET game_id = 2 WHERE {FIRST}", 1, 0, "of game 2"),
        (f"UPDATE records SET search_value = 7 WHERE {FIRST}", 1, 0, r"search_value is 7\.0: allowed is -1 to 1"),
        (
            f"UPDATE games SET random_plies = X'' WHERE id = 1;UPDATE records SET random_value = 0.5 WHERE {FIRST}",
            1,
            0,
            "no such ply",
        ),
        (f"UPDATE records SET plies_left = 3 WHERE {FIRST}", 1, 0, "plies_left is 3, but the game makes it"),
        (f"UPDATE records SET next_point = 3 WHERE {FIRST}", 1, 0, "next_point is 3, but the game makes it"),
        (f"UPDATE records SET end_captured1 = 9 WHERE {FIRST}", 1, 0, "end_captured1 is 9, but the game makes it"),
        (f"UPDATE records SET policy_weight = 2 WHERE {FIRST}", 1, 0, r"policy_weight is 2\.0: allowed is 0 to 1"),
        (f"UPDATE records SET policy = X'000001000100' WHERE {FIRST}", 1, 0, "cannot be played, first 0"),
        (
            "UPDATE records SET policy = CAST(policy || policy AS BLOB) WHERE game_id = 2 AND ply = 4",
            2,
            4,
            "a point twice",
        ),
        (
            f"UPDATE records SET policy = X'28000100FFFF', rest = -0.1 WHERE {FIRST}",
            1,
            0,
            r"rest is -0\.1\d*: allowed is 0 to 1",
        ),
        (f"UPDATE records SET ply = 1 WHERE {FIRST}", 1, None, "they must rise"),
        ("UPDATE records SET ply = 400 WHERE game_id = 2 AND ply = 9", 2, 400, "game has only"),
        (f"DELETE FROM records WHERE {FIRST}", 1, None, "1 are missing"),
        (f"DELETE FROM records WHERE {FIRST}", None, None, "says 20 records, but there are 19"),
        ("DELETE FROM records WHERE game_id = 1 AND ply = 5", None, None, "with gaps"),
        ("UPDATE pools SET num_games = 7", None, None, "says 7 games, but there are 2"),
        ("UPDATE records SET id = 5 WHERE ply = 9 AND game_id = 2", None, None, "1 records belong to no pool"),
        ("UPDATE games SET first_seq = 9 WHERE id = 2", 2, None, "begin at number 9, not at 10"),
        ("UPDATE games SET winner = 3 - winner WHERE id = 2", 2, None, "winner is said to be"),
        ("UPDATE games SET won_by = 'luck' WHERE id = 2", 2, None, "won by luck, but by its moves"),
        ("UPDATE games SET moves = substr(moves, 1, 24) WHERE id = 2", 2, None, "12 moves do not end it"),
        ("UPDATE games SET moves = CAST(moves || X'0100' AS BLOB) WHERE id = 2", 2, "last", "the game is over"),
        (
            "UPDATE games SET moves = CAST(substr(moves, 1, 2) || moves AS BLOB) WHERE id = 2",
            2,
            1,
            "point 40 cannot be played",
        ),
        ("UPDATE games SET moves = X'01' WHERE id = 2", 2, None, "not whole numbers"),
        ("UPDATE games SET random_plies = X'FF00' WHERE id = 2", 2, None, "ply 255 is said to be random"),
    ],
)
def test_every_problem_is_found_with_its_place(
    database: Path, damage: str, game: int | None, ply: int | str | None, problem: str
) -> None:
    if ply == "last":
        with Store(database, read_only=True) as store:
            ply = len(list(store.games())[1].moves)
    report = checked(database, damage)
    at_place = [found.problem for found in report.findings if (found.game_id, found.ply) == (game, ply)]
    assert any(re.search(problem, line) for line in at_place), report.findings


def test_an_imported_game_may_end_by_agreement_but_not_against_the_rules(tmp_path: Path) -> None:
    with Store(tmp_path / "records.db") as store:
        store.add_imported(
            [
                ImportedGame("pente", 9, [40, 0], 1, "unfinished", {}),
                ImportedGame("pente", 9, [40, 40], None, "unfinished", {}),
            ]
        )
        (finding,) = check(store).findings
    assert (finding.game_id, finding.ply) == (2, 1)


GAME_COLUMNS = [column.name for column in GAMES.columns if column.name != "id"]
RECORD_COLUMNS = [column.name for column in RECORDS.columns if column.name != "id"]


def readers(store: Store) -> list[Callable[[], object]]:
    """All functions that read games or records of the database."""
    return [
        lambda: list(store.games()),
        lambda: store.newest_games("pente", 9, 5),
        lambda: store.page_of_games(5),
        lambda: store.game(2),
        lambda: store.sample("recent", 30, np.random.default_rng(0), "pente", 9),
        store.stats,
        lambda: store.game_windows("pente", [9], 3),
    ]


@pytest.mark.parametrize("name", GAME_COLUMNS)
@pytest.mark.parametrize("value", ["'abc'", "X'FF'", "1e30"])
def test_a_damaged_game_is_named_and_no_other_one(tmp_path: Path, name: str, value: str) -> None:
    path = three_games(tmp_path)
    report = checked(path, f"PRAGMA foreign_keys=OFF; UPDATE games SET {name} = {value} WHERE id = 2")
    assert {found.game_id for found in report.findings} <= {2, None}
    if name != "model_type":  # whose value may be any text
        assert report.findings
    refused_by_name(path)


@pytest.mark.parametrize("name", RECORD_COLUMNS)
@pytest.mark.parametrize("value", ["'abc'", "X'FF'"])
def test_a_damaged_record_is_named_and_no_other_game(tmp_path: Path, name: str, value: str) -> None:
    path = three_games(tmp_path)
    damage = f"PRAGMA foreign_keys=OFF; UPDATE records SET {name} = {value} WHERE game_id = 2 AND ply = 1"
    report = checked(path, damage)
    assert {found.game_id for found in report.findings} == {2}
    assert str((1 << SEQ_BITS) + 3) in report.findings[0].problem
    refused_by_name(path)


def three_games(folder: Path) -> Path:
    path = folder / "records.db"
    with Store(path) as store:
        for seed in (3, 4, 5):
            store.add_game(random_game(seed, max_records=2))
    return path


def refused_by_name(path: Path) -> None:
    """Each reader succeeds, or raises an error that names the database and the damage."""
    with Store(path, read_only=True) as store:
        for read in readers(store):
            problem = "records.db is damaged: game"
            try:
                read()
            except DatabaseError as error:
                problem = str(error)
            assert re.search(r"records\.db is damaged: .*(game|record)\b", problem)


def test_an_unreadable_game_of_a_match_does_not_hide_what_else_is_wrong(database: Path) -> None:
    with Store(database) as store:
        players = PlayerIdentity("random", "reference"), PlayerIdentity("heuristic", "reference")
        games = (MatchGame("a", (40, 41), 0, 1, "forfeit"), MatchGame("b", (40, 41), 0, 2, "forfeit"))
        store.add_match(Match(*players, "pente", 9, 1, "arena", games))
    report = checked(
        database, "UPDATE match_games SET moves = X'01'; UPDATE games SET winner = 3 - winner WHERE id = 1"
    )
    assert {found.game_id for found in report.findings} == {None, 1}
    assert any("row 1 of match_games" in found.problem for found in report.findings)
