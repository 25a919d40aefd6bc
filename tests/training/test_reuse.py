"""The replay ratio: exact over many trainings, whatever their sizes."""

from hypothesis import given
from hypothesis import strategies as st

from alphapente.training.reuse import Account, accounts_in


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
