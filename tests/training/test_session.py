"""Whole trainings with a real database: strategies, checkpoints, interruption, errors."""

import dataclasses
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
import torch

from alphapente.config import Config
from alphapente.errors import FailureError, RequestError
from alphapente.events import EpochProgress, EpochReport, Event, Note
from alphapente.network.checkpoint import CheckpointError, read
from alphapente.network.load import load_network_of_type
from alphapente.network.paths import checkpoint_path, history_folder, history_path
from alphapente.pipeline.lines import describe
from alphapente.records.store import Store
from alphapente.training import batches, train, validation
from tests.records.samples import random_game


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("records") / "records.db"
    with Store(path) as store:
        for seed in range(6):
            store.add_game(random_game(seed, size=7, max_records=20))
    return path


def config_of(database: Path, folder: Path, **training: Any) -> Config:
    small = {"channels": 8}
    return Config.model_validate(
        {
            "game": {"board_size": 7},
            "training": {
                "batch_size": 16,
                "num_epochs": 4,
                "save_interval": 2,
                "data_sample_size": 64,
                "warmup_steps": 0,
                "seed": 5,
                "threads": 1,
                "validation_share": 0.0,
                **training,
            },
            "pipeline": {"checkpoint_dir": str(folder)},
            "records": {"database": str(database)},
            "models": {"simple": {**small, "layers": 2}, "resnet": {**small, "blocks": 1}},
            "network": {"precision": "fp32"},
        }
    )


def notes(events: list[Event]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Note))


def test_a_training_reports_its_epochs_and_leaves_a_checkpoint_that_plays(database: Path, tmp_path: Path) -> None:
    config = config_of(database, tmp_path, num_epochs=12, learning_rate=0.01)
    events: list[Event] = []
    summary = train(config, events.append)
    epochs = [event for event in events if isinstance(event, EpochReport)]
    assert [event.epoch for event in epochs] == list(range(1, 13))
    assert epochs[-1].total_loss < epochs[0].total_loss
    assert epochs[-1].step == summary.step == 12 * 4
    assert epochs[-1].total_loss == pytest.approx(epochs[-1].policy_loss + epochs[-1].value_loss)
    assert [event.learning_rate for event in epochs] == pytest.approx([0.01] * 8 + [0.0025] * 4)
    assert (summary.records, summary.epochs, summary.model_type) == (64, 12, "simple")
    found = read(Path(summary.checkpoint))
    assert (found.step, found.training["epoch"], found.seed) == (48, 12, 5)
    assert json.loads(found.config) == config.to_dict()
    assert load_network_of_type(config, "simple", "cpu").step == 48
    assert "a fresh simple" in notes(events)
    assert "64 of 120 records of pente 7x7 by top_random; seed 5" in notes(events)


def test_a_second_training_continues_with_weights_optimizer_and_steps(database: Path, tmp_path: Path) -> None:
    config = config_of(database, tmp_path)
    first = train(config, lambda _event: None)
    events: list[Event] = []
    second = train(config, events.append)
    assert (first.step, second.step) == (16, 32)
    assert f"resuming {second.checkpoint} at step 16" in notes(events)
    state = read(Path(second.checkpoint)).optimizer
    assert {float(numbers["step"]) for numbers in state.values()} == {32}


@pytest.mark.parametrize("strategy", ["recent", "random", "top_random", "window"])
def test_every_strategy_and_both_models_train(database: Path, tmp_path: Path, strategy: str) -> None:
    model = "resnet" if strategy == "random" else "simple"
    config = config_of(database, tmp_path, sample_strategy=strategy, num_epochs=1, model_type=model)
    events: list[Event] = []
    train(config, events.append)
    assert f"by {strategy}" in notes(events)
    assert (tmp_path / f"{model}_model.pt").exists()


