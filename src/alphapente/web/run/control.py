"""Starts, pauses and stops runs. A run is `alphapente run`, a process that outlives the page and this server.

Pause asks the process to end cleanly (SIGTERM, see cli/stopping.py): its state is kept and the next start resumes it.
Stop does the same and then marks the run as finished, so that the next start begins a new run. Both keep records and
checkpoints.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alphapente.config import Config
from alphapente.errors import AlphaPenteError
from alphapente.pipeline.lines import new_file
from alphapente.pipeline.plan import COMMAND
from alphapente.pipeline.run_context import timestamp
from alphapente.pipeline.run_view import view_run
from alphapente.pipeline.state import scheduler_at_work, stop_for_good
from alphapente.pipeline.step import STOP_LIMIT_S
from alphapente.web.errors import WebError
from alphapente.web.run import configs as run_configs
from alphapente.web.run.configs import Named

_POLL_S = 0.2
_SAME_S = 5.0
"""Maximum time between a run's last status and the end of its process."""
_LAST_BYTES = 4_000
_STOPPED = (0, 129, 130, 143, -signal.SIGTERM, -signal.SIGINT)
"""Exit statuses of a run that was asked to end, by this server or otherwise."""


@dataclass
class _Start:
    """A run that this server started; `error_log` is the file of its standard error."""

    process: "subprocess.Popen[bytes]"
    error_log: Path
    began_at: float = field(default_factory=time.time)
    ended_at: float | None = None


@dataclass
class _Ending:
    """A request to end a run. `for_good`: mark it as finished."""

    pid: int
    for_good: bool
    problem: str = ""


@dataclass
class Control:
    """Start and stop requests, by the run's checkpoint folder. Thread-safe."""

    command: Sequence[str] = COMMAND
    """The first words of the run's command line."""
    _starts: dict[Path, _Start] = field(default_factory=dict)
    _endings: dict[Path, _Ending] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, one: Named, overrides: list[str]) -> int:
        """Starts or resumes the run of a configuration; returns the process id.

        Raises WebError for settings that are refused, a run that is already active, or a folder that cannot be used.
        """
        checked = run_configs.check(one, overrides)
        if not checked.ok:
            raise WebError(400, "bad_setting", checked.errors[0].message)
        config = one.load(overrides).config
        folder = config.pipeline.checkpoint_folder
        self._wait_until_gone(config)
        with self._lock:
            if self._at_work(folder) is not None:
                raise WebError(409, "at_work", f"a run is active in {folder}: pause or stop it first")
            error_log = new_file(config.pipeline.log_folder / f"start_{timestamp()}.log")
            words = [*self.command, "run", *([] if one.path is None else ["--config", str(one.path)])]
            words += [word for override in (*one.sets, *overrides) for word in ("--set", override)]
            try:
                error_log.parent.mkdir(parents=True, exist_ok=True)
                with error_log.open("wb") as error_file:
                    process = subprocess.Popen(
                        words,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=error_file,
                        start_new_session=True,
                    )
            except OSError as error:
                raise WebError(
                    503, "cannot_start", f"the run cannot be started: {error.strerror}; correct this and try again"
                ) from error
            self._starts[folder] = _Start(process, error_log)
            self._endings.pop(folder, None)
        threading.Thread(target=self._reap, args=(self._starts[folder],), daemon=True, name="run-end").start()
        return process.pid

    def end(self, one: Named, for_good: bool) -> int | None:
        """Asks the run of a configuration to end; returns its process id, None if no process was active.

        Raises WebError if there is nothing to end.
        """
        config = one.load().config
        folder = config.pipeline.checkpoint_folder
        self._wait_until_gone(config)
        with self._lock:
            pid = self._at_work(folder)
            if pid is None and not for_good:
                raise WebError(409, "not_at_work", f"no run is active in {folder}: there is nothing to pause")
            if pid is None:
                if not stop_for_good(folder):
                    raise WebError(409, "nothing_to_stop", f"no unfinished run is kept in {folder}: nothing to stop")
                return None
            asked = self._endings.get(folder)
            ending = self._endings[folder] = _Ending(pid, for_good or (asked is not None and asked.for_good))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        if asked is None or asked.pid != pid or asked.problem:
            waiting = threading.Thread(target=self._wait_for_end, args=(folder, ending), daemon=True, name="run-stop")
            waiting.start()
        return pid

    def is_starting(self, folder: Path, reported_pid: int | None) -> bool:
        """Whether the run is starting: a process lives, and its id is not the one in the run's status."""
        with self._lock:
            return self._starting(folder) not in (None, reported_pid)

    def is_ending(self, folder: Path) -> bool:
        """Whether the run was asked to end and is still active."""
        with self._lock:
            return folder in self._endings and not self._endings[folder].problem

    def failure(self, folder: Path, reported_at: float) -> str:
        """Why the latest start or stop by this server failed; "" if it did not.

        A start that ended before the run's latest status, at `reported_at`, is ignored: the run was started again.
        """
        with self._lock:
            ending, start = self._endings.get(folder), self._starts.get(folder)
        if ending is not None and ending.problem:
            return ending.problem
        if start is None or start.ended_at is None or start.ended_at + _SAME_S < reported_at:
            return ""
        status = start.process.returncode
        if status in _STOPPED or (status < 0 and reported_at > start.began_at):
            return ""  # for a run that was killed while active, its status says so
        if status < 0:
            return f"its process was killed while it started, by signal {-status}"
        return _last_error_lines(start.error_log) or f"the run ended with status {status}"

    def _wait_until_gone(self, config: Config) -> None:
        """Waits for a process whose run has ended, but which has not exited yet."""
        deadline = time.monotonic() + _SAME_S
        while time.monotonic() < deadline and (pid := self._at_work(config.pipeline.checkpoint_folder)) is not None:
            status = view_run(config).status
            if status is None or status.pid != pid or status.outcome == "running":
                return
            time.sleep(_POLL_S)

    def _at_work(self, folder: Path) -> int | None:
        """The process that works in a folder, or that this server started for it."""
        return scheduler_at_work(folder) or self._starting(folder)

    def _starting(self, folder: Path) -> int | None:
        """The living process that this server started."""
        start = self._starts.get(folder)
        return start.process.pid if start is not None and start.process.returncode is None else None

    def _reap(self, start: _Start) -> None:
        """Waits for the end of a process of ours, so that it does not remain as a zombie."""
        start.process.wait()
        start.ended_at = time.time()
        with contextlib.suppress(OSError):
            if start.error_log.stat().st_size == 0:
                start.error_log.unlink()

    def _wait_for_end(self, folder: Path, ending: _Ending) -> None:
        """Waits until the run has ended; then marks it as finished if requested. Each of its steps has STOP_LIMIT_S."""
        deadline = time.monotonic() + 3 * STOP_LIMIT_S
        while self._at_work(folder) == ending.pid and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        with self._lock:
            ending = self._endings.get(folder, ending)
            try:
                at_work = self._at_work(folder)
                if at_work == ending.pid:
                    ending.problem = f"process {ending.pid} has not ended; its log shows what it waits for"
                    return
                if ending.for_good and at_work is None:  # else it was started again
                    stop_for_good(folder)
            except AlphaPenteError as error:
                ending.problem = str(error)
                return
            self._endings.pop(folder, None)


def _last_error_lines(path: Path) -> str:
    """The last error message on a run's standard error."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LAST_BYTES))
            lines = file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    said = [line.strip() for line in lines if line.strip()]
    first = next((place for place, line in enumerate(said) if line.startswith("error: ")), len(said) - 1)
    return " ".join(said[first:])[:1_000]
