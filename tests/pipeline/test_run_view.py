"""What a log shows: curves of all jobs, kept networks, games in play; and the runs of versions without a log."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from alphapente.config import Config, load_config
from alphapente.event_log import NAME, NOW_NAME, EventLog, EventReader, Source
from alphapente.events import (
    EpochReport,
    GamesInPlay,
    GenerationProgress,
    GenerationSummary,
    KeptNetwork,
    RunStarted,
    StepStarted,
)
from alphapente.pipeline.history import read_history
from alphapente.pipeline.old_runs import begin_log, old_entries
from alphapente.pipeline.run_view import view_folder, view_run

OLD = Path(__file__).with_name("data") / "old_run"
GAMES = GamesInPlay("pente", 7, "simple", 3, [(1, [24, 25])])


def generation(evaluations: int) -> GenerationSummary:
    return GenerationSummary(1, 20, 20, {"1": 1}, {"five": 1}, 10.0, 50, evaluations)


def log(folder: Path, kind: str) -> EventLog:
    return EventLog(folder, Source(kind), print)


def kept(step: int) -> KeptNetwork:
    return KeptNetwork(f"simple_{step:08d}.pt", "simple", step, 1, 10, 2.0, 7, 3.0, 0.5)


def test_jobs_are_told_apart_by_kind_and_process(tmp_path: Path) -> None:
    one, other, more = (log(tmp_path, "generation") for _ in range(3))
    training = log(tmp_path, "training-simple")
    one(GenerationProgress(1, 2, 3, 4.0, 5.0, 6.0, 7.0, 8.0), keep=True)
    one(GenerationProgress(1, 2, 3, 4.0, 0.0, 0.0, 0.0, 8.0))
    other(generation(100))
    one(generation(200))
    for step in (10, 20):
        training(EpochReport(1, 2, step, 3.0, 0.5, 3.5, 2.0, 0.4, 0.01, 99.0))
    more(generation(300))
    jobs = view_folder(tmp_path).jobs
    rates = [
        [(one.records_per_s, one.simulations_per_s, one.evaluations_per_s) for _, one in job.rates]
        for job in jobs["generation"]
    ]
    assert rates == [[(5, 6, 7), (2, 5, 20)], [(2, 5, 10)], [(2, 5, 30)]]
    assert [[report.step for _, report in job.epochs] for job in jobs["training-simple"]] == [[10, 20]]


def test_a_view_does_not_change_later(tmp_path: Path) -> None:
    one = log(tmp_path, "generation")
    one(generation(100))
    before = view_folder(tmp_path)
    one(generation(200))
    assert len(before.jobs["generation"][0].rates) == 1
    assert len(view_folder(tmp_path).jobs["generation"][0].rates) == 2


def test_games_in_play_end_with_their_generation_and_with_its_death(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = log(tmp_path, "generation")
    one(GAMES)
    assert view_folder(tmp_path).games_in_play() == GAMES
    with monkeypatch.context() as patched:
        later = time.time() + 60
        patched.setattr("alphapente.pipeline.run_view.time.time", lambda: later)
        assert view_folder(tmp_path).games_in_play() is None
    one(generation(100))
    assert view_folder(tmp_path).games_in_play() is None


def test_kept_networks_are_those_whose_files_exist_each_once(tmp_path: Path) -> None:
    scheduler = log(tmp_path, "run")
    for step in (10, 20, 10, 30):
        scheduler(kept(step))
    (tmp_path / "history").mkdir()
    for step in (10, 30):
        (tmp_path / "history" / kept(step).checkpoint).touch()
    assert read_history(tmp_path) == [kept(10), kept(30)]


@pytest.fixture
def old(tmp_path: Path) -> Config:
    """The configuration of a copy of a run that an older version made."""
    shutil.copytree(OLD, tmp_path, dirs_exist_ok=True)
    folders = [f"pipeline.checkpoint_dir={tmp_path}/checkpoints", f"pipeline.log_dir={tmp_path}/logs"]
    return load_config(tmp_path / "run.json", folders)


def test_the_log_of_an_old_run_shows_what_its_files_showed(old: Config, tmp_path: Path) -> None:
    before = view_run(old)
    assert before.status is not None
    assert not (tmp_path / "checkpoints" / NAME).exists(), "reading changes nothing"
    status = json.loads((tmp_path / "checkpoints" / "pipeline_status.json").read_text())
    assert [step.name for step in before.status.steps] == [step["name"] for step in status["steps"]]
    assert [list(note) for note in before.status.notes] == status["notes"]
    assert [list(sample) for sample in before.status.samples] == status["samples"]
    same = ("run", "pid", "outcome", "elapsed_s", "cycle", "first_cycle", "last_cycle", "stage", "records", "games")
    assert {name: getattr(before.status, name) for name in same} == {name: status[name] for name in same}
    assert [one.step for one in before.kept] == [16]
    assert before.games_in_play() is None

    begin_log(tmp_path / "checkpoints", tmp_path / "logs")
    assert view_run(old) == before, "the log that it begins shows the same"
    written = (tmp_path / "checkpoints" / NAME).read_bytes()
    begin_log(tmp_path / "checkpoints", tmp_path / "logs")
    assert (tmp_path / "checkpoints" / NAME).read_bytes() == written, "once"
    assert list((tmp_path / "checkpoints").glob("*.tmp")) == []


def test_the_log_of_an_old_run_goes_on_with_a_new_start(old: Config, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    before = view_run(old).status
    assert before is not None
    begin_log(folder, tmp_path / "logs")
    scheduler = EventLog(folder, Source("run", before.run), print)
    for event in (RunStarted(os.getpid()), StepStarted("Generation 2", "logs/g.log", 2, 2, 135, 1000)):
        scheduler(event)
    after = view_run(old).status
    assert after is not None
    assert (after.run, after.pid, after.samples, after.notes) == (
        before.run,
        os.getpid(),
        before.samples,
        before.notes,
    )
    assert [(step.name, step.log) for step in after.steps] == [("Generation 2", "g.log")]


def test_damaged_old_files_give_what_can_be_read(old: Config, tmp_path: Path) -> None:
    whole = len(old_entries(tmp_path / "checkpoints", tmp_path / "logs"))
    status, history = tmp_path / "checkpoints/pipeline_status.json", tmp_path / "checkpoints/history/history.jsonl"
    status.write_text(status.read_text()[:100])
    history.write_text("{\n" + history.read_text())
    for file in (tmp_path / "logs" / "tensorboard").glob("training-*/*"):
        file.write_bytes(file.read_bytes()[:-300])
    found = view_run(old)
    assert (found.status, [one.step for one in found.kept]) == (None, [16])
    assert [report.step for job in found.jobs["training-simple"] for _, report in job.epochs] == [8]
    assert 0 < len(old_entries(tmp_path / "checkpoints", tmp_path / "logs")) < whole


def test_a_folder_without_a_run_gets_no_log(tmp_path: Path) -> None:
    begin_log(tmp_path, OLD / "logs")
    assert list(tmp_path.iterdir()) == [], "these curves are those of another run"
    assert view_folder(tmp_path, tmp_path / "logs").status is None
    assert EventReader(tmp_path).new() == []
    assert not (tmp_path / NOW_NAME).exists()
