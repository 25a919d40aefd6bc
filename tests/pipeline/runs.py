"""Runs of the pipeline with the stand-in's jobs, in this process or in one that can be signalled and killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alphapente.events import Event, Note, PipelineSummary, StepStarted, from_json
from alphapente.pipeline import run
from tests.pipeline.scheduler import STAND_IN, pool_counts, settings

SCHEDULER = Path(__file__).with_name("scheduler.py")
FULL_ORDER = ["Generation 1", "Training 1.1", "Training 1.2", "Generation 2", "Training 2.1", "Training 2.2"]


def run_here(folder: Path, *overrides: str, stop: Callable[[], bool] = lambda: False) -> list[Event]:
    events: list[Event] = []
    events.append(run(settings(folder, *overrides), events.append, stop, STAND_IN, lambda: pool_counts(folder)))
    return events


def steps(events: list[Event]) -> list[str]:
    return [event.name for event in events if isinstance(event, StepStarted)]


def summary(events: list[Event]) -> PipelineSummary:
    last = events[-1]
    assert isinstance(last, PipelineSummary)
    return last


def commands(folder: Path) -> list[list[Any]]:
    return [json.loads(line) for line in (folder / "commands").read_text().splitlines()]


def notes(events: list[Event]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Note))


def start(folder: Path, *overrides: str, stand_in: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCHEDULER), str(folder), *overrides],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"STAND_IN": stand_in},
    )


def until_step(process: subprocess.Popen[str], name: str, event_name: str) -> None:
    """Read the scheduler's events until the step `name` has reported an event of type `event_name`."""
    assert process.stdout is not None
    begun = False
    for line in process.stdout:
        event = from_json(line)
        begun = begun or (isinstance(event, StepStarted) and event.name == name)
        if begun and type(event).__name__ == event_name:
            return
    raise AssertionError(f"{name} did not report: {process.stderr.read() if process.stderr else ''}")


def finish(process: subprocess.Popen[str]) -> tuple[list[Event], str]:
    out, err = process.communicate(timeout=30)
    return [from_json(line) for line in out.splitlines()], err


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while not gone(pid):
        assert time.monotonic() < deadline, f"process {pid} still exists"
        time.sleep(0.02)
