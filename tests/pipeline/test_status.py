"""The status in the event log: what other processes see of a run, how it ended, which process holds the folder."""

import itertools
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alphapente.errors import FailureError, RequestError
from alphapente.event_log import NAME, NOW_NAME, Entry, EventLog, Source, to_line
from alphapente.events import Event, Lost, RunProgress, RunStarted, StepStarted, TrainingSummary
from alphapente.pipeline.run_view import view_folder
from alphapente.pipeline.state import STATE_NAME, State, load_state, save_state, scheduler_at_work, stop_for_good
from alphapente.pipeline.status import MAX_STEPS, Status, StatusBuilder
from tests.pipeline.runs import FULL_ORDER, finish, run_here, start, steps, wait_gone


def status_of(folder: Path) -> Status:
    found = view_folder(folder).status
    assert found is not None
    return found


def until(folder: Path, wanted: Callable[[Status], bool]) -> Status:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = view_folder(folder).status
        if found is not None and wanted(found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"not reached; last status: {view_folder(folder).status}")


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


def test_a_step_whose_result_is_not_in_the_log_ends_the_run_and_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a full disk: without its result the training could not be tested, nor its network recorded."""
    monkeypatch.setenv("STAND_IN", "mute:Training 1.1")
    with pytest.raises(FailureError, match=rf"Training 1\.1 has ended, but its result is not in {tmp_path}/{NAME}"):
        run_here(tmp_path)
    assert status_of(tmp_path).outcome == "failed"
    monkeypatch.setenv("STAND_IN", "")
    assert steps(run_here(tmp_path)) == FULL_ORDER[1:]


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


def test_progress_that_cannot_be_written_is_reported_and_the_run_continues(tmp_path: Path) -> None:
    (tmp_path / NOW_NAME).mkdir(parents=True)
    events = run_here(tmp_path)
    assert steps(events) == FULL_ORDER
    assert events.count(Lost(f"the event log {tmp_path / NOW_NAME}", "Is a directory")) == 1
    assert status_of(tmp_path).outcome == "finished"


def test_a_log_that_cannot_be_written_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir(parents=True)
    with pytest.raises(FailureError, match=r"events\.jsonl is a folder"):
        run_here(tmp_path)
    assert not (tmp_path / "commands").exists()


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


def progress(second: float, records: int = 0) -> RunProgress:
    return RunProgress(second, records, records // 10, 1, 1, 1, 0)


def entries(*events: Event, step: str = "", process: str = "scheduler") -> list[Entry]:
    return [Entry(float(at), process, Source("run", "x", step), event) for at, event in enumerate(events)]


def built(*groups: list[Entry]) -> Status:
    builder = StatusBuilder()
    for group in groups:
        for entry in group:
            builder.add(entry)
    status = builder.status()
    assert status is not None
    return status


def test_samples_are_few_and_cover_the_whole_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphapente.pipeline.status.MAX_SAMPLES", 24)
    first = entries(RunStarted(1), *(progress(float(second), 7 * second) for second in range(500)))
    samples = built(first).samples
    assert 24 // 4 < len(samples) < 24
    gaps = [after[0] - before[0] for before, after in itertools.pairwise(samples)]
    assert samples[0][0] == 0
    assert samples[-1][0] > 500 - 2 * max(gaps)
    assert max(gaps) <= 2 * min(gaps)
    again = entries(RunStarted(2), progress(samples[-1][0] + 1), process="another")
    assert built(first, again).samples == samples, "as far apart as before"


def test_nan_is_shown_as_null_and_old_steps_are_dropped(tmp_path: Path) -> None:
    started = [StepStarted(f"Training {number}", "logs/a.log", 1, 1, 0, 0) for number in range(MAX_STEPS + 5)]
    nan, last = float("nan"), f"Training {MAX_STEPS + 4}"
    result = TrainingSummary("simple", "x.pt", 1, 1, 1, nan, nan, 1.0, 1.0)
    steps_left = built(entries(RunStarted(1), *started), entries(result, step=last, process="training")).steps
    assert (len(steps_left), steps_left[0].name, steps_left[0].log) == (MAX_STEPS, "Training 5", "a.log")
    assert steps_left[-1].progress is not None
    assert steps_left[-1].progress["policy_loss"] is None
    json.dumps(steps_left[-1].progress, allow_nan=False)


def test_other_runs_and_jobs_by_hand_change_nothing(tmp_path: Path) -> None:
    log = EventLog(tmp_path, Source("run", "x"), print)
    for event in (RunStarted(7), progress(3.0, 30)):
        log(event, keep=True)
    before = status_of(tmp_path)
    assert (before.run, before.pid, before.records) == ("x", 7, 30)
    EventLog(tmp_path, Source("run", "another"), print)(progress(9.0, 99), keep=True)
    EventLog(tmp_path, Source("run", "x"), print)(progress(9.0, 99), keep=True)  # a start that was killed
    EventLog(tmp_path, Source("training-simple"), print)(progress(9.0, 99), keep=True)
    assert status_of(tmp_path) == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"event": {"event": "RunStarted", "pid": 1}}', "\x00", "\xff{"])
def test_what_is_not_an_entry_gives_no_status(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text + "\n")
    assert view_folder(tmp_path).status is None


def test_an_entry_with_values_of_other_types_is_skipped(tmp_path: Path) -> None:
    log = EventLog(tmp_path, Source("run", "x"), print)
    for event in (RunStarted(7), progress(3.0, 30)):
        log(event, keep=True)
    before = status_of(tmp_path)
    whole = json.loads((tmp_path / NAME).read_text().splitlines()[-1])
    bad: dict[str, Any] = {"no": "such"}
    broken = [whole | {key: [bad]} for key in ("at", "event")]
    broken += [whole | {"event": whole["event"] | {key: [bad]}} for key in whole["event"]]
    with (tmp_path / NAME).open("a") as file:
        file.writelines(json.dumps(values) + "\n" for values in broken)
    assert status_of(tmp_path) == before
    with (tmp_path / NAME).open("ab") as file:
        file.write(to_line(Entry(9.0, before_process(tmp_path), Source("run", "x"), progress(9.0, 90))))
    assert status_of(tmp_path).records == 90


def before_process(folder: Path) -> str:
    """The process of the log's first entry."""
    return str(json.loads((folder / NAME).read_text().splitlines()[0])["process"])
