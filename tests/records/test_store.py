"""The store: games are read back unchanged, and a sample reads its records only."""

import dataclasses
import os
import pickle
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, event

from alphapente.errors import RequestError
from alphapente.records.model import GameRecord, ImportedGame
from alphapente.records.schema import SCHEMA_VERSION
from alphapente.records.store import Store
from alphapente.records.writing import SEQ_BITS

from .samples import plain_game, random_game


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "new" / "folder" / "records.db", 5) as opened:
        yield opened


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_a_game_is_read_back_unchanged(store: Store) -> None:
    game = random_game(3)
    value = dataclasses.replace(game.records[0], random_value=0.25)
    settings = store.settings_id('{"a": 1}')
    game = dataclasses.replace(game, records=[value, *game.records[1:]], settings_id=settings)
    game_id = store.add_game(game)
    (stored,) = store.games()
    assert stored.game_id == game_id
    assert stored.source == "selfplay"
    for name in GameRecord.__slots__:
        if name != "records":
            assert getattr(stored, name) == getattr(game, name), name
    batch = store.sample("recent", 1000, rng(), "pente", 9)
    assert (batch.requested, batch.available, len(batch)) == (1000, len(game.records), len(game.records))
    assert batch.ply.tolist() == [record.ply for record in game.records]
    assert batch.random_value[0] == 0.25
    assert np.isnan(batch.random_value[1:]).all()
    assert (batch.game_ids == game_id).all()


def test_records_are_numbered_without_gaps_in_each_pool(store: Store) -> None:
    for seed in range(3):
        store.add_game(plain_game(20 + seed, seed))
        store.add_game(random_game(seed, size=7, max_records=5))
    assert store.num_records("pente", 19) == 63
    assert store.num_records("pente", 7) == 15
    assert (store.num_games("pente", 19), store.num_games("pente", 7), store.num_games("boat", 7)) == (3, 3, 0)
    assert store.num_records("boat", 19) == 0
    for size, pool, count in ((19, 1, 63), (7, 2, 15)):
        batch = store.sample("recent", 10_000, rng(), "pente", size)
        np.testing.assert_array_equal(batch.ids, (pool << SEQ_BITS) + np.arange(count))
    games = list(store.games(size=19))
    assert [game.first_seq for game in games] == [0, 20, 41]
    assert [game.game_id for game in store.games(after_id=games[0].game_id, size=19)] == [g.game_id for g in games[1:]]


def test_an_impossible_record_stores_nothing(store: Store) -> None:
    game = plain_game(5)
    wrong = dataclasses.replace(game.records[4], unlisted=0.9)
    with pytest.raises(RequestError, match="sum to"):
        store.add_game(dataclasses.replace(game, records=[*game.records[:4], wrong]))
    assert (store.num_games("pente", 19), store.num_records("pente", 19)) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"variant": "chess"}, "unknown variant 'chess'"),
        ({"board_size": 20}, "board size 20"),
        ({"moves": [361]}, "does not fit 19x19"),
        ({"winner": 3}, "not 3"),
        ({"won_by": "luck"}, "'luck'"),
        ({"won_by": "unfinished"}, "unfinished"),
        ({"seed": 2**63}, "64-bit"),
    ],
)
def test_impossible_games_are_refused(store: Store, changes: dict[str, Any], line: str) -> None:
    with pytest.raises(RequestError, match=line):
        store.add_game(dataclasses.replace(plain_game(2), **changes))


def test_equal_settings_are_kept_once(store: Store) -> None:
    first = store.settings_id('{"a": 1}')
    assert store.settings_id('{"a": 2}') != first
    assert store.settings_id('{"a": 1}') == first


def test_the_newest_games_are_those_of_self_play_and_of_the_pool(store: Store) -> None:
    keys = [store.add_game(random_game(seed, "pente", 7)) for seed in range(5)]
    store.add_game(random_game(9, "keryo", 7))
    store.add_imported([ImportedGame("pente", 7, [24], None, "unfinished", {})])
    newest = store.newest_games("pente", 7, 3)
    assert [game.game_id for game in newest] == keys[2:]
    assert newest == [game for game in store.games() if game.game_id in keys[2:]]
    assert store.newest_games("pente", 19, 3) == []


def test_statistics_count_wins_endings_and_steps(store: Store) -> None:
    games = [random_game(seed, size=7, max_records=3) for seed in range(12)]
    for game in games:
        store.add_game(game)
    store.add_imported([ImportedGame("pente", 7, [24], None, "unfinished", {"Site": "here"})])
    stats = store.stats()
    (pool,) = stats.pools
    assert (pool.records, pool.games, pool.imported_games) == (36, 13, 1)
    assert (stats.records, stats.games) == (36, 13)
    for player, name in ((1, "1"), (2, "2"), (0, "draw")):
        assert pool.wins_by_player[name] == sum(game.winner == player for game in games)
    assert pool.wins_by_player["unknown"] == pool.won_by["unfinished"] == 1
    assert pool.won_by["captures"] == sum(game.won_by == "captures" for game in games)
    assert pool.mean_plies == pytest.approx((sum(len(game.moves) for game in games) + 1) / 13)
    assert pool.newest_step == {"simple": 1011}
    assert stats.size_bytes > 0


def test_statistics_of_an_empty_database(store: Store) -> None:
    stats = store.stats()
    assert (stats.pools, stats.records, stats.schema_version) == ([], 0, SCHEMA_VERSION)


