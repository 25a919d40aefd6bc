"""Whole runs over real processes: order of steps, state, failure, signals and kill -9 in every phase."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alphapente.errors import FailureError, RequestError
from alphapente.events import Event, Note, PipelineSummary, StepStarted, from_json
from alphapente.network.device import num_cores
from alphapente.pipeline import run
from alphapente.pipeline.lines import LogFile
from alphapente.pipeline.state import Locks, load_state
from alphapente.pipeline.step import NICE
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


@pytest.fixture(autouse=True)
def _plain_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "")


def test_cycles_in_order_with_logs_state_and_summary(tmp_path: Path) -> None:
    events = run_here(tmp_path, "training.seed=7")
    assert steps(events) == FULL_ORDER
    result = summary(events)
    assert (result.cycles, result.records, result.games_by_cycle) == (2, 100, [10, 10])
    assert [name for name, _ in result.loss_by_training] == [name for name in FULL_ORDER if name.startswith("Training")]
    assert len(result.loss_by_training) == 4
    seeds = [word for command in commands(tmp_path) for word in command if "seed=" in str(word)]
    assert len(set(seeds)) == 4, "each training draws its own random numbers"
    names = sorted(path.name for path in (tmp_path / "logs").iterdir())
    for prefix in ("generation_2_", "training_2_2_", "pipeline_"):
        assert any(name.startswith(prefix) and name.endswith(".log") for name in names)
    log = next((tmp_path / "logs").glob("generation_1_*.log")).read_text()
    assert "generate warms up" in log
    assert "self-play done: 10 games, 50 records (5.0 a game)" in log
    saved = next((tmp_path / "logs").glob("pipeline_*.json"))
    assert json.loads(saved.read_text()) == settings(tmp_path, "training.seed=7").to_dict()
    state = load_state(tmp_path / "pipeline_state.json")
    assert state is not None
    assert state.finished


def test_a_finished_run_is_followed_by_cycles_with_the_next_numbers(tmp_path: Path) -> None:
    one = ("pipeline.generation_cycles=1", "pipeline.training_cycles_per_generation=1")
    run_here(tmp_path, *one)
    events = run_here(tmp_path, *one)
    assert steps(events) == ["Generation 2", "Training 2.1"]
    assert summary(events).games_by_cycle == [10]


def test_the_target_ends_the_run_and_then_nothing_is_left_to_do(tmp_path: Path) -> None:
    events = run_here(tmp_path, "pipeline.total_records_target=80")
    assert steps(events) == FULL_ORDER
    assert summary(events).records == 80
    again = run_here(tmp_path, "pipeline.total_records_target=80")
    assert steps(again) == []
    assert "the target is reached: 80 of 80 records" in notes(again)
    assert steps(run_here(tmp_path, "pipeline.total_records_target=90", "pipeline.generation_cycles=1")) == [
        "Generation 3",
        "Training 3.1",
        "Training 3.2",
    ]


@pytest.mark.parametrize(
    ("place", "job", "name"), [("generate", "generate", "Generation 1"), ("Training 1.2", "train", "Training 1.2")]
)
def test_a_failing_step_is_reported_with_its_log_and_last_lines_and_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, job: str, name: str
) -> None:
    monkeypatch.setenv("STAND_IN", f"fail:{place}")
    with pytest.raises(FailureError) as failure:
        run_here(tmp_path)
    message = str(failure.value)
    assert message.startswith(f"{name} failed with exit status 1; its log: {tmp_path}/logs/{name.lower()[:5]}")
    assert "  error: no room for weights" in message
    assert message in "\n".join(
        line[20:] for line in next((tmp_path / "logs").glob("pipeline_*.log")).read_text().splitlines()
    )
    monkeypatch.setenv("STAND_IN", "")
    assert steps(run_here(tmp_path)) == FULL_ORDER[FULL_ORDER.index(name) :]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("name", "stand_in", "event"),
    [("Generation 2", "slow", "GenerationProgress"), ("Training 1.2", "hang:Training 1.2", "EpochReport")],
)
def test_a_signal_ends_the_step_cleanly_and_the_next_start_continues(
    tmp_path: Path, number: int, name: str, stand_in: str, event: str
) -> None:
    process = start(tmp_path, stand_in=stand_in)
    until_step(process, name, event)
    process.send_signal(number)
    events, _ = finish(process)
    assert process.returncode == 128 + number
    assert f"asked to stop: ending {name}" in notes(events)
    before, _ = pool_counts(tmp_path)
    wait_gone(commands(tmp_path)[-1][0])
    again = run_here(tmp_path)
    assert steps(again) == FULL_ORDER[FULL_ORDER.index(name) :]
    if name == "Generation 2":
        assert f"generation.record_limit={100 - before}" in commands(tmp_path)[4]
    else:
        assert "epoch 1" not in notes(again).partition("Training 1.2 ended")[0]
    assert summary(again).records == 100
    assert summary(again).games_by_cycle == [10, 10]


@pytest.mark.parametrize(
    ("name", "stand_in", "event"),
    [("Generation 2", "slow", "GenerationProgress"), ("Training 1.2", "hang:Training 1.2", "EpochReport")],
)
def test_kill_9_of_the_scheduler_ends_its_step_and_the_next_start_continues(
    tmp_path: Path, name: str, stand_in: str, event: str
) -> None:
    process = start(tmp_path, stand_in=stand_in)
    until_step(process, name, event)
    process.kill()
    process.communicate()
    again = run_here(tmp_path)
    pid = commands(tmp_path)[3 if name == "Generation 2" else 2][0]
    assert gone(pid), "the step ended after its parent had died, before the next start began one"
    assert steps(again) == FULL_ORDER[FULL_ORDER.index(name) :]
    assert summary(again).records == 100
    assert len(summary(again).loss_by_training) == 4


@pytest.mark.parametrize(
    ("name", "stand_in", "event"),
    [("Generation 1", "hang:generate", "GenerationProgress"), ("Training 1.1", "hang:Training 1.1", "EpochReport")],
)
def test_kill_9_of_a_step_is_a_failure_and_the_next_start_continues(
    tmp_path: Path, name: str, stand_in: str, event: str
) -> None:
    process = start(tmp_path, stand_in=stand_in)
    until_step(process, name, event)
    os.kill(commands(tmp_path)[-1][0], signal.SIGKILL)
    _, error = finish(process)
    assert process.returncode == 1
    assert f"error: {name} was killed by SIGKILL; its log:" in error
    again = run_here(tmp_path)
    assert steps(again) == FULL_ORDER[FULL_ORDER.index(name) :]
    assert summary(again).records == 100


def test_a_second_scheduler_is_refused_while_the_first_continues(tmp_path: Path) -> None:
    process = start(tmp_path, stand_in="hang:generate")
    until_step(process, "Generation 1", "GenerationProgress")
    with pytest.raises(RequestError, match=rf"another scheduler \(process {process.pid}\) is at work"):
        run_here(tmp_path)
    assert process.poll() is None
    process.terminate()
    finish(process)


def test_runs_that_start_in_the_same_second_with_one_log_folder_have_separate_files(tmp_path: Path) -> None:
    """The steps read the saved configuration: with that of another run they would use its database."""
    logs, other = tmp_path / "logs", tmp_path / "other"
    logs.mkdir()
    now = time.time()
    taken = [
        f"{start}_{time.strftime('%Y%m%d_%H%M%S', time.localtime(now + later))}.{ending}"
        for start, ending in (("pipeline", "json"), ("pipeline", "log"), ("generation_1", "log"))
        for later in range(10)
    ]
    for name in taken:
        (logs / name).write_text("of another run")
    run_here(other, f"pipeline.log_dir={logs}", "pipeline.generation_cycles=1")
    assert {(logs / name).read_text() for name in taken} == {"of another run"}
    config_files = {command[command.index("--config") + 1] for command in commands(other)}
    assert len(config_files) == 1
    saved = Path(config_files.pop())
    assert json.loads(saved.read_text())["pipeline"]["checkpoint_dir"] == str(other)
    assert "a new run" in saved.with_suffix(".log").read_text()
    assert "self-play done" in next(logs.glob("generation_1_*_2.log")).read_text()


def test_a_start_waits_for_a_step_left_by_a_killed_scheduler(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    inherited = os.dup(locks.steps)
    reported: list[str] = []
    assert locks.wait_for_steps(lambda: False, reported.append)
    locks.close()
    later = Locks(tmp_path)
    with pytest.raises(FailureError, match="still at work"):
        later.wait_for_steps(lambda: False, reported.append, wait_s=0.2)
    assert reported == ["waiting for a step of the earlier run to end"]
    assert not later.wait_for_steps(lambda: True, reported.append)
    os.close(inherited)
    assert later.wait_for_steps(lambda: False, reported.append)
    later.close()


def test_changed_settings_apply_from_the_next_start_and_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "fail:Training 1.2")
    with pytest.raises(FailureError):
        run_here(tmp_path)
    monkeypatch.setenv("STAND_IN", "")
    events = run_here(tmp_path, "training.num_epochs=9", "generation.record_limit=30", "pipeline.generation_cycles=3")
    assert "generation.record_limit: 50 -> 30; pipeline.generation_cycles: 2 -> 3; training.num_epochs: 50 -> 9" in (
        notes(events)
    )
    assert steps(events)[:2] == ["Training 1.2", "Generation 2"]
    assert (len(steps(events)), summary(events).records) == (7, 110)


def test_a_stop_before_the_start_begins_nothing(tmp_path: Path) -> None:
    events = run_here(tmp_path, stop=lambda: True)
    assert steps(events) == []
    assert not (tmp_path / "commands").exists()


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


def test_a_step_that_does_not_end_when_asked_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alphapente.pipeline.step import Step

    monkeypatch.setenv("STAND_IN", "deaf:generate")
    config_file = tmp_path / "config.json"
    config_file.write_text(settings(tmp_path).dump_json())
    own = ("--event-log", str(tmp_path), "--step", "run Generation 1", "--set", "generation.record_limit=5")
    command = [*STAND_IN, "generate", "--config", str(config_file), *own]
    locks = Locks(tmp_path)
    step = Step("Generation 1", command, LogFile(tmp_path / "step.log", print), locks.steps)
    while "warms up" not in (tmp_path / "step.log").read_text():
        assert not step.ended()
        time.sleep(0.02)
    waited: list[bool] = []
    step.stop(lambda: waited.append(True), limit_s=0.3)
    assert waited
    assert step.process.returncode == -signal.SIGKILL
    assert "did not end within" in (tmp_path / "step.log").read_text()
    step.close()
    locks.close()


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
