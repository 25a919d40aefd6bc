"""Intervals of scores."""

import pytest

from alphapente.arena.confidence import wilson_interval


def test_wilson_interval() -> None:
    """Against published values: 8 of 10, and 0 of 10."""
    assert wilson_interval(0.8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson_interval(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson_interval(0.5, 0) == (0.0, 1.0)