def test_a_store_pickles_as_its_address(store: Store) -> None:
    store.add_game(plain_game(4))
    with pickle.loads(pickle.dumps(store)) as other:
        assert other.num_records("pente", 19) == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_opens_connections_of_its_own(store: Store) -> None:
    store.add_game(plain_game(4))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            store.add_game(plain_game(3))
            store.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    store.add_game(plain_game(2))
    assert store.num_records("pente", 19) == 9


def test_a_reader_cannot_write(store: Store, tmp_path: Path) -> None:
    store.add_game(plain_game(4))
    with Store(tmp_path / "new" / "folder" / "records.db", read_only=True) as reader:
        assert reader.num_records("pente", 19) == 4
        with pytest.raises(RequestError, match="reading only"):
            reader.add_game(plain_game(4))


@pytest.mark.parametrize("strategy", ["recent", "random", "top_random"])
def test_a_sample_is_the_records_that_the_strategy_drew(store: Store, strategy: str) -> None:
    for seed in range(30):
        store.add_game(plain_game(100, seed))
    whole = store.sample("recent", 3000, rng(), "pente", 19)
    batch = store.sample(strategy, 1500, rng(), "pente", 19)
    assert (len(batch), batch.requested, batch.available) == (1500, 1500, 3000)
    chosen = (batch.ids - whole.ids[0]).tolist()
    for name in (
        "boards",
        "captured",
        "ply",
        "to_move",
        "search_value",
        "outcome",
        "unlisted",
        "simulations",
        "game_ids",
    ):
        np.testing.assert_array_equal(getattr(batch, name), getattr(whole, name)[chosen], err_msg=name)
    for index in (0, 700, 1499):
        mine = slice(batch.offsets[index], batch.offsets[index + 1])
        theirs = slice(whole.offsets[chosen[index]], whole.offsets[chosen[index] + 1])
        for name in ("points", "targets", "visits"):
            np.testing.assert_array_equal(getattr(batch, name)[mine], getattr(whole, name)[theirs], err_msg=name)


def test_nothing_to_sample_names_the_command_to_run(store: Store) -> None:
    with pytest.raises(RequestError, match=r"no records of pente 19x19: play some games .*`python generate_v2.py`"):
        store.sample("recent", 10, rng(), "pente", 19)
    store.add_game(plain_game(4))
    expected = r"but 4 of pente 19x19.*`python generate_v2.py --variant boat --board-size 9`"
    with pytest.raises(RequestError, match=expected):
        store.sample("recent", 10, rng(), "boat", 9)


def test_records_are_read_in_batches_by_range(store: Store) -> None:
    store.add_game(plain_game(50))
    assert [len(batch) for batch in store.record_batches("pente", 19)] == [50]
    (batch,) = store.record_batches("pente", 19, 10, 5)
    assert batch.ply.tolist() == [10, 11, 12, 13, 14]
    assert list(store.record_batches("gomoku", 19)) == []


def steps_to_sample(database: Path, strategy: str) -> int:
    """The number of steps of SQLite's virtual machine for a sample of 50 records."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def watch(connection: Any, _record: Any) -> None:
        connection.set_progress_handler(count, 1)

    event.listen(Engine, "connect", watch)
    try:
        with Store(database, read_only=True) as store:
            steps = 0
            store.sample(strategy, 50, rng(), "pente", 19)
    finally:
        event.remove(Engine, "connect", watch)
    return steps


@pytest.mark.parametrize("strategy", ["recent", "random", "top_random"])
def test_the_cost_of_reading_depends_on_the_sample_not_on_the_database(tmp_path: Path, strategy: str) -> None:
    game = plain_game(100)
    steps = []
    for name, games in (("small.db", 1), ("large.db", 40)):
        with Store(tmp_path / name) as store:
            for _ in range(games):
                store.add_game(game)
        steps.append(steps_to_sample(tmp_path / name, strategy))
    assert steps[1] < 1.2 * steps[0] + 200


def test_every_query_of_a_sample_uses_the_primary_key(store: Store, tmp_path: Path) -> None:
    store.add_game(plain_game(100))
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        store.sample("top_random", 50, rng(), "pente", 19)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    of_records = [(sql, values) for sql, values in statements if "FROM records" in sql]
    assert of_records
    connection = sqlite3.connect(tmp_path / "new" / "folder" / "records.db")
    for sql, values in of_records:
        plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values))
        assert "USING INTEGER PRIMARY KEY" in plan
        assert "SCAN" not in plan
    connection.close()


def test_a_record_takes_at_most_400_bytes_of_the_file(tmp_path: Path) -> None:
    """Includes everything: boards, policies, games, settings, indexes and unused space of the file."""
    database = tmp_path / "records.db"
    with Store(database) as store:
        for seed in range(60):
            store.add_game(plain_game(40, seed))
    assert not Path(f"{database}-wal").exists()
    assert database.stat().st_size / 2400 < 320  # the documented limit is 400


def test_the_write_ahead_log_is_on_and_foreign_keys_hold(store: Store, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "new" / "folder" / "records.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    with pytest.raises(Exception, match="FOREIGN KEY"):
        store.add_game(dataclasses.replace(plain_game(1), settings_id=77))
    assert store.num_records("pente", 19) == 0
