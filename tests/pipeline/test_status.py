"""The status file: what other processes see of a run, how it ended, and which process holds the folder."""

import itertools
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alphapente.errors import FailureError, RequestError
from alphapente.events import TrainingSummary
from alphapente.pipeline.state import STATE_NAME, State, load_state, save_state, scheduler_at_work, stop_for_good
from alphapente.pipeline.status import MAX_STEPS, STATUS_NAME, Status, StatusFile, read_status
from tests.pipeline.runs import FULL_ORDER, finish, run_here, start, steps, wait_gone


def status_of(folder: Path) -> Status:
    found = read_status(folder / STATUS_NAME)
    assert found is not None
    return found


def until(folder: Path, wanted: Callable[[Status], bool]) -> Status:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = read_status(folder / STATUS_NAME)
        if found is not None and wanted(found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"not reached; last status: {read_status(folder / STATUS_NAME)}")


def test_a_finished_run_leaves_its_steps_counts_and_message(tmp_path: Path) -> None:
    run_here(tmp_path)
    status = status_of(tmp_path)
    assert (status.outcome, status.records, status.games, status.last_cycle) == ("finished", 100, 20, 2)
    assert [(step.name, step.outcome) for step in status.steps] == [(name, "done") for name in FULL_ORDER]
    assert all(step.ended_at is not None and step.ended_at >= step.began_at for step in status.steps)
    summary = status.steps[0].progress
    assert summary is not None
    assert (summary["event"], summary["records"]) == ("GenerationSummary", 50)
    assert (tmp_path / "logs" / status.steps[0].log).is_file()
    assert status.message == "all cycles are done; run again for another run of the same length"
    assert [path.name for path in tmp_path.glob(".*.tmp")] == []


def test_the_status_shows_a_run_in_progress_and_its_end(tmp_path: Path) -> None:
    process = start(tmp_path, stand_in="hang:generate")
    status = until(tmp_path, lambda seen: bool(seen.steps and seen.steps[0].progress))
    assert (status.outcome, status.pid, scheduler_at_work(tmp_path)) == ("running", process.pid, process.pid)
    assert status.steps[0].outcome == "running"
    with pytest.raises(RequestError, match="another scheduler"):
        stop_for_good(tmp_path)
    process.terminate()
    finish(process)
    status = status_of(tmp_path)
    assert (status.outcome, status.ending, status.steps[0].outcome) == ("paused", False, "ended early")
    assert "running the same command again continues" in status.message
    assert scheduler_at_work(tmp_path) is None


def test_reading_the_status_takes_no_lock_from_a_start(tmp_path: Path) -> None:
    (tmp_path / "pipeline.lock").write_text(f"{os.getpid()}\n")  # of a live process that holds no lock
    assert scheduler_at_work(tmp_path) is None
    for text in ("", "nobody\n", "99999999999999999999\n"):
        (tmp_path / "pipeline.lock").write_text(text)
        assert scheduler_at_work(tmp_path) is None
    assert scheduler_at_work(tmp_path / "nowhere") is None
    assert steps(run_here(tmp_path)) == FULL_ORDER


def test_a_failed_step_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "fail:Training 1.2")
    with pytest.raises(FailureError):
        run_here(tmp_path)
    status = status_of(tmp_path)
    assert (status.outcome, status.steps[-1].outcome) == ("failed", "failed")
    assert "Training 1.2 failed with exit status 1" in status.message


