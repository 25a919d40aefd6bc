"""Parked games: claimed by one generation at a time, finished once, never lost."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alphapente.errors import RequestError
from alphapente.records import parking
from alphapente.records.parking import CLAIM_S, Parking
from alphapente.records.store import Store
from tests.records.samples import random_game


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        yield opened


def simple(store: Store) -> Parking:
    return Parking(store, "pente", 9, "simple")


def payloads(found: list[parking.ParkedGame]) -> list[bytes]:
    return [game.payload for game in found]


def num_parked(store: Store) -> int:
    return sum(pool.parked_games for pool in store.stats().pools)


def test_games_are_claimed_once_oldest_first_by_pool_and_model(store: Store) -> None:
    here = simple(store)
    here.park([])
    here.park([b"a", b"b", b"c"])
    Parking(store, "pente", 9, "resnet").park([b"d"])
    Parking(store, "pente", 19, "simple").park([b"e"])
    assert payloads(here.claim(2)) == [b"a", b"b"]
    assert payloads(here.claim(2)) == [b"c"]
    assert here.claim(2) == []
    assert Parking(store, "gomoku", 9, "simple").claim(2) == []
    assert num_parked(store) == 5, "a claim deletes nothing"


def test_a_claim_expires_unless_it_is_renewed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    here = simple(store)
    here.park([b"a", b"b"])
    first, second = here.claim(5)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + CLAIM_S - 1)
    assert here.claim(5) == []
    here.renew([first.parked_id])
    monkeypatch.setattr(time, "time", lambda: now + CLAIM_S + 2)
    assert here.claim(5) == [second]


def test_a_claim_made_by_a_wrong_clock_is_ignored(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    here, now = simple(store), time.time()
    here.park([b"a"])
    monkeypatch.setattr(time, "time", lambda: now + 5 * 365 * 24 * 3600)
    assert payloads(here.claim(5)) == [b"a"]
    monkeypatch.setattr(time, "time", lambda: now)
    assert payloads(here.claim(5)) == [b"a"]
    assert here.claim(5) == []


def test_games_are_parked_again_changed_or_unchanged(store: Store) -> None:
    here = simple(store)
    here.park([b"a", b"b"])
    first, second = here.claim(5)
    here.park([b"c"], {first.parked_id: b"a2"}, [second.parked_id])
    assert payloads(here.claim(5)) == [b"a2", b"b", b"c"]


def test_a_finished_game_replaces_its_parked_row_only_once(store: Store) -> None:
    here, game = simple(store), random_game(1, max_records=10)
    here.park([b"a"])
    (parked,) = here.claim(1)
    assert here.finish(parked.parked_id, game)
    assert not here.finish(parked.parked_id, game)
    here.park([], {parked.parked_id: b"again"})
    assert (store.num_games("pente", 9), num_parked(store)) == (1, 0)


def test_a_game_that_cannot_be_stored_stays_parked(store: Store) -> None:
    here = simple(store)
    here.park([b"a"])
    (parked,) = here.claim(1)
    wrong = random_game(1, max_records=10)
    wrong.records[0].visits[0] = -1
    with pytest.raises(RequestError):
        here.finish(parked.parked_id, wrong)
    assert (store.num_games("pente", 9), num_parked(store)) == (0, 1)


def test_a_series_is_taken_once_even_without_games(store: Store) -> None:
    assert [simple(store).take_series() for _ in range(3)] == [0, 1, 2]
    assert Parking(store, "pente", 19, "simple").take_series() == 0
    for seed in range(7):
        store.add_game(random_game(seed, max_records=1))
    assert [simple(store).take_series() for _ in range(2)] == [7, 8]
