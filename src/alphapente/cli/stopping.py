"""Stops jobs on Ctrl-C, SIGTERM, a closed terminal, or the end of the parent process.

Each of them requests a clean stop, also if repeated. Only Ctrl-C after such a request stops the job at once; data that
is not stored yet is lost.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGHUP = getattr(signal, "SIGHUP", None)
"""The terminal was closed; None on systems without this signal."""
UNWIND_S = 5.0
"""Ctrl-C is ignored for this time after an immediate stop, so that the job can save its state."""


class StopFlag:
    """Called, returns whether a stop was requested. The first signal decides the exit status."""

    def __init__(self) -> None:
        self.status = 0
        self._ended_at_once = False
        self._unwind_until = 0.0

    def __call__(self) -> bool:
        """True if the job should end cleanly."""
        return self.status != 0

    def request(self, number: int) -> None:
        """Requests a stop, as this signal does."""
        self.status = self.status or 128 + number

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Handles a signal. Raises KeyboardInterrupt for Ctrl-C after an earlier request."""
        if number != signal.SIGINT or not self.status:
            self.request(number)
        elif not self._ended_at_once:
            self._ended_at_once, self._unwind_until = True, time.monotonic() + UNWIND_S
            raise KeyboardInterrupt
        elif time.monotonic() > self._unwind_until:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)


@contextmanager
def stop_on_signals(watch_stdin: bool) -> Iterator[StopFlag]:
    """A StopFlag set by SIGINT, SIGTERM and SIGHUP; with `watch_stdin` also if standard input ends (the parent ended).

    SIGHUP stays ignored if it is, for jobs that nohup starts.
    """
    flag = StopFlag()
    numbers: list[int] = [signal.SIGINT, signal.SIGTERM]
    if _SIGHUP is not None and signal.getsignal(_SIGHUP) is not signal.SIG_IGN:
        numbers.append(_SIGHUP)
    before: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {
        number: signal.signal(number, flag.on_signal) for number in numbers
    }
    if watch_stdin:
        threading.Thread(target=_wait_for_end_of_stdin, args=(flag,), daemon=True, name="parent-watch").start()
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_for_end_of_stdin(flag: StopFlag) -> None:
    # Read from the descriptor: a daemon thread inside sys.stdin would hold its lock when the interpreter exits.
    try:
        descriptor = sys.stdin.fileno()
        while os.read(descriptor, 4096):
            pass
    except (OSError, ValueError, AttributeError):
        pass
    flag.request(signal.SIGTERM)
