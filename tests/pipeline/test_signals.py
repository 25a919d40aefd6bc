"""Runs that receive several signals: real signals to real processes, and the state that they leave."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alphapente.pipeline.state import STATE_NAME, load_state
from alphapente.pipeline.status import Status
from tests.pipeline.runs import SCHEDULER, commands, finish, run_here, start, steps, summary, wait_gone
from tests.pipeline.scheduler import pool_counts
from tests.pipeline.test_status import status_of, until

SHORT = ("pipeline.generation_cycles=1", "pipeline.training_cycles_per_generation=1")
INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def until_started(folder: Path) -> None:
    """Waits until the first step's process has installed its signal handlers."""
    deadline = time.monotonic() + 30
    while not (folder / "commands").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def has_records(status: Status) -> bool:
    return bool(status.steps and status.steps[0].progress)


def send(process: "subprocess.Popen[str]", folder: Path, numbers: list[signal.Signals]) -> None:
    """Sends the signals; those after the first are sent once the run reports that it is ending."""
    process.send_signal(numbers[0])
    for number in numbers[1:]:
        until(folder, lambda status: status.ending)
        process.send_signal(number)


def assert_continues(folder: Path) -> None:
    """The state is complete: the next start continues the interrupted generation."""
    state = load_state(folder / STATE_NAME)
    assert state is not None
    assert not state.finished
    again = run_here(folder, *SHORT)
    assert steps(again) == ["Generation 1", "Training 1.1"]
    assert summary(again).records == 50


@pytest.mark.parametrize("numbers", [[INT, INT], [TERM, INT], [INT, INT, INT, INT]])
def test_ctrl_c_in_a_run_that_is_ending_kills_its_steps_and_leaves_it_paused(
    tmp_path: Path, numbers: list[signal.Signals]
) -> None:
    process = start(tmp_path, *SHORT, stand_in="deaf:generate")
    until_started(tmp_path)
    sent = time.monotonic()
    send(process, tmp_path, numbers)
    finish(process)
    assert time.monotonic() - sent < 10, "the step would have had a minute to end"
    assert process.returncode == 130
    status = status_of(tmp_path)
    assert (status.outcome, status.ending, status.steps[-1].outcome) == ("paused", False, "ended early")
    assert "stopped at once" in status.message
    wait_gone(commands(tmp_path)[0][0])
    assert_continues(tmp_path)


@pytest.mark.parametrize("numbers", [[HUP, HUP], [TERM, TERM], [INT, TERM]])
def test_any_other_signal_lets_a_run_end_cleanly_however_often(tmp_path: Path, numbers: list[signal.Signals]) -> None:
    process = start(tmp_path, *SHORT, stand_in="late:generate")
    until(tmp_path, has_records)
    send(process, tmp_path, numbers)
    finish(process)
    assert process.returncode == 128 + numbers[0]
    status = status_of(tmp_path)
    assert (status.outcome, status.steps[-1].outcome) == ("paused", "ended early")
    assert status.message == "stopped; running the same command again continues from here"
    wait_gone(commands(tmp_path)[0][0])
    assert_continues(tmp_path)


@pytest.mark.parametrize("pause_s", [0.0, 0.02])
def test_many_ctrl_c_leave_a_run_paused_and_its_records_stored(tmp_path: Path, pause_s: float) -> None:
    process = start(tmp_path, *SHORT, stand_in="late:generate")
    until(tmp_path, has_records)
    while process.poll() is None:
        process.send_signal(INT)
        time.sleep(pause_s)
    finish(process)
    assert process.returncode in (130, -INT), "both are 130 in a shell; the latter after all work is done"
    assert status_of(tmp_path).outcome == "paused"
    assert pool_counts(tmp_path)[0] > 0
    assert_continues(tmp_path)


TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # its standard input becomes the terminal of its session
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def test_a_closed_terminal_ends_a_run_cleanly(tmp_path: Path) -> None:
    """SIGHUP arrives, and every later write to the terminal fails."""
    ours, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", TERMINAL, str(SCHEDULER), str(tmp_path), *SHORT],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=os.environ | {"STAND_IN": "hang:generate"},
        start_new_session=True,
    )
    os.close(terminal)
    until(tmp_path, has_records)
    os.close(ours)
    assert process.wait(timeout=30) == 128 + HUP
    assert status_of(tmp_path).outcome == "paused"
    assert_continues(tmp_path)
