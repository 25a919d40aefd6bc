"""The forecast of a run's end: by records, cycles or time, from its latest rate."""

import pytest

from alphapente.config import Config, load_config
from alphapente.pipeline.state import State
from alphapente.pipeline.status import Status, finite
from alphapente.web.run.forecast import records_end, records_per_s, time_left


def config(**pipeline: object) -> Config:
    own = {"generation_cycles": 4, "total_records_target": 10_000} | pipeline
    return load_config(None, ["generation.record_limit=500", *(f"pipeline.{key}={own[key]}" for key in own)])


def status(samples: list[tuple[float, int, int]], cycle: int = 8) -> Status:
    return Status("run", 1, 0.0, cycle=cycle, first_cycle=1, samples=samples)


def test_a_run_ends_by_its_cycles_or_its_target() -> None:
    assert records_end(config(), State(run="x", run_records=1_000)) == 3_000
    assert records_end(config(total_records_target=2_500), State(run="x", run_records=1_000)) == 2_500


def test_the_rate_is_that_of_the_last_part() -> None:
    slow_then_fast = [(float(t), t, 0) for t in range(0, 300, 10)] + [
        (float(t), 300 + 10 * (t - 300), 0) for t in range(300, 401, 10)
    ]
    rate = records_per_s(status(slow_then_fast), 1_300, 400.0)
    assert rate == pytest.approx(10.0)
    whole = records_per_s(status(slow_then_fast, cycle=1), 1_300, 400.0)
    assert whole == pytest.approx(1_300 / 400), "in its first cycle the whole run counts"


@pytest.mark.parametrize(
    "known",
    [None, status([]), status([(0.0, 100, 9)]), status([(99.0, 100, 9)])],
    ids=["none", "empty", "still", "new"],
)
def test_too_few_samples_give_no_rate(known: Status | None) -> None:
    assert records_per_s(known, 100, 100.0) is None


def test_what_comes_first_ends_the_run() -> None:
    assert time_left(config(), (1_000, 2_000), 10.0, 50.0) == (100.0, "cycles")
    assert time_left(config(total_records_target=2_000), (1_000, 2_000), 10.0, 50.0) == (100.0, "target")
    assert time_left(config(time_limit_minutes=2), (1_000, 2_000), 10.0, 50.0) == (70.0, "time limit")
    assert time_left(config(time_limit_minutes=2), (1_000, 2_000), None, 150.0) == (0.0, "time limit")
    assert time_left(config(), (1_000, 2_000), None, 50.0) == (None, None)


def test_numbers_that_json_cannot_represent() -> None:
    assert [finite(number) for number in (1.5, float("nan"), float("inf"))] == [1.5, None, None]
