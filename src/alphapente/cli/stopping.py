"""How a job is asked to end: by Ctrl-C, by SIGTERM, or by the death of the process that started it."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class StopFlag:
    """False until a signal asks the job to finish; calling it tells. The first signal decides the exit status."""

    def __init__(self) -> None:
        self.status = 0
        self._interrupts = 0

    def __call__(self) -> bool:
        """True once the job should finish cleanly."""
        return self.status != 0

    def ask(self, number: int) -> None:
        """Ask the job to end, as this signal does."""
        self.status = self.status or 128 + number

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal: the first asks, a second Ctrl-C ends at once. Raises KeyboardInterrupt for that one."""
        self._interrupts += number == signal.SIGINT
        if self._interrupts > 1:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            raise KeyboardInterrupt
        self.ask(number)


@contextmanager
def stop_on_signals(watch_stdin: bool) -> Iterator[StopFlag]:
    """A StopFlag raised by SIGINT and SIGTERM, and with `watch_stdin` when standard input ends (the parent died)."""
    flag = StopFlag()
    before: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {
        number: signal.signal(number, flag.on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    if watch_stdin:
        threading.Thread(target=_wait_for_end_of_stdin, args=(flag,), daemon=True, name="parent-watch").start()
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_for_end_of_stdin(flag: StopFlag) -> None:
    # Read by descriptor: a daemon thread inside sys.stdin would hold its lock when the interpreter ends.
    try:
        descriptor = sys.stdin.fileno()
        while os.read(descriptor, 4096):
            pass
    except (OSError, ValueError, AttributeError):
        pass
    flag.ask(signal.SIGTERM)
