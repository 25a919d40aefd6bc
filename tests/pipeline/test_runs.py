"""Whole runs over real processes: order of steps, state, failure, signals and kill -9 in every phase."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from alphapente.errors import FailureError, RequestError
from alphapente.pipeline.lines import LogFile
from alphapente.pipeline.state import Locks, load_state
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
from tests.pipeline.scheduler import STAND_IN, pool_counts, settings


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
