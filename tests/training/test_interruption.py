"""Trainings that are stopped, killed or done already: each is resumed as if it had not been interrupted."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from alphapente.config import Config
from alphapente.errors import FailureError
from alphapente.events import EpochReport, Event
from alphapente.network.checkpoint import read
from alphapente.network.paths import checkpoint_path, history_folder, history_path
from alphapente.training import train
from tests.training.sessions import StopAfter, config_of, notes


def same_weights(first: Path, second: Path) -> bool:
    ours, theirs = read(first), read(second)
    pairs = ((ours.weights, theirs.weights), (ours.averaged_weights, theirs.averaged_weights))
    return all(torch.equal(tensor, other[name]) for found, other in pairs for name, tensor in found.items())


@pytest.mark.parametrize("seed", [5, None])
def test_interrupted_between_epochs_it_ends_as_if_it_had_not_been(
    database: Path, tmp_path: Path, seed: int | None
) -> None:
    config = config_of(database, tmp_path / "interrupted", seed=seed)

    def die_after_two(event: Event) -> None:
        if isinstance(event, EpochReport) and event.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, die_after_two, resume_key="run 1 training 1.1")
    path = tmp_path / "interrupted" / "simple_model.pt"
    kept = read(path)
    assert kept.training["epoch"] == 2
    events: list[Event] = []
    summary = train(config, events.append, resume_key="run 1 training 1.1")
    assert [event.epoch for event in events if isinstance(event, EpochReport)] == [3, 4]
    assert summary.step == 16
    assert "resuming after epoch 2 of 4" in notes(events)
    train(config_of(database, tmp_path / "straight", seed=kept.seed), lambda _event: None)
    assert same_weights(path, tmp_path / "straight" / "simple_model.pt")


def test_another_key_or_none_starts_a_training_of_its_own(database: Path, tmp_path: Path) -> None:
    config = config_of(database, tmp_path)
    train(config, lambda _event: None, StopAfter(6), resume_key="a")
    step = read(tmp_path / "simple_model.pt").step
    assert 0 < step < 16
    assert train(config, lambda _event: None, resume_key="b").step == step + 16
    assert train(config, lambda _event: None).step == step + 32


def test_a_training_that_was_done_is_not_done_again(database: Path, tmp_path: Path) -> None:
    config = config_of(database, tmp_path)
    first = train(config, lambda _event: None, resume_key="a")
    events: list[Event] = []
    again = train(config, events.append, resume_key="a")
    assert "done already" in notes(events)
    assert (again.step, again.epochs, again.policy_loss) == (first.step, 4, first.policy_loss)


def test_stopped_within_an_epoch_it_saves_and_resumes_later(database: Path, tmp_path: Path) -> None:
    config = config_of(database, tmp_path)
    stopped = train(config, lambda _event: None, StopAfter(5), resume_key="a")
    found = read(Path(stopped.checkpoint))
    assert found.step == stopped.step
    assert found.training["epoch"] == stopped.epochs == 1
    assert train(config, lambda _event: None, resume_key="a").epochs == 4


@pytest.mark.parametrize("steps", [1000, 5])
def test_the_network_is_kept_where_a_training_ends_and_where_it_is_stopped(
    database: Path, tmp_path: Path, steps: int
) -> None:
    """The second is a run's last training after the run's time is over."""
    config = config_of(database, tmp_path)
    config = config.model_copy(update={"pipeline": config.pipeline.model_copy(update={"keep_checkpoints": True})})
    trained = train(config, lambda _event: None, StopAfter(steps))
    kept = read(history_path(config, trained.model_type, trained.step))
    assert (kept.step, len(list(history_folder(config).iterdir()))) == (trained.step, 1)


def start(config: Config, folder: Path) -> "subprocess.Popen[str]":
    """A training in another process, which prints the number of each epoch and stops on SIGTERM."""
    file = folder / "resolved.json"
    file.write_text(config.dump_json())
    code = (
        "import signal, sys\n"
        "from alphapente.config import load_config\n"
        "from alphapente.events import EpochReport\n"
        "from alphapente.training import train\n"
        "asked = []\n"
        "signal.signal(signal.SIGTERM, lambda *_: asked.append(1))\n"
        "def show(event):\n"
        "    if isinstance(event, EpochReport):\n"
        "        print(event.epoch, flush=True)\n"
        f"import pathlib\n"
        f"summary = train(load_config(pathlib.Path({str(file)!r}), ()), show, lambda: bool(asked), 'key')\n"
        "print('done', summary.epochs, flush=True)\n"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def wait_for(process: "subprocess.Popen[str]", condition: Callable[[str], bool]) -> list[str]:
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line.strip())
        if condition(seen[-1]):
            break
    return seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_real_process_ended_by_a_signal_is_gone_on_with(
    database: Path, tmp_path: Path, number: signal.Signals
) -> None:
    config = config_of(database, tmp_path, num_epochs=1000, save_interval=3)
    process = start(config, tmp_path)
    wait_for(process, lambda line: line == "10")
    process.send_signal(number)
    rest = wait_for(process, lambda _line: False)
    status = process.wait(timeout=60)
    path = tmp_path / "simple_model.pt"
    kept = read(path).training["epoch"]
    if number == signal.SIGTERM:
        assert status == 0
        assert rest[-1] == f"done {kept}"
        assert kept >= 10
    else:
        assert status == -signal.SIGKILL
        assert kept >= 9
        assert kept % 3 == 0
    events: list[Event] = []
    short = config.model_copy(update={"training": config.training.model_copy(update={"num_epochs": kept + 2})})
    summary = train(short, events.append, resume_key="key")
    assert [event.epoch for event in events if isinstance(event, EpochReport)] == [kept + 1, kept + 2]
    assert summary.epochs == kept + 2
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_training_killed_while_saving_leaves_the_old_checkpoint_and_no_litter(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(database, tmp_path, num_epochs=1)
    path = checkpoint_path(config, "simple")
    train(config, lambda _event: None)
    (tmp_path / f".{path.name}.4711.tmp").write_bytes(b"half a checkpoint")
    assert train(config, lambda _event: None).step == 8
    assert sorted(file.name for file in tmp_path.iterdir()) == [f".{path.name}.lock", path.name]


def test_one_training_at_a_time_for_a_checkpoint(database: Path, tmp_path: Path) -> None:
    config = config_of(database, tmp_path, num_epochs=1)
    other = config_of(database, tmp_path, num_epochs=1, model_type="resnet")

    def begin_others(event: Event) -> None:
        if isinstance(event, EpochReport):
            with pytest.raises(FailureError, match=f"process {os.getpid()}"):
                train(config, lambda _event: None)
            train(other, lambda _event: None)  # another checkpoint is not locked

    train(config, begin_others)
    assert (tmp_path / "resnet_model.pt").exists()
