"""One step of the pipeline: a separate process that plays, trains or tests and sends its events line by line."""

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from alphapente.errors import FailureError
from alphapente.events import EpochReport, Event, GenerationSummary, PromotionSummary, TrainingSummary, from_json
from alphapente.pipeline.lines import LogFile, PlainLines

STOP_LIMIT_S = 60.0
"""A step that was asked to end is killed after this time."""
_DRAIN_LIMIT_S = 2.0
_LAST_LINES = 12
_STOPPED = (0, 130, 143, -signal.SIGTERM, -signal.SIGINT)
"""Exit statuses of a step that ended because it was asked to."""


NICE = 10
"""The priority of a step with low priority: about a tenth of a core that another process wants too."""


def _lower_priority(pid: int) -> None:
    """Lowers a process's priority and, where Linux divides time by session, that of its session."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, NICE)
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(NICE))


class Step:
    """A running step. Its process leads its own session, so that Ctrl-C in the terminal reaches only the parent.

    The process's standard input is a pipe that stays open. When it closes, the parent has died and the step ends too.
    """

    def __init__(self, name: str, command: Sequence[str], log: LogFile, lock: int, low_priority: bool = False) -> None:
        """Starts the process, which inherits the descriptor `lock`; `low_priority` lets other processes run first.

        `log` gets the step's lines, and the step closes it. Raises FailureError if the process cannot be started.
        """
        self.name = name
        self.last_loss: float | None = None
        self.trained: TrainingSummary | None = None
        self.tested: PromotionSummary | None = None
        self.complete = False
        """True once the step has reported its summary."""
        self.asked_to_end = False
        self._log = log
        self._plain = PlainLines(self._write)
        self._tail: deque[str] = deque(maxlen=_LAST_LINES)
        self._errors: deque[str] = deque(maxlen=_LAST_LINES)
        self._lines: queue.SimpleQueue[tuple[bool, str]] = queue.SimpleQueue()
        self._exited_at: float | None = None
        self._log.write(f"{name}: {' '.join(command)}")
        try:
            self.process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=os.environ | {"PYTHONIOENCODING": "utf-8"},  # whatever the locale
                start_new_session=True,
                pass_fds=(lock,),
            )
        except OSError as error:
            self._log.close()
            raise FailureError(f"{name} could not be started ({command[0]}): {error.strerror}") from error
        if low_priority:
            _lower_priority(self.process.pid)
        self._readers = [
            threading.Thread(target=self._read, args=(stream, is_error), daemon=True)
            for stream, is_error in ((self.process.stdout, False), (self.process.stderr, True))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: IO[str], is_error: bool) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in stream:
                self._lines.put((is_error, line.rstrip("\r\n")))

    def _write(self, line: str) -> None:
        self._log.write(line)
        self._tail.append(line)

    def events(self) -> Iterator[Event]:
        """The events since the last call; every line is written to the log."""
        while True:
            try:
                is_error, line = self._lines.get_nowait()
            except queue.Empty:
                return
            event = None if is_error else _event_in(line)
            if event is None:
                self._write(line)
                if is_error:
                    self._errors.append(line)
                continue
            self._plain(event)
            if isinstance(event, EpochReport):
                self.last_loss = event.total_loss
            if isinstance(event, TrainingSummary) and event.total_loss is not None:
                self.last_loss = event.total_loss  # an earlier process may have trained all the epochs
            if isinstance(event, TrainingSummary):
                self.trained = event
            if isinstance(event, PromotionSummary):
                self.tested = event
            self.complete = self.complete or isinstance(event, GenerationSummary | TrainingSummary | PromotionSummary)
            yield event

    def ended(self) -> bool:
        """True once the process has ended and all its output is read."""
        if self.process.poll() is None:
            return False
        self._exited_at = self._exited_at or time.monotonic()
        if any(reader.is_alive() for reader in self._readers):
            # Its child processes still hold its pipes, and their parent has ended.
            if time.monotonic() - self._exited_at < _DRAIN_LIMIT_S:
                return False
            self._signal_group(signal.SIGKILL)
        return self._lines.empty()

    def terminate(self) -> None:
        """Ask the process to end cleanly."""
        self.asked_to_end = True
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)

    def stop(self, report: Callable[[Event], None], limit_s: float = STOP_LIMIT_S) -> None:
        """Ask the process to end, report its remaining events, and kill it after `limit_s` seconds."""
        self.terminate()
        deadline = time.monotonic() + limit_s
        while not self.ended():
            if time.monotonic() > deadline:
                self._log.write(f"{self.name} did not end within {limit_s:.0f} s of being asked to: killed")
                self._signal_group(signal.SIGKILL)
                deadline += limit_s
            for event in self.events():
                report(event)
            time.sleep(0.02)
        for event in self.events():
            report(event)

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def close(self) -> None:
        """Close the pipes and the log; a process that still runs is killed with all that it started."""
        if self.process.poll() is None:
            self._signal_group(signal.SIGKILL)
            self.process.wait()
        with contextlib.suppress(OSError):
            stdin = self.process.stdin
            if stdin is not None:
                stdin.close()
        for reader, stream in zip(self._readers, (self.process.stdout, self.process.stderr), strict=True):
            reader.join(timeout=0.5)
            if stream is not None and not reader.is_alive():  # otherwise closing would wait for the reader
                stream.close()
        self._log.close()

    def ended_as_asked(self) -> bool:
        """Whether the process ended with exit status 0 or, if it was asked to end, by that request."""
        status = self.process.returncode
        return status == 0 or (self.asked_to_end and status in _STOPPED)

    def failure(self) -> FailureError:
        """The error of a failed step: how it ended, its log and its last lines."""
        status = self.process.returncode
        how = f"failed with exit status {status}" if status >= 0 else f"was killed by {_signal_name(-status)}"
        last = [f"  {line}" for line in self._errors or self._tail] or ["  (it wrote nothing)"]
        return FailureError(
            "\n".join(
                [f"{self.name} {how}; its log: {self._log.path}; its last lines:", *last]
                + ["Running the same command again continues from this step."]
            )
        )


def _event_in(line: str) -> Event | None:
    """The event in a line; None for a line that a library printed."""
    try:
        return from_json(line)
    except FailureError:
        return None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
