"""Several processes with one database: nothing is lost or incomplete, and no game is claimed twice."""

import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from alphapente.records.check import check
from alphapente.records.parking import Parking
from alphapente.records.schema import SCHEMA_VERSION
from alphapente.records.store import Store

from .samples import random_game, take_all, write_for_ever, write_games

CONTEXT = get_context("spawn")


def test_two_writers_and_a_reader_at_once(tmp_path: Path) -> None:
    database = tmp_path / "records.db"
    games = [random_game(seed, max_records=20) for seed in range(4)]
    # No file exists yet: the two also race to create it.
    writers = [CONTEXT.Process(target=write_games, args=(database, games, 25)) for _ in range(2)]
    for writer in writers:
        writer.start()
    while not database.exists() or database.stat().st_size == 0:
        time.sleep(0.01)
    rng = np.random.default_rng(1)
    samples = 0
    with Store(database, 30) as reader:
        while any(writer.is_alive() for writer in writers):
            if reader.num_records("pente", 9):
                batch = reader.sample("top_random", 200, rng, "pente", 9)
                assert len(batch) == min(200, batch.available)
                assert batch.available % 20 == 0  # readers see complete games only
                samples += 1
        for writer in writers:
            writer.join()
            assert writer.exitcode == 0
        assert reader.num_games("pente", 9) == 200
        assert reader.num_records("pente", 9) == 4000
        assert check(reader).findings == []
    assert samples > 0


def test_a_killed_writer_leaves_whole_games_only(tmp_path: Path) -> None:
    database = tmp_path / "records.db"
    games = [random_game(seed, max_records=30) for seed in range(3)]
    for kills in (1, 2):
        writer = CONTEXT.Process(target=write_for_ever, args=(database, games))
        writer.start()
        before = 0
        with Store(database, 30) as reader:
            before = reader.num_games("pente", 9)
            while reader.num_games("pente", 9) < before + 15 * kills:
                time.sleep(0.01)
        writer.kill()
        writer.join()
        with Store(database, 5) as store:
            report = check(store)
            assert report.findings == []
            assert report.games >= before + 15 * kills
            assert report.records == 30 * report.games
            store.add_game(games[0])  # and the next start continues


def test_many_processes_may_make_the_database_at_the_same_moment(tmp_path: Path) -> None:
    database = tmp_path / "records.db"
    makers = [CONTEXT.Process(target=write_games, args=(database, [], 1)) for _ in range(3)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert [maker.exitcode for maker in makers] == [0] * 3
    with Store(database, read_only=True) as store:
        assert store.stats().schema_version == SCHEMA_VERSION


def test_a_parked_game_is_taken_by_one_process_only(tmp_path: Path) -> None:
    database = tmp_path / "records.db"
    payloads = [bytes([number]) for number in range(60)]
    with Store(database) as store:
        Parking(store, "pente", 19, "simple").park(payloads)
    results = CONTEXT.Queue()
    takers = [CONTEXT.Process(target=take_all, args=(database, results)) for _ in range(2)]
    for taker in takers:
        taker.start()
    taken = results.get(timeout=60) + results.get(timeout=60)
    for taker in takers:
        taker.join()
    assert sorted(taken) == payloads
