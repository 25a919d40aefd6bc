"""Whole trainings with a real database: strategies, checkpoints, held-out games, auxiliary targets, errors."""

import dataclasses
import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest

from alphapente.config import Config
from alphapente.errors import FailureError, RequestError
from alphapente.events import EpochProgress, EpochReport, Event
from alphapente.network.checkpoint import CheckpointError, read
from alphapente.network.load import load_network_of_type
from alphapente.pipeline.lines import describe
from alphapente.records.store import Store
from alphapente.training import batches, train, validation
from tests.records.samples import random_game
from tests.training.sessions import config_of, notes


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

    monkeypatch.setattr("alphapente.training.sample.samples_of", poisoned)
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


def test_progress_comes_about_five_times_a_second(database: Path, tmp_path: Path) -> None:
    events: list[tuple[float, Event]] = []
    config = config_of(database, tmp_path, num_epochs=1, batch_size=1, data_sample_size=120)
    train(config, lambda event: events.append((time.monotonic(), event)))
    times = [moment for moment, event in events if isinstance(event, EpochProgress)]
    assert all(later - earlier > 0.19 for earlier, later in itertools.pairwise(times))


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
