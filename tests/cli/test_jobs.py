"""Where a job reports: to the event log of its folder, or, as a step of a run, to that of the run."""

import os
import sys
from pathlib import Path

import pytest
import typer

from alphapente.cli.flags import FlagCommand, StepOfRun
from alphapente.cli.jobs import promote, run_job, train
from alphapente.cli.stopping import StopFlag
from alphapente.config import Config, load_config
from alphapente.errors import FailureError
from alphapente.event_log import NAME, EventReader, Source
from alphapente.events import EpochReport, Event, Note, ReportFn, TrainingSummary

EPOCH = EpochReport(1, 1, 10, 5.0, 0.6, 5.6, 4.0, 0.5, 0.001, 100.0)
SUMMARY = TrainingSummary("simple", "x.pt", 10, 1, 10, 5.0, 0.6, 1.0, 100.0)


def config_in(folder: Path) -> Config:
    return load_config(None, [f"pipeline.checkpoint_dir={folder}/nets", f"pipeline.log_dir={folder}/logs"])


def job(config: Config, report: ReportFn, stop: StopFlag) -> Event:
    report(Note("a note"))
    report(EPOCH)
    return SUMMARY


def written(folder: Path) -> list[tuple[Source, Event]]:
    return [(entry.source, entry.event) for entry in EventReader(folder).new()]


def test_a_job_by_hand_reports_to_the_log_of_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_job(job, config_in(tmp_path), events=False, kind="training-simple")
    source = Source("training-simple")
    assert written(tmp_path / "nets") == [(source, Note("a note")), (source, EPOCH), (source, SUMMARY)]
    assert list((tmp_path / "logs" / "tensorboard" / "training-simple").iterdir())
    assert capsys.readouterr().out.splitlines()[0][20:] == "a note", "with the time before it"


def test_a_step_reports_to_the_log_of_its_run_and_prints_lines_for_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, parent = os.pipe()  # the run, which is alive
    monkeypatch.setattr(sys, "stdin", os.fdopen(reader))
    step = StepOfRun(tmp_path / "run", "a run", "Training 1.1")
    run_job(job, config_in(tmp_path), events=False, kind="training-simple", step=step)
    os.close(parent)
    source = Source("training-simple", "a run", "Training 1.1")
    assert written(tmp_path / "run") == [(source, Note("a note")), (source, EPOCH), (source, SUMMARY)]
    assert not (tmp_path / "nets").exists()
    assert capsys.readouterr().out.splitlines()[0] == "a note"


def test_a_log_that_cannot_be_written_is_named_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "nets").write_text("")
    with pytest.raises(FailureError, match=rf"saved, but this could not be written: the event log .*{NAME}"):
        run_job(job, config_in(tmp_path), events=False, kind="training-simple")


def test_the_hidden_flags_of_a_step(tmp_path: Path) -> None:
    found: list[StepOfRun | None] = []
    for command in (train, promote):
        for words in ([], ["--event-log", str(tmp_path), "--step", "20260101_000000 Training 1.1"]):
            app = typer.Typer()
            noted = FlagCommand("", command.flags, lambda _config, _events, step: found.append(step), a_step=True)
            app.command()(noted.function(words))
            with pytest.raises(SystemExit):
                app(words)
    assert command.a_step
    assert found == [None, StepOfRun(tmp_path, "20260101_000000", "Training 1.1")] * 2
