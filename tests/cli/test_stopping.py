"""Stopping of jobs, with real signals to real processes."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from alphapente.cli.stopping import stop_on_signals
from alphapente.events import Event, Lost, Note, ReportFn, from_json

# A job that reports "ready", waits for a stop request, and then takes some time to finish.
JOB = """
import sys, time
from alphapente.cli import app, jobs
from alphapente.events import Note

def job(config, report, stop):
    report(Note("ready"))
    began = time.monotonic()
    while not stop() and time.monotonic() - began < 20:
        time.sleep(0.01)
    report(Note("finishing"))
    time.sleep({finishing_s})
    report(Note("finished"))

jobs.generate = jobs.FlagCommand("A job.", {{}}, lambda config, events: jobs.run_job(job, config, events))
app.main(["generate", *sys.argv[1:]])
"""


def start(tmp_path: Path, words: Sequence[str] = ("--events",), finishing_s: float = 0.0) -> subprocess.Popen[str]:
    """A process that runs the job and has reported "ready"."""
    script = tmp_path / "job.py"
    script.write_text(JOB.format(finishing_s=finishing_s))
    process = subprocess.Popen(
        [sys.executable, script, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    assert from_json(process.stdout.readline()) == Note("ready")
    return process


def notes(text: str) -> list[Event]:
    """The events in a job's output."""
    return [from_json(line) for line in text.splitlines()]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_job_cleanly(tmp_path: Path, number: int, status: int) -> None:
    process = start(tmp_path)
    process.send_signal(number)
    out, err = _wait_with_stdin_open(process)
    assert (process.returncode, err) == (status, "")
    assert notes(out) == [Note("finishing"), Note("finished")]


def _wait_with_stdin_open(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.wait(timeout=20)
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdout.read(), process.stderr.read()


def test_the_end_of_standard_input_ends_the_job_cleanly(tmp_path: Path) -> None:
    process = start(tmp_path)
    out, err = process.communicate(timeout=20)  # closes its standard input
    assert (process.returncode, err) == (143, "")
    assert notes(out) == [Note("finishing"), Note("finished")]


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_of_a_job_that_is_ending_ends_it_at_once(tmp_path: Path, first: int) -> None:
    process = start(tmp_path, finishing_s=30)
    process.send_signal(first)
    assert process.stdout is not None
    assert from_json(process.stdout.readline()) == Note("finishing")
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert (process.returncode, out, err) == (130, "", "")


def test_other_signals_leave_a_job_the_time_that_it_needs_to_end(tmp_path: Path) -> None:
    process = start(tmp_path, finishing_s=0.3)
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    assert from_json(process.stdout.readline()) == Note("finishing")
    for number in (signal.SIGTERM, signal.SIGHUP):
        process.send_signal(number)
    out, err = _wait_with_stdin_open(process)
    assert (process.returncode, err) == (143, "")
    assert notes(out) == [Note("finished")]


def test_under_nohup_a_closed_terminal_ends_nothing(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the process inherits it
    try:
        process = start(tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.2)
    process.send_signal(signal.SIGTERM)
    _wait_with_stdin_open(process)
    assert process.returncode == 143


def test_a_reader_that_goes_away_ends_the_job(tmp_path: Path) -> None:
    process = start(tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.returncode == 143


def test_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals(watch_stdin=False) as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
        assert stop.status == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_broken_pipe_stops_the_job() -> None:
    from alphapente.cli.jobs import guarded_report
    from alphapente.cli.stopping import StopFlag

    calls = 0

    def broken(event: Event) -> None:
        nonlocal calls
        calls += 1
        raise BrokenPipeError(errno.EPIPE, "nobody reads")

    stop = StopFlag()
    lost: list[Lost] = []
    report: ReportFn = guarded_report(broken, stop, lost)
    report(Note("one"))
    report(Note("two"))
    assert (calls, stop(), stop.status, lost) == (1, True, 141, [])


def test_a_display_that_fails_is_dropped_and_the_job_continues() -> None:
    from alphapente.cli.jobs import guarded_report
    from alphapente.cli.stopping import StopFlag

    def broken(event: Event) -> None:
        raise ZeroDivisionError("of the display")

    stop, lost = StopFlag(), list[Lost]()
    report: ReportFn = guarded_report(broken, stop, lost)
    report(Lost("the log x", "disk full"))
    report(Note("two"))
    assert not stop()
    assert lost == [Lost("the log x", "disk full"), Lost("the display", "ZeroDivisionError: of the display")]
