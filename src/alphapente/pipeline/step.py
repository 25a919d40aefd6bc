"""One step of the pipeline: a separate process that plays, trains or tests, and reports to the run's event log."""

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from alphapente.errors import FailureError
from alphapente.events import EpochReport, Event, GenerationSummary, PromotionSummary, StepOutcome, TrainingSummary
from alphapente.pipeline.lines import LogFile

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

        `log` gets what the process prints, and the step closes it. Raises FailureError if it cannot be started.
        """
        self.name = name
        self.last_loss: float | None = None
        self.trained: TrainingSummary | None = None
        self.tested: PromotionSummary | None = None
        self.complete = False
        """True once the step has reported its summary."""
        self.asked_to_end = False
        self.log = log
        self._tail: deque[str] = deque(maxlen=_LAST_LINES)
        self._errors: deque[str] = deque(maxlen=_LAST_LINES)
        self._lines: queue.SimpleQueue[tuple[bool, str]] = queue.SimpleQueue()
        self._exited_at: float | None = None
        self.log.write(f"{name}: {' '.join(command)}")
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
            self.log.close()
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

    def _log_output(self) -> None:
        """Writes what the process has printed to the log."""
        with contextlib.suppress(queue.Empty):
            while True:
                is_error, line = self._lines.get_nowait()
                self.log.write(line)
                self._tail.append(line)
                if is_error:
                    self._errors.append(line)

    def take(self, event: Event) -> None:
        """Takes an event that the process has reported: its result, if it is one."""
        if isinstance(event, EpochReport):
            self.last_loss = event.total_loss
        if isinstance(event, TrainingSummary):
            self.trained = event
            if event.total_loss is not None:  # an earlier process may have trained all the epochs
                self.last_loss = event.total_loss
        if isinstance(event, PromotionSummary):
            self.tested = event
        self.complete = self.complete or isinstance(event, GenerationSummary | TrainingSummary | PromotionSummary)

    def ended(self) -> bool:
        """True once the process has ended and all its output is in the log."""
        self._log_output()
        if self.process.poll() is None:
            return False
        self._exited_at = self._exited_at or time.monotonic()
        if any(reader.is_alive() for reader in self._readers):
            # Its child processes still hold its pipes, and their parent has ended.
            if time.monotonic() - self._exited_at < _DRAIN_LIMIT_S:
                return False
            self._signal_group(signal.SIGKILL)
        self._log_output()
        return True

    def terminate(self) -> None:
        """Ask the process to end cleanly."""
        self.asked_to_end = True
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)

    def stop(self, while_waiting: Callable[[], None], limit_s: float = STOP_LIMIT_S) -> None:
        """Ask the process to end, and kill it after `limit_s` seconds. Calls `while_waiting` again and again."""
        self.terminate()
        deadline = time.monotonic() + limit_s
        while not self.ended():
            if time.monotonic() > deadline:
                self.log.write(f"{self.name} did not end within {limit_s:.0f} s of being asked to: killed")
                self._signal_group(signal.SIGKILL)
                deadline += limit_s
            while_waiting()
            time.sleep(0.02)
        while_waiting()

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
        self.log.close()

    def ended_as_asked(self) -> bool:
        """Whether the process ended with exit status 0 or, if it was asked to end, by that request."""
        status = self.process.returncode
        return status == 0 or (self.asked_to_end and status in _STOPPED)

    def outcome(self) -> StepOutcome:
        """How the process ended."""
        if not self.ended_as_asked():
            return "failed"
        return "done" if self.process.returncode == 0 else "ended early"

    def failure(self) -> FailureError:
        """The error of a failed step: how it ended, its log and its last lines."""
        status = self.process.returncode
        how = f"failed with exit status {status}" if status >= 0 else f"was killed by {_signal_name(-status)}"
        last = [f"  {line}" for line in self._errors or self._tail] or ["  (it wrote nothing)"]
        return FailureError(
            "\n".join(
                [f"{self.name} {how}; its log: {self.log.path}; its last lines:", *last]
                + ["Running the same command again continues from this step."]
            )
        )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
