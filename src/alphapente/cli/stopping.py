"""How a job is asked to end: by Ctrl-C, SIGTERM, a closed terminal, or the death of the process that started it.

Each of them asks the job to end cleanly, however often it comes. Only Ctrl-C in a job that was asked to end already
ends it at once, without what it has not stored yet.
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
"""Ctrl-C is ignored for so long after the one that ends at once, so that the job can leave its state behind."""


class StopFlag:
    """False until a signal asks the job to finish; calling it returns the present answer.

    The first signal decides the exit status.
    """

    def __init__(self) -> None:
        self.status = 0
        self._ended_at_once = False
        self._unwind_until = 0.0

    def __call__(self) -> bool:
        """True once the job should finish cleanly."""
        return self.status != 0

    def ask(self, number: int) -> None:
        """Ask the job to end, as this signal does."""
        self.status = self.status or 128 + number

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal. Raises KeyboardInterrupt for Ctrl-C in a job that was asked to end before."""
        if number != signal.SIGINT or not self.status:
            self.ask(number)
        elif not self._ended_at_once:
            self._ended_at_once, self._unwind_until = True, time.monotonic() + UNWIND_S
            raise KeyboardInterrupt
        elif time.monotonic() > self._unwind_until:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)


@contextmanager
def stop_on_signals(watch_stdin: bool) -> Iterator[StopFlag]:
    """A StopFlag set by SIGINT, SIGTERM and SIGHUP, and with `watch_stdin` when standard input ends (the parent died).

    SIGHUP stays ignored where it is: so nohup starts a job.
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
    # Read by descriptor: a daemon thread inside sys.stdin would hold its lock when the interpreter ends.
    try:
        descriptor = sys.stdin.fileno()
        while os.read(descriptor, 4096):
            pass
    except (OSError, ValueError, AttributeError):
        pass
    flag.ask(signal.SIGTERM)