def test_fewer_records_than_requested_are_all_used_and_reported(database: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    summary = train(config_of(database, tmp_path, data_sample_size=5000, num_epochs=1), events.append)
    assert summary.records == 120
    assert "5,000 records of pente 7x7 were requested and there are 120: all" in notes(events)


def test_without_records_it_names_the_command_to_run_first(database: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"python generate_v2\.py"):
        train(config_of(tmp_path / "none.db", tmp_path), lambda _event: None)
    other = config_of(database, tmp_path).model_copy(update={"game": Config().game})
    with pytest.raises(RequestError, match=r"python generate_v2\.py"):
        train(other, lambda _event: None)
    assert not list(tmp_path.glob("*_model.pt"))


class StopAfter:
    """Requests a stop at the n-th step."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


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


def test_a_loss_that_is_no_number_keeps_the_last_good_checkpoint(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(database, tmp_path)
    train(config, lambda _event: None)
    before = (tmp_path / "simple_model.pt").read_bytes()
    real = batches.samples_of

    def poisoned(*args: Any) -> Any:
        samples = real(*args)
        samples.label[3] = float("nan")
        return samples

    monkeypatch.setattr("alphapente.training.session.samples_of", poisoned)
    with pytest.raises(FailureError, match="is not finite"):
        train(config, lambda _event: None)
    assert (tmp_path / "simple_model.pt").read_bytes() == before


def test_a_checkpoint_that_does_not_fit_is_refused_before_anything_is_trained(database: Path, tmp_path: Path) -> None:
    config = config_of(database, tmp_path, num_epochs=1)
    train(config, lambda _event: None)
    wider = config.model_copy(update={"models": Config().models})
    with pytest.raises(CheckpointError, match="channels is 8 in it and 64"):
        train(wider, lambda _event: None)
    path = tmp_path / "simple_model.pt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="truncated"):
        train(config, lambda _event: None)


def test_a_folder_that_cannot_be_written_is_reported(database: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FailureError, match="checkpoint_dir"):
        train(config_of(database, tmp_path / "file"), lambda _event: None)


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


def test_progress_comes_about_five_times_a_second(database: Path, tmp_path: Path) -> None:
    events: list[tuple[float, Event]] = []
    config = config_of(database, tmp_path, num_epochs=1, batch_size=1, data_sample_size=120)
    train(config, lambda event: events.append((time.monotonic(), event)))
    times = [moment for moment, event in events if isinstance(event, EpochProgress)]
    assert all(later - earlier > 0.19 for earlier, later in itertools.pairwise(times))


def grown(database: Path, folder: Path, games: int, first_seed: int = 100) -> Path:
    """A copy of the database with more games."""
    copy = folder / "records.db"
    if not copy.exists():
        with Store(database) as source, Store(copy) as store:
            assert source.num_records("pente", 7) == 120
            for seed in range(6):
                store.add_game(random_game(seed, size=7, max_records=20))
    with Store(copy) as store:
        for seed in range(first_seed, first_seed + games):
            store.add_game(random_game(seed, size=7, max_records=20))
    return copy


def test_by_reuse_a_training_takes_what_new_records_make_due(database: Path, tmp_path: Path) -> None:
    copy = grown(database, tmp_path, 0)
    config = config_of(copy, tmp_path, reuse=3.5, num_epochs=3, data_sample_size=5000)
    events: list[Event] = []
    first = train(config, events.append)
    assert "120 records are new to this network, each due 3.5 times: 416 samples in 26 steps" in notes(events)
    assert "trained on 416 samples, 3.5 for each of 120 new records" in notes(events)
    assert (first.step, first.samples, first.new_records, first.epochs) == (26, 416, 120, 3)
    assert [event.step for event in events if isinstance(event, EpochReport)] == [8, 17, 26]
    events = []
    again = train(config, events.append)
    assert "nothing to do until there are more" in notes(events)
    assert (again.step, again.samples, again.total_loss) == (26, 0, None)
    grown(database, tmp_path, 2)
    events = []
    third = train(config, events.append)
    account = read(tmp_path / "simple_model.pt").training["accounts"]["pente 7x7"]
    assert third.new_records == 40
    assert account["records"] == 160
    assert account["samples"] == 416 + third.samples
    assert abs(account["samples"] - 3.5 * 160) <= 8
    assert "3.5 for each record of pente 7x7" in notes(events)


def test_fewer_steps_than_epochs_make_fewer_epochs(database: Path, tmp_path: Path) -> None:
    summary = train(config_of(database, tmp_path, reuse=0.5, num_epochs=50, data_sample_size=500), lambda _event: None)
    assert (summary.epochs, summary.step) == (4, 4)  # 60 samples due, batches of 16


def test_a_training_by_reuse_that_was_interrupted_ends_as_planned(database: Path, tmp_path: Path) -> None:
    copy = grown(database, tmp_path, 0)
    config = config_of(copy, tmp_path / "a", reuse=4.0, num_epochs=6, save_interval=1)
    events: list[Event] = []
    stopped = train(config, events.append, StopAfter(10), resume_key="a")
    assert "64 records are new to this network (of 120: no more than are drawn count)" in notes(events)
    assert 0 < stopped.epochs < 6
    grown(database, tmp_path, 1)
    summary = train(config, lambda _event: None, resume_key="a")
    assert summary.epochs == 6
    kept = read(tmp_path / "a" / "simple_model.pt").training
    assert kept["new_records"] == 64  # no more than are drawn
    assert kept["num_samples"] == 256
    account = kept["accounts"]["pente 7x7"]
    assert account["records"] == 120
    assert account["samples"] == summary.step * 16
    assert account["ahead"] == summary.step * 16 - 256  # the part of an epoch that was trained twice


@pytest.mark.parametrize("before", [{"reuse": None}, {"reuse": 4.0}])
@pytest.mark.parametrize("batch_size", [100, 1000])
def test_settings_changed_within_a_training_may_leave_fewer_batches_than_epochs(
    database: Path, tmp_path: Path, before: dict[str, Any], batch_size: int
) -> None:
    """256 samples in 6 epochs, then resumed with batches of 100 or 1000: each epoch that has a batch is trained."""
    first = config_of(database, tmp_path, num_epochs=6 if before["reuse"] else 4, save_interval=1, **before)
    stopped = train(first, lambda _event: None, StopAfter(6), resume_key="a")
    assert 0 < stopped.epochs < 3
    events: list[Event] = []
    changed = config_of(database, tmp_path, num_epochs=6, reuse=4.0, batch_size=batch_size)
    summary = train(changed, events.append, resume_key="a")
    reported = [event.epoch for event in events if isinstance(event, EpochReport)]
    assert reported[-1] == summary.epochs == (6 if before["reuse"] else 4)
    assert summary.step == stopped.step + len(reported)
    assert read(Path(summary.checkpoint)).training["epoch"] == summary.epochs
    again = train(changed, events.append, resume_key="a")
    assert again.step == summary.step


def test_each_pool_has_an_account_of_its_own(database: Path, tmp_path: Path) -> None:
    copy = grown(database, tmp_path, 0)
    with Store(copy) as store:
        store.add_game(random_game(7, size=9, max_records=20))
    config = config_of(copy, tmp_path, reuse=1.0, data_sample_size=500)
    train(config, lambda _event: None)
    other = config.model_copy(update={"game": config.game.model_copy(update={"board_size": 9})})
    assert train(other, lambda _event: None).new_records == 20
    accounts = read(tmp_path / "simple_model.pt").training["accounts"]
    assert {pool: account["records"] for pool, account in accounts.items()} == {"pente 7x7": 120, "pente 9x9": 20}


def test_held_out_games_are_evaluated_and_never_trained_on(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(database, tmp_path, validation_share=0.5, data_sample_size=500)
    taught: set[int] = set()
    asked: list[int] = []
    real, real_ask = batches.make_batch, validation.HeldOut.ask

    def watch(samples: Any, chosen: Any, *rest: Any) -> Any:
        taught.update(chosen.tolist())
        return real(samples, chosen, *rest)

    def watch_ask(self: validation.HeldOut, *arguments: Any) -> Any:
        asked.extend(self._indices.tolist())
        return real_ask(self, *arguments)

    monkeypatch.setattr(batches, "make_batch", watch)
    monkeypatch.setattr(validation.HeldOut, "ask", watch_ask)
    events: list[Event] = []
    summary = train(config, events.append)
    assert asked
    assert taught
    assert not taught & set(asked)
    assert taught | set(asked) == set(range(120))
    assert len(set(asked)) % 20 == 0  # whole games of 20 records
    last = [event for event in events if isinstance(event, EpochReport)][-1]
    assert last.validation_policy_loss is not None
    assert 0 < last.validation_policy_loss < 10
    assert last.validation_value_loss is not None
    assert last.calibration_error is not None
    assert 0 <= last.calibration_error <= 2
    assert sum(count for *_, count in last.calibration) == len(set(asked))
    assert summary.validation_policy_loss == last.validation_policy_loss
    assert summary.calibration_error == last.calibration_error
    assert f"held out: {len(set(asked))} records" in notes(events)
    assert "held out: policy loss" in describe(last)
    assert "calibration error" in describe(last)


def test_without_held_out_games_none_are_reported(database: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    train(config_of(database, tmp_path, num_epochs=1), events.append)
    (report,) = (event for event in events if isinstance(event, EpochReport))
    assert report.validation_policy_loss is report.calibration_error is None
    assert "held out" not in notes(events) + describe(report)


def test_auxiliary_heads_come_and_go_between_trainings(database: Path, tmp_path: Path) -> None:
    summaries: list[str] = []
    for weights in ({"reply": 0.15, "captured": 0.5}, {"reply": 0.15, "plies_left": 0.5}, {}):
        events: list[Event] = []
        summary = train(config_of(database, tmp_path, num_epochs=1, auxiliary=weights), events.append)
        summaries.append(notes(events))
        (report,) = (event for event in events if isinstance(event, EpochReport))
        assert set(report.auxiliary) == set(weights)
        kept = read(Path(summary.checkpoint))
        assert {name.partition(".")[0] for name in kept.auxiliary} == set(weights)
        assert all(float(state["step"]) <= kept.step for state in kept.optimizer.values())
        assert load_network_of_type(config_of(database, tmp_path), "simple", "cpu").step == summary.step
    assert "auxiliary reply 0.15, captured 0.5" in summaries[0]
    assert "start with fresh weights: plies_left" in summaries[1]
    assert "that are off now are dropped: captured" in summaries[1]
    assert "dropped: plies_left, reply" in summaries[2]


def test_records_that_surprised_are_seen_more_often(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "records.db"
    game = random_game(1, size=7, max_records=20)
    surprising = [dataclasses.replace(record, surprise=float(record.ply == 3)) for record in game.records]
    with Store(copy) as store:
        store.add_game(dataclasses.replace(game, records=surprising))
    seen: list[Any] = []
    real = batches.make_batch

    def watch(samples: Any, chosen: Any, *rest: Any) -> Any:
        seen.extend(samples.ply[chosen].tolist())
        return real(samples, chosen, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "make_batch", watch)
        train(config_of(copy, tmp_path, surprise_weight=0.5, num_epochs=10), lambda _event: None)
    assert len(seen) == 200
    assert 100 <= seen.count(3) <= 110  # half of the weight, and an equal share of the other half
