"""The real pipeline on a small board: self-play and training, killed in each phase and resumed each time."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from alphapente.events import EpochReport, Event, GenerationProgress, PipelineSummary, StepStarted, from_json
from alphapente.pipeline.run_view import view_folder
from alphapente.records.check import check
from alphapente.records.store import Store

RECORDS = 800
"""Enough that generations and trainings last some seconds on a fast machine, and still run when they are killed."""

SETTINGS = {
    "game": {"board_size": 7},
    "generation": {
        "simulations": 200,
        "record_limit": RECORDS,
        "games_per_worker": 4,
        "workers": 1,
        "opening_plies": 2,
    },
    "training": {"num_epochs": 20, "save_interval": 1, "data_sample_size": 800},
    "models": {"simple": {"channels": 8}},
    "pipeline": {"generation_cycles": 2, "training_cycles_per_generation": 1, "total_records_target": 10_000},
}


class Scheduler:
    """`alphapente run` as a process whose events are read as they arrive."""

    def __init__(self, folder: Path) -> None:
        (folder / "run.json").write_text(json.dumps(SETTINGS))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "alphapente", "run", "run.json", "--events"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
        )
        self.steps: list[str] = []

    def until(self, wanted: Callable[[Event], bool]) -> Event:
        """The next event that is wanted."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = from_json(line)
            if isinstance(event, StepStarted):
                self.steps.append(event.name)
            if wanted(event):
                return event
        raise AssertionError(f"the run ended before: {self.process.communicate()[1]}")

    def kill_step(self) -> None:
        """kill -9 of the step's process."""
        for child in psutil.Process(self.process.pid).children():
            child.send_signal(signal.SIGKILL)

    def end(self) -> tuple[int, str]:
        """Exit status and standard error."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.read()  # its standard input stays open: closing it would stop the run
        return self.process.wait(timeout=60), self.process.stderr.read()


def some_games(event: Event) -> bool:
    return isinstance(event, GenerationProgress) and event.games >= 1


def an_epoch(event: Event) -> bool:
    return isinstance(event, EpochReport)


def stored(folder: Path) -> int:
    with Store(folder / "data" / "records.db") as store:
        return store.num_records("pente", 7)


def left_over(folder: Path) -> list[int]:
    """Processes still running in the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            here = process.cwd() == str(folder) and process.pid != os.getpid()
            if here and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.mark.slow
def test_killed_in_each_phase_it_continues_and_loses_only_games_in_play(tmp_path: Path) -> None:
    killed = Scheduler(tmp_path)
    killed.until(some_games)
    killed.process.kill()
    killed.end()
    kept = stored(tmp_path)
    assert kept > 0

    failing = Scheduler(tmp_path)
    failing.until(some_games)
    failing.kill_step()
    status, error = failing.end()
    assert (status, failing.steps) == (1, ["Generation 1"])
    assert "Generation 1 was killed by SIGKILL; its log: logs/generation_1_" in error
    assert stored(tmp_path) > kept

    killed = Scheduler(tmp_path)
    killed.until(an_epoch)
    killed.process.kill()
    killed.end()
    kept = stored(tmp_path)
    assert RECORDS <= kept < RECORDS + 150, "the generation in three parts made the records of one"

    failing = Scheduler(tmp_path)
    failing.until(an_epoch)
    failing.kill_step()
    status, error = failing.end()
    assert (status, failing.steps) == (1, ["Training 1.1"])
    assert stored(tmp_path) == kept

    last = Scheduler(tmp_path)
    summary = last.until(lambda event: isinstance(event, PipelineSummary))
    assert last.end()[0] == 0
    assert last.steps == ["Training 1.1", "Generation 2", "Training 2.1"]
    assert isinstance(summary, PipelineSummary)
    assert summary.cycles == 2
    assert len(summary.loss_by_training) == 2
    assert summary.records >= kept + RECORDS
    assert (tmp_path / "checkpoints" / "simple_model.pt").exists()
    assert list((tmp_path / "logs" / "tensorboard" / "generation").iterdir())
    view = view_folder(tmp_path / "checkpoints")
    assert view.status is not None
    assert (view.status.outcome, view.status.records) == ("finished", summary.records)
    steps = [report.step for job in view.jobs["training-simple"] for _, report in job.epochs]
    assert steps[-1] == max(steps)
    assert len(set(steps)) == 40, "every epoch of both trainings"
    assert len(view.jobs["generation"]) >= 2
    with Store(tmp_path / "data" / "records.db") as store:
        assert check(store).findings == []
        assert sum(summary.games_by_cycle) == store.num_games("pente", 7)
    deadline = time.monotonic() + 10
    while left_over(tmp_path):
        assert time.monotonic() < deadline, "no process is left"
        time.sleep(0.1)
