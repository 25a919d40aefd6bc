"""The points that a record lists, compared with an implementation in NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alphapente.selfplay.listing import LISTED_POINTS, LISTED_SHARE, divergence, list_points


def in_numpy(policy: NDArray[np.float32], visits: NDArray[np.int32]) -> NDArray[np.int64]:
    """A stable sort puts the first of equal ones first."""
    visited = np.argsort(-visits, kind="stable")[:LISTED_POINTS]
    likely = np.argsort(-policy, kind="stable")[:LISTED_POINTS]
    return np.union1d(visited[visits[visited] > 0], likely[policy[likely] > LISTED_SHARE])


def a_search(points: int, num_visited: int, spread: float, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """A policy float32[points], even for spread 0, and visits int32[points] of `num_visited` points, some equal."""
    rng = np.random.default_rng(seed)
    policy = np.exp(spread * rng.normal(size=points))
    visits = np.zeros(points, np.int32)
    visits[rng.permutation(points)[:num_visited]] = rng.integers(1, 20, num_visited)
    return (policy / policy.sum()).astype(np.float32), visits


@settings(deadline=None)  # the first call compiles
@given(
    points=st.sampled_from([49, 81, 361]),
    num_visited=st.integers(0, 49),
    spread=st.sampled_from([0.0, 0.5, 2.0, 5.0]),
    seed=st.integers(0, 2**32),
)
def test_the_most_visited_and_the_most_probable_points_are_listed_in_order(
    points: int, num_visited: int, spread: float, seed: int
) -> None:
    policy, visits = a_search(points, num_visited, spread, seed)
    listed = list_points(policy, visits)
    assert listed.dtype == np.int16
    np.testing.assert_array_equal(listed, in_numpy(policy, visits))


@pytest.mark.parametrize("num_visited", [LISTED_POINTS, LISTED_POINTS + 1, 361])
def test_the_number_of_listed_points_is_limited(num_visited: int) -> None:
    policy, visits = a_search(361, num_visited, 0.0, 1)  # every point has more than LISTED_SHARE
    listed = list_points(policy, visits)
    np.testing.assert_array_equal(listed, in_numpy(policy, visits))
    assert set(range(LISTED_POINTS)) <= set(listed.tolist())
    assert LISTED_POINTS < len(listed) <= 2 * LISTED_POINTS


def test_a_point_is_listed_once() -> None:
    policy, visits = np.zeros(81, np.float32), np.zeros(81, np.int32)
    policy[[3, 40]] = 0.5
    visits[[40, 7]] = 1
    assert list_points(policy, visits).tolist() == [3, 7, 40]


def test_divergence_is_how_far_a_target_is_from_the_network() -> None:
    prior, target = np.array([0.5, 0.25, 0.25, 0.0], np.float32), np.array([0.25, 0.75, 0.0, 0.0], np.float32)
    expected = 0.25 * np.log(0.25 / 0.5) + 0.75 * np.log(0.75 / 0.25)
    assert divergence(target, prior) == pytest.approx(expected, rel=1e-6)
    assert divergence(prior, prior) == 0
    assert np.isfinite(divergence(np.array([0, 0, 0, 1], np.float32), prior))
