"""Generation and training side by side, and trainings by the replay ratio in both modes, over real processes."""

import itertools
import os
import time
from pathlib import Path

import pytest

from alphapente.errors import FailureError
from alphapente.events import StepStarted
from alphapente.network.device import num_cores
from alphapente.pipeline.state import load_state
from alphapente.pipeline.step import NICE
from tests.pipeline.runs import (
    FULL_ORDER,
    commands,
    finish,
    gone,
    notes,
    run_here,
    start,
    steps,
    summary,
    until_step,
    wait_gone,
)


def test_side_by_side_trains_while_records_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "slow")
    events = run_here(tmp_path, "pipeline.mode=async", "generation.record_limit=200")
    order = steps(events)
    assert order[0] == "Generation 1"
    assert order[1:] == [name for name in FULL_ORDER if name.startswith("Training")]
    kinds = [type(event).__name__ for event in events]
    assert kinds.index("EpochReport") < kinds.index("GenerationSummary"), "side by side"
    jobs = commands(tmp_path)
    assert "generation.record_limit=400" in jobs[0]
    assert f"training.threads={max(1, num_cores() // 2)}" in jobs[1]
    assert summary(events).records == 400
    assert summary(events).cycles == 2
    assert sum(summary(events).games_by_cycle) == 80


def test_side_by_side_keeps_user_settings_and_stops_both_on_a_signal(tmp_path: Path) -> None:
    overrides = ("pipeline.mode=async", "generation.workers=3", "training.threads=2", "generation.record_limit=100")
    process = start(tmp_path, *overrides, stand_in="hang:generate,hang:Training 1.2")
    until_step(process, "Training 1.2", "EpochReport")
    generation, *_, training = commands(tmp_path)
    assert os.getpriority(os.PRIO_PROCESS, generation[0]) == NICE, "generation has low priority"
    assert os.getpriority(os.PRIO_PROCESS, training[0]) == 0, "training has normal priority"
    process.terminate()
    events, _ = finish(process)
    assert process.returncode == 143
    assert "asked to stop: ending Generation 1 and Training 1.2" in notes(events)
    for pid, _, *words in commands(tmp_path):
        wait_gone(pid)
        assert not any("workers=" in word or "threads=" in word for word in words)
    again = run_here(tmp_path, *overrides)
    assert sorted(steps(again)) == ["Generation 1", *(f"Training {n}" for n in ("1.2", "2.1", "2.2"))]
    assert summary(again).records == 200


def test_side_by_side_a_failing_training_ends_the_generation_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "hang:generate,fail:Training 1.1")
    with pytest.raises(FailureError, match=r"^Training 1\.1 failed"):
        run_here(tmp_path, "pipeline.mode=async")
    assert all(gone(pid) for pid, *_ in commands(tmp_path))


def test_from_cycles_to_side_by_side_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "fail:Training 1.2")
    with pytest.raises(FailureError):
        run_here(tmp_path)
    monkeypatch.setenv("STAND_IN", "fail:Training 2.1")
    with pytest.raises(FailureError):
        run_here(tmp_path, "pipeline.mode=async")
    monkeypatch.setenv("STAND_IN", "")
    events = run_here(tmp_path)
    assert "pipeline.mode:" in notes(events)
    assert [name for name in steps(events) if name.startswith("Training")] == FULL_ORDER[4:]


@pytest.mark.parametrize("mode", ["cycles", "async"])
def test_with_reuse_a_training_uses_all_records_that_are_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """In cycles one training per generation; side by side none for records of an earlier training."""
    monkeypatch.setenv("STAND_IN", "slow")
    events = run_here(tmp_path, "training.reuse=4", f"pipeline.mode={mode}", "generation.record_limit=100")
    trainings = [(event.name, event.records) for event in events if isinstance(event, StepStarted)]
    trainings = [(name, records) for name, records in trainings if name.startswith("Training")]
    counts = [records for _, records in trainings]
    assert summary(events).records == 200
    assert counts[-1] == 200, "the last records are trained on too"
    if mode == "cycles":
        assert trainings == [("Training 1.1", 100), ("Training 2.1", 200)]
    else:
        gaps = [later - earlier for earlier, later in itertools.pairwise([0, *counts])]
        assert all(gap >= 50 for gap in gaps[:-1])
        assert gaps[-1] > 0
    state = load_state(tmp_path / "pipeline_state.json")
    assert state is not None
    assert state.trained_records == 200


def test_a_run_that_waits_for_new_records_ends_when_asked_to(tmp_path: Path) -> None:
    """The generation makes half of the records and then none: one training, then a wait that a signal ends."""
    overrides = ("pipeline.mode=async", "training.reuse=4", "generation.record_limit=100")
    process = start(tmp_path, *overrides, stand_in="hang:generate")
    until_step(process, "Training 1.1", "TrainingSummary")
    time.sleep(1.5)
    process.terminate()
    events, _ = finish(process)
    assert process.returncode == 143
    assert "asked to stop: ending Generation 1" in notes(events)
    begun = [job for _, job, *_ in commands(tmp_path)]
    assert begun.count("train") <= 2
    again = run_here(tmp_path, *overrides)
    assert summary(again).records == 200