def test_a_killed_scheduler_leaves_its_status_unchanged_and_the_next_start_keeps_the_samples(
    tmp_path: Path,
) -> None:
    process = start(tmp_path, stand_in="hang:generate")
    before = until(tmp_path, lambda seen: len(seen.samples) >= 2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_gone(process.pid)
    assert status_of(tmp_path).outcome == "running"
    assert scheduler_at_work(tmp_path) is None
    run_here(tmp_path)
    after = status_of(tmp_path)
    assert after.run == before.run
    assert after.samples[: len(before.samples)] == before.samples
    assert after.samples[-1][1] == 100


def test_a_status_that_cannot_be_written_is_ignored(tmp_path: Path) -> None:
    (tmp_path / STATUS_NAME).mkdir(parents=True)
    assert steps(run_here(tmp_path)) == FULL_ORDER
    assert read_status(tmp_path / STATUS_NAME) is None


def test_a_run_stopped_for_good_is_followed_by_a_new_one(tmp_path: Path) -> None:
    assert not stop_for_good(tmp_path)
    process = start(tmp_path, stand_in="hang:Training 1.1")
    until(tmp_path, lambda seen: any(step.name == "Training 1.1" and step.progress for step in seen.steps))
    process.terminate()
    finish(process)
    first = load_state(tmp_path / STATE_NAME)
    assert first is not None
    assert stop_for_good(tmp_path)
    assert not stop_for_good(tmp_path)
    kept = load_state(tmp_path / STATE_NAME)
    assert kept is not None
    assert (kept.finished, kept.stopped) == (True, True)
    events = run_here(tmp_path)
    assert steps(events)[0] == "Generation 1"
    last = load_state(tmp_path / STATE_NAME)
    assert last is not None
    assert (last.finished, last.stopped, last.run_records) == (True, False, 50)


def test_a_state_without_the_newer_keys_is_read(tmp_path: Path) -> None:
    save_state(State(run="x"), tmp_path / STATE_NAME)
    values = json.loads((tmp_path / STATE_NAME).read_text())
    del values["stopped"]
    (tmp_path / STATE_NAME).write_text(json.dumps(values))
    assert load_state(tmp_path / STATE_NAME) == State(run="x")


def test_samples_are_few_and_cover_the_whole_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphapente.pipeline.status.MAX_SAMPLES", 24)
    file = StatusFile(tmp_path / STATUS_NAME, Status("x", 1, 0.0))
    for second in range(500):
        file.status.elapsed_s, file.status.records = float(second), 7 * second
        file.write()
    samples = status_of(tmp_path).samples
    assert 24 // 4 < len(samples) < 24
    gaps = [after[0] - before[0] for before, after in itertools.pairwise(samples)]
    assert samples[0][0] == 0
    assert samples[-1][0] > 500 - 2 * max(gaps)
    assert max(gaps) <= 2 * min(gaps)
    again = StatusFile(tmp_path / STATUS_NAME, Status("x", 1, 0.0))
    again.status.elapsed_s = samples[-1][0] + 1
    again.write()
    assert status_of(tmp_path).samples == samples, "as far apart as before"


def test_nan_is_written_as_null_and_old_steps_are_dropped(tmp_path: Path) -> None:
    file = StatusFile(tmp_path / STATUS_NAME, Status("x", 1, 0.0))
    for number in range(MAX_STEPS + 5):
        file.step_started(f"Training {number}", Path("a.log"))
    nan = float("nan")
    file.step_event(f"Training {MAX_STEPS + 4}", TrainingSummary("simple", "x.pt", 1, 1, 1, nan, nan, 1.0, 1.0))
    file.write()
    text = (tmp_path / STATUS_NAME).read_text()
    assert "NaN" not in text
    steps_left = status_of(tmp_path).steps
    assert (len(steps_left), steps_left[0].name) == (MAX_STEPS, "Training 5")
    assert steps_left[-1].progress is not None
    assert steps_left[-1].progress["policy_loss"] is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "run": "x"}', "\x00"])
def test_a_file_that_is_not_a_status_gives_none(tmp_path: Path, text: str) -> None:
    (tmp_path / STATUS_NAME).write_text(text)
    assert read_status(tmp_path / STATUS_NAME) is None


def test_a_status_with_values_of_other_types_gives_none(tmp_path: Path) -> None:
    run_here(tmp_path, "pipeline.generation_cycles=1", "pipeline.training_cycles_per_generation=0")
    path = tmp_path / STATUS_NAME
    whole = json.loads(path.read_text())
    for key in whole:
        path.write_text(json.dumps(whole | {key: [{"no": "such"}]}))
        assert read_status(path) is None, key
    path.write_text(path.read_text()[:100])
    assert read_status(path) is None
    path.write_text(json.dumps(whole))
    assert read_status(path) is not None
