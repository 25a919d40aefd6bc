"""The replay ratio: exact over many trainings, whatever their sizes."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapente.events import EpochReport, Event
from alphapente.network.checkpoint import read
from alphapente.records.store import Store
from alphapente.training import train
from alphapente.training.reuse import Account, accounts_in
from tests.records.samples import random_game
from tests.training.sessions import StopAfter, config_of, grown, notes


@given(
    added=st.lists(st.integers(0, 900), min_size=1, max_size=30),
    reuse=st.floats(0.1, 10),
    batch=st.sampled_from([1, 32, 256]),
)
def test_over_many_trainings_the_ratio_is_kept_to_half_a_batch(added: list[int], reuse: float, batch: int) -> None:
    account, pool = Account(), 0
    for number in added:
        pool += number
        new, due = account.begin(pool, 10**9, reuse)
        assert new == number
        account.learned(round(due / batch) * batch, reuse)
        assert abs(account.samples - reuse * pool) <= batch / 2 + 1e-6 * pool
    assert account.records == pool


def test_what_an_interrupted_training_left_undone_is_made_up() -> None:
    account = Account()
    assert account.begin(100, 1000, 4.0) == (100, 400.0)
    account.learned(150, 4.0)
    assert account.begin(110, 1000, 4.0) == (10, 290.0)


def test_no_more_is_new_than_is_drawn() -> None:
    assert Account().begin(1_000_000, 20_000, 2.0) == (20_000, 40_000.0)


def test_a_pool_that_shrank_is_another_pool() -> None:
    account = Account(records=500)
    assert account.begin(200, 1000, 1.0) == (200, 200.0)


def test_without_a_ratio_it_only_counts() -> None:
    account = Account()
    account.begin(100, 1000, None)
    account.learned(5000, None)
    assert (account.samples, account.ahead) == (5000, 0.0)
    assert account.begin(110, 1000, 4.0) == (10, 40.0)


def test_it_is_kept_in_checkpoints() -> None:
    assert accounts_in(None) == {}
    kept = {"pente 9x9": {"records": 3, "samples": 4, "ahead": 0.5}}
    assert accounts_in(kept) == {"pente 9x9": Account(3, 4, 0.5)}


def test_by_reuse_a_training_takes_what_new_records_make_due(database: Path, tmp_path: Path) -> None:
    copy = grown(database, tmp_path, 0)
    config = config_of(copy, tmp_path, reuse=3.5, num_epochs=3, data_sample_size=5000)
    events: list[Event] = []
    first = train(config, events.append)
    assert "120 records are new to this network, each due 3.5 times: 416 samples in 26 steps" in notes(events)
    assert "trained on 416 samples, 3.5 for each of 120 new records" in notes(events)
    assert (first.step, first.samples, first.new_records, first.epochs) == (26, 416, 120, 3)
    assert [event.step for event in events if isinstance(event, EpochReport)] == [8, 17, 26]
    events = []
    again = train(config, events.append)
    assert "nothing to do until there are more" in notes(events)
    assert (again.step, again.samples, again.total_loss) == (26, 0, None)
    grown(database, tmp_path, 2)
    events = []
    third = train(config, events.append)
    account = read(tmp_path / "simple_model.pt").training["accounts"]["pente 7x7"]
    assert third.new_records == 40
    assert account["records"] == 160
    assert account["samples"] == 416 + third.samples
    assert abs(account["samples"] - 3.5 * 160) <= 8
    assert "3.5 for each record of pente 7x7" in notes(events)


def test_fewer_steps_than_epochs_make_fewer_epochs(database: Path, tmp_path: Path) -> None:
    summary = train(config_of(database, tmp_path, reuse=0.5, num_epochs=50, data_sample_size=500), lambda _event: None)
    assert (summary.epochs, summary.step) == (4, 4)  # 60 samples due, batches of 16


def test_a_training_by_reuse_that_was_interrupted_ends_as_planned(database: Path, tmp_path: Path) -> None:
    copy = grown(database, tmp_path, 0)
    config = config_of(copy, tmp_path / "a", reuse=4.0, num_epochs=6, save_interval=1)
    events: list[Event] = []
    stopped = train(config, events.append, StopAfter(10), resume_key="a")
    assert "64 records are new to this network (of 120: no more than are drawn count)" in notes(events)
    assert 0 < stopped.epochs < 6
    grown(database, tmp_path, 1)
    summary = train(config, lambda _event: None, resume_key="a")
    assert summary.epochs == 6
    kept = read(tmp_path / "a" / "simple_model.pt").training
    assert kept["new_records"] == 64  # no more than are drawn
    assert kept["num_samples"] == 256
    account = kept["accounts"]["pente 7x7"]
    assert account["records"] == 120
    assert account["samples"] == summary.step * 16
    assert account["ahead"] == summary.step * 16 - 256  # the part of an epoch that was trained twice


@pytest.mark.parametrize("before", [{"reuse": None}, {"reuse": 4.0}])
@pytest.mark.parametrize("batch_size", [100, 1000])
def test_settings_changed_within_a_training_may_leave_fewer_batches_than_epochs(
    database: Path, tmp_path: Path, before: dict[str, Any], batch_size: int
) -> None:
    """256 samples in 6 epochs, then resumed with batches of 100 or 1000: each epoch that has a batch is trained."""
    first = config_of(database, tmp_path, num_epochs=6 if before["reuse"] else 4, save_interval=1, **before)
    stopped = train(first, lambda _event: None, StopAfter(6), resume_key="a")
    assert 0 < stopped.epochs < 3
    events: list[Event] = []
    changed = config_of(database, tmp_path, num_epochs=6, reuse=4.0, batch_size=batch_size)
    summary = train(changed, events.append, resume_key="a")
    reported = [event.epoch for event in events if isinstance(event, EpochReport)]
    assert reported[-1] == summary.epochs == (6 if before["reuse"] else 4)
    assert summary.step == stopped.step + len(reported)
    assert read(Path(summary.checkpoint)).training["epoch"] == summary.epochs
    again = train(changed, events.append, resume_key="a")
    assert again.step == summary.step


def test_each_pool_has_an_account_of_its_own(database: Path, tmp_path: Path) -> None:
    copy = grown(database, tmp_path, 0)
    with Store(copy) as store:
        store.add_game(random_game(7, size=9, max_records=20))
    config = config_of(copy, tmp_path, reuse=1.0, data_sample_size=500)
    train(config, lambda _event: None)
    other = config.model_copy(update={"game": config.game.model_copy(update={"board_size": 9})})
    assert train(other, lambda _event: None).new_records == 20
    accounts = read(tmp_path / "simple_model.pt").training["accounts"]
    assert {pool: account["records"] for pool, account in accounts.items()} == {"pente 7x7": 120, "pente 9x9": 20}
