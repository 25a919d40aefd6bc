"""How many threads a training uses: all cores, or one where something else is at work on them.

The threads of one operation wait for each other at its end. Where another process keeps a core busy they wait for
that one too, at every operation: two trainings of two threads on two cores were measured to run 25 times slower than
two of one thread. Which it is can only be found by timing, again and again: programs come and go.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

TRIAL_STEPS = 3
"""Steps of a trial; the first of them, in which memory and kernels are set up, does not count."""
TRIAL_EVERY_S = 30.0
TROUBLE = 2.0
"""A step so many times slower than usual is a reason for a trial at once..."""
TROUBLE_EVERY_S = 3.0
"""...but not more often than this."""
HOPELESS = 3.0
"""A trial whose step is so many times slower than what is in use ends there."""


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def torch_threads(threads: int) -> Iterator[int]:
    """So many threads for torch (0: one per core) while it lasts; yields the number."""
    before = torch.get_num_threads()
    wanted = threads or num_cores()
    torch.set_num_threads(wanted)
    try:
        yield wanted
    finally:
        torch.set_num_threads(before)


class ThreadTuner:
    """Keeps to whichever number of threads learns fastest at the moment; call `begin` and `end` around each step.

    With `threads` given (not 0) it keeps to that number and measures nothing.
    """

    def __init__(
        self,
        threads: int = 0,
        cores: int | None = None,
        clock: Callable[[], float] = time.perf_counter,
        set_threads: Callable[[int], None] = torch.set_num_threads,
    ) -> None:
        cores = cores or num_cores()
        self._clock, self._set_threads = clock, set_threads
        self._choices = [threads] if threads else sorted({cores, 1}, reverse=True)
        self.threads = self._choices[0]
        """In use now."""
        self._waiting = list(self._choices) if len(self._choices) > 1 else []
        self._costs: dict[int, float] = {}  # seconds a sample, by number of threads
        self._steps: list[float] = []
        self._started = self._trial_ended = clock()

    def begin(self) -> None:
        """Just before a step."""
        if self._waiting and self._waiting[0] != self.threads:
            self._use(self._waiting[0])
        self._started = self._clock()

    def end(self, num_samples: int) -> None:
        """Just after a step on so many samples."""
        if len(self._choices) == 1:
            return
        now = self._clock()
        cost = (now - self._started) / max(1, num_samples)
        if self._waiting:
            self._try(cost, now)
        elif self._is_due(cost, now):
            # What is in use first, so that both are measured under the load of this moment.
            self._waiting = sorted(self._choices, key=lambda choice: choice != self.threads)
            self._costs.clear()

    def _is_due(self, cost: float, now: float) -> bool:
        since = now - self._trial_ended
        in_trouble = cost > TROUBLE * self._costs[self.threads] and since >= TROUBLE_EVERY_S
        return since >= TRIAL_EVERY_S or in_trouble

    def _try(self, cost: float, now: float) -> None:
        self._steps.append(cost)
        hopeless = any(cost > HOPELESS * other for other in self._costs.values())
        if len(self._steps) < TRIAL_STEPS and not hopeless:
            return
        self._costs[self.threads] = min(self._steps[1:], default=cost)
        self._steps.clear()
        self._waiting.pop(0)
        if not self._waiting:
            self._use(min(self._costs, key=lambda threads: self._costs[threads]))
            self._trial_ended = now

    def _use(self, threads: int) -> None:
        self.threads = threads
        self._set_threads(threads)
