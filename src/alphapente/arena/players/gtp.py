"""An external engine: a process that speaks the Go Text Protocol (GTP), one command at a time.

The protocol is version 2 of GTP (Farneback 2002, "Specification of the Go Text Protocol"), with the points and
colours of this game: B is player 1, W is player 2, and column letters skip I, as everywhere here.
"""

import contextlib
import os
import queue
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from typing import TextIO

from alphapente.errors import FailureError, RequestError

COLOURS = ("B", "W")
"""GTP colours of player 1 and player 2."""
STDERR_LINES = 5
"""Number of the last lines of an engine's standard error that an error message quotes."""
QUIT_S = 2.0
"""Seconds that an engine has to exit after `quit` before it is killed."""
LONGEST_LINE = 120
"""Characters of an engine's output that an error message quotes."""

MOST_LINES = 1000
"""Maximum lines of a response, and of output waiting to be read: an engine that prints more blocks."""
LONGEST_READ = 4096
"""Characters. A longer line is read in parts of this length."""


class EngineError(FailureError):
    """An engine stopped, exceeded a time limit, or responded with an error."""


class EngineRefusalError(EngineError):
    """An engine responded to a command with `?`. It still runs."""


class EngineProcess:
    """One engine in a process of its own, started by `command`, which is split into words as a shell does.

    Raises RequestError for a command that cannot be run.
    """

    def __init__(self, command: str) -> None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise RequestError(f"engine {command!r}: {error}; write a program and its arguments") from None
        if not words:
            raise RequestError("an engine's command is empty: write a program and its arguments")
        try:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # Ctrl-C reaches only us; we end the engine
            )
        except OSError as error:
            raise RequestError(f"engine {command!r} cannot be started: {error.strerror or error}") from error
        self._lines: queue.Queue[str | None] = queue.Queue(MOST_LINES)
        self._discards = False
        self._error_lines: deque[str] = deque(maxlen=STDERR_LINES)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = (
            threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_errors, args=(self._process.stderr,), daemon=True),
        )
        for reader in self._readers:
            reader.start()

    def ask(self, command: str, timeout_s: float) -> str:
        """The engine's response to one command, without its `=`; several lines are joined by newlines.

        Raises EngineRefusalError for a response with `?`, EngineError if the engine stopped or exceeded the time.
        """
        assert self._process.stdin is not None
        deadline = time.monotonic() + timeout_s
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        except OSError:
            raise self._stopped(command) from None
        answer: list[str] = []
        while True:
            line = self._next_line(command, deadline, timeout_s)
            if answer and not line.strip():
                break
            if answer or line[:1] in ("=", "?"):  # lines before the response are ignored
                answer.append(line)
            if len(answer) > MOST_LINES:
                raise EngineError(f"its answer to {command!r} has no end after {MOST_LINES} lines")
        head, text = answer[0][0], "\n".join([answer[0][1:].strip(), *answer[1:]]).strip()
        if head == "?":
            raise EngineRefusalError(f"it answered {command!r} with an error: {_short(text) or 'no message'}")
        return text

    def close(self) -> None:
        """Sends `quit`, and kills the engine if it does not exit."""
        assert self._process.stdin is not None
        self._discard_output()
        with contextlib.suppress(OSError):
            self._process.stdin.write("quit\n")
            self._process.stdin.close()
        try:
            self._process.wait(QUIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._end_reading()

    def kill(self) -> None:
        """Kills the engine and its child processes."""
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._discard_output()
        self._end_reading()

    def _discard_output(self) -> None:
        """Empties the queue, so that neither the reader thread nor the engine blocks on it."""
        self._discards = True
        with contextlib.suppress(queue.Empty):
            while True:
                self._lines.get_nowait()

    def _end_reading(self) -> None:
        for reader in self._readers:
            reader.join(QUIT_S)

    def _next_line(self, command: str, deadline: float, timeout_s: float) -> str:
        try:
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0:  # `get` would return a waiting line: an engine may print without end
                raise queue.Empty
            line = self._lines.get(timeout=remaining_s)
        except queue.Empty:
            raise EngineError(f"it did not answer {command!r} within {timeout_s:g} s") from None
        if line is None:
            raise self._stopped(command)
        return line

    def _stopped(self, command: str) -> EngineError:
        try:
            status = self._process.wait(QUIT_S)
        except subprocess.TimeoutExpired:
            return EngineError(f"it closed its output at {command!r}{self._last_error_lines()}")
        ended = f"exit status {status}" if status >= 0 else f"signal {-status}"
        self._readers[1].join(QUIT_S)
        return EngineError(f"it stopped at {command!r} ({ended}){self._last_error_lines()}")

    def _last_error_lines(self) -> str:
        shown = " | ".join(_short(line) for line in self._error_lines)
        return f"; its last output: {shown}" if shown else ""

    def _read(self, stream: TextIO) -> None:
        while line := stream.readline(LONGEST_READ):
            if not self._discards:
                self._lines.put(line.rstrip("\r\n"))
        self._lines.put(None)

    def _read_errors(self, stream: TextIO) -> None:
        while line := stream.readline(LONGEST_READ):
            if line.strip():
                self._error_lines.append(line.strip())


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_LINE else text[:LONGEST_LINE] + "..."
