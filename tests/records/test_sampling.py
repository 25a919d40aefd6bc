"""The sampling strategies: as documented, and uniform where documented."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapente.config import TrainingSettings
from alphapente.errors import RequestError
from alphapente.records.sampling import STRATEGIES, Draw, Window, draw


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(
    name=st.sampled_from(sorted(STRATEGIES)),
    num_records=st.integers(0, 3000),
    count=st.integers(1, 1000),
    top=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_every_strategy_gives_distinct_numbers_in_order(
    name: str, num_records: int, count: int, top: float, seed: int
) -> None:
    seqs = draw(name, num_records, count, Draw(rng(seed), top))
    assert seqs.dtype == np.int64
    assert len(seqs) == min(num_records, count)
    assert (np.diff(seqs) > 0).all()
    assert len(seqs) == 0 or (seqs[0] >= 0 and seqs[-1] < num_records)


@pytest.mark.parametrize("name", sorted(STRATEGIES))
@pytest.mark.parametrize("num_records", [1, 99, 100])
def test_a_count_of_at_least_the_records_returns_all(name: str, num_records: int) -> None:
    np.testing.assert_array_equal(draw(name, num_records, 100, Draw(rng(), 0.7)), np.arange(num_records))


def test_recent_is_exactly_the_newest() -> None:
    np.testing.assert_array_equal(draw("recent", 1000, 10, Draw(rng(), 0.7)), np.arange(990, 1000))


@given(
    num_records=st.integers(101, 5000), top=st.sampled_from([0.0, 0.25, 0.7, 0.999, 1.0]), seed=st.integers(0, 2**32)
)
def test_top_random_is_the_newest_and_some_older(num_records: int, top: float, seed: int) -> None:
    seqs = draw("top_random", num_records, 100, Draw(rng(seed), top))
    newest = round(top * 100)
    np.testing.assert_array_equal(seqs[100 - newest :], np.arange(num_records - newest, num_records))
    assert (seqs[: 100 - newest] < num_records - newest).all()


@pytest.mark.parametrize("num_records", [400, 30_000])  # NumPy draws small shares by another algorithm
@pytest.mark.parametrize(("name", "older"), [("random", 1.0), ("top_random", 0.3)])
def test_what_is_drawn_at_random_is_uniform(name: str, older: float, num_records: int) -> None:
    """Chi-square test over 20 cells of equal width, by its normal approximation: within 5 sigma."""
    generator = rng(7)
    count = 100
    pool = num_records if name == "random" else num_records - 70
    drawn = np.concatenate(
        [draw(name, num_records, count, Draw(generator, 0.7))[: round(older * count)] for _ in range(1000)]
    )
    cells = np.histogram(drawn, 20, (0, pool))[0]
    edges = np.linspace(0, pool, 21)
    width = np.diff(np.ceil(edges))  # whole numbers in each cell
    expected = len(drawn) * width / pool
    chi_square = float(((cells - expected) ** 2 / expected).sum())
    assert chi_square < 19 + 5 * np.sqrt(2 * 19)


def test_the_generator_alone_decides() -> None:
    first, again, other = (draw("random", 10_000, 100, Draw(rng(seed), 0.7)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("name", "count", "top", "line"),
    [
        ("newest", 10, 0.7, "'newest'.*recent, random, top_random, window"),
        ("recent", 0, 0.7, "0 records"),
        ("recent", -5, 0.7, "-5 records"),
        ("top_random", 10, 1.5, "1.5: allowed is 0 to 1"),
        ("top_random", 10, float("nan"), "nan"),
    ],
)
def test_wrong_requests_are_refused(name: str, count: int, top: float, line: str) -> None:
    with pytest.raises(RequestError, match=line):
        draw(name, 100, count, Draw(rng(), top))


def test_the_window_grows_with_the_records_but_more_slowly() -> None:
    """KataGo's parameters c = 250,000, alpha 0.75, beta 0.4: values computed by hand, and the slope at c."""
    window = Window(250_000, 0.75, 0.4)
    assert [window.reach(n) for n in (0, 1, 250_000)] == [0, 1, 250_000]
    assert window.reach(4_000_000) == round(250_000 * (1 + 0.4 * (16**0.75 - 1) / 0.75))
    assert window.reach(4_000_000) == 1_183_333
    assert window.reach(260_000) - 250_000 == pytest.approx(0.4 * 10_000, rel=0.01)
    assert Window(1000, 1.0, 1.0).reach(123_456) == 123_456


def test_window_draws_uniformly_from_its_newest_records() -> None:
    by = Draw(rng(3), window=Window(100, 0.5, 0.5))
    reach = by.window.reach(10_000)
    assert reach == 1000
    everything = draw("window", 10_000, 5000, by)
    np.testing.assert_array_equal(everything, np.arange(9000, 10_000))
    drawn = np.concatenate([draw("window", 10_000, 50, by) for _ in range(400)])
    cells = np.histogram(drawn, 20, (9000, 10_000))[0]
    assert float(((cells - 1000) ** 2 / 1000).sum()) < 19 + 5 * np.sqrt(2 * 19)


def test_the_defaults_of_the_window_are_those_of_the_configuration() -> None:
    settings = TrainingSettings().window
    assert Window() == Window(settings.records, settings.exponent, settings.slope)
