"""Forecasts when a run ends, and the reason: its target, its cycles or its time limit."""

from typing import Literal

from alphapente.config import Config
from alphapente.pipeline.state import State
from alphapente.pipeline.status import Status

RATE_SHARE = 0.25
"""The rate is measured over this last part of the run's time; over more in the first cycles, to include a whole one."""
RATE_LEAST_S = 20.0

EndsBy = Literal["target", "cycles", "time limit"]


def records_end(config: Config, state: State) -> int:
    """Records in the pool when the run ends by its target or its cycles, without its time limit."""
    by_cycles = state.run_records + config.pipeline.generation_cycles * config.generation.record_limit
    return min(config.pipeline.total_records_target, by_cycles)


def records_per_s(status: Status | None, records: int, elapsed_s: float) -> float | None:
    """New records a second over the last part of the run's time; None if there are too few samples."""
    if status is None or not status.samples:
        return None
    share = max(RATE_SHARE, 1 / (status.cycle - status.first_cycle + 1))
    since = elapsed_s - max(RATE_LEAST_S, share * (elapsed_s - status.samples[0][0]))
    began, before, _ = next((s for s in reversed(status.samples) if s[0] <= since), status.samples[0])
    if elapsed_s - began < RATE_LEAST_S / 4 or records <= before:
        return None
    return (records - before) / (elapsed_s - began)


def time_left(
    config: Config, records: tuple[int, int], rate: float | None, elapsed_s: float
) -> tuple[float | None, EndsBy | None]:
    """The run's remaining seconds and the reason of its end. `records` are those now and at its end."""
    now, end = records
    found: list[tuple[float, EndsBy]] = []
    limit = limit_s(config)
    if limit is not None:
        found.append((max(0.0, limit - elapsed_s), "time limit"))
    if rate:
        by: EndsBy = "target" if end >= config.pipeline.total_records_target else "cycles"
        found.append((max(0, end - now) / rate, by))
    return min(found, default=(None, None), key=lambda one: one[0])


def limit_s(config: Config) -> float | None:
    """The run's time limit in seconds; None without one."""
    minutes = config.pipeline.time_limit_minutes
    return None if minutes is None else 60 * minutes
