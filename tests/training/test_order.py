"""The order of records in a training: every record once a pass, or as often as its weight requires."""

import dataclasses
import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alphapente.training.measure import random_records
from alphapente.training.order import SampleOrder, surprise_weights


@given(count=st.integers(1, 40), cuts=st.lists(st.integers(0, 130), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_it_is_the_same_stream_wherever_it_is_cut(count: int, cuts: list[int], seed: int) -> None:
    chosen = np.arange(count) * 3 + 1
    whole = SampleOrder(chosen, [seed, 4]).between(0, 130)
    assert len(whole) == 130
    places = sorted({0, 130, *cuts})
    parts = [SampleOrder(chosen, [seed, 4]).between(start, end) for start, end in itertools.pairwise(places)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    for start in range(0, 130 - count, count):
        np.testing.assert_array_equal(np.sort(whole[start : start + count]), chosen)


def test_passes_differ_and_so_do_seeds() -> None:
    order = SampleOrder(np.arange(50), [1, 2])
    assert not np.array_equal(order.between(0, 50), order.between(50, 100))
    assert not np.array_equal(order.between(0, 50), SampleOrder(np.arange(50), [1, 3]).between(0, 50))


def test_by_weight_a_record_comes_as_often_as_it_weighs() -> None:
    weights = np.array([0.0, 0.5, 1.0, 2.5], np.float32)
    order = SampleOrder(np.array([10, 11, 12, 13]), [7], weights)
    counts = np.zeros(4)
    for number in range(1000):
        drawn = order.between(4 * number, 4 * number + 4)
        found = np.bincount(drawn - 10, minlength=4)
        assert (found >= np.floor(weights)).all()
        assert (found <= np.ceil(weights)).all()
        counts += found
    np.testing.assert_allclose(counts / 1000, weights, atol=0.06)


def test_weights_that_are_all_0_are_as_if_there_were_none() -> None:
    order = SampleOrder(np.arange(9), [3], np.zeros(9, np.float32))
    np.testing.assert_array_equal(order.between(0, 20), SampleOrder(np.arange(9), [3]).between(0, 20))


def test_what_surprised_the_network_is_seen_more_often() -> None:
    records = dataclasses.replace(
        random_records(5, 9),
        surprise=np.array([0.0, 1.0, 3.0, np.nan, 8.0], np.float32),
        policy_weight=np.array([1.0, 1.0, 1.0, 1.0, 0.0], np.float32),
    )
    assert surprise_weights(records, 0.0) is None
    weights = surprise_weights(records, 0.5)
    assert weights is not None
    np.testing.assert_allclose(weights, [0.5, 1.0, 2.0, 1.0, 0.5])  # the mean of the known ones is 1
    unknown = dataclasses.replace(records, surprise=np.full(5, np.nan, np.float32))
    assert surprise_weights(unknown, 0.5) is None
    assert surprise_weights(dataclasses.replace(records, surprise=np.zeros(5, np.float32)), 0.5) is None
