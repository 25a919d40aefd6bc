"""The sample of a training on several board sizes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from alphapente.errors import RequestError
from alphapente.events import Event
from alphapente.network.checkpoint import read
from alphapente.records.store import Store
from alphapente.training import train
from alphapente.training.batches import BatchPlan, EpochBatches
from alphapente.training.sample import Sample, pool_name
from tests.records.samples import random_game
from tests.training.sessions import config_of, grown, notes


@pytest.fixture(scope="module")
def mixed(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 records of 7x7 and 360 of 9x9; the surprise of the latter is 0 and 2 in turn, of the former unknown."""
    path = grown(database, tmp_path_factory.mktemp("mixed"), games=0)
    with Store(path) as store:
        seed = 0
        while store.num_records("pente", 9) < 360:
            seed += 1
            game = random_game(seed, size=9, max_records=360 - store.num_records("pente", 9))
            surprised = [
                dataclasses.replace(record, surprise=2.0 * (record.ply % 2), policy_weight=1.0)
                for record in game.records
            ]
            store.add_game(dataclasses.replace(game, records=surprised))
    return path


@pytest.mark.parametrize("strategy", ["recent", "random", "top_random", "window"])
def test_each_size_has_its_share_of_the_records(mixed: Path, tmp_path: Path, strategy: str) -> None:
    config = config_of(mixed, tmp_path, board_sizes=[9, 13], data_sample_size=80, sample_strategy=strategy)
    sample = Sample.draw(config, [1, 0])
    assert [(part.size, len(part.label)) for part in sample.parts] == [(7, 20), (9, 60)]
    assert (sample.num_records, sample.available, len(sample.order)) == (80, 480, 80)
    assert pool_name(config) == "pente 7x7, 9x9, 13x13"


def test_a_batch_has_one_size_and_every_record_occurs_once(mixed: Path, tmp_path: Path) -> None:
    sample = Sample.draw(config_of(mixed, tmp_path, board_sizes=[9, 7], data_sample_size=480), [1, 0])
    plan, order = BatchPlan(16, 1), sample.order.between(0, 480)
    with EpochBatches(sample.parts, plan, np.random.default_rng(0), order) as batches:
        made = list(batches)
    assert len(made) == len(batches) == 8 + 23
    areas = [batch.policy.shape[1] for batch in made]
    assert {area: areas.count(area) for area in (49, 81)} == {49: 8, 81: 23}
    assert areas != sorted(areas)
    assert areas != sorted(areas, reverse=True)
    for area, size in ((49, 7), (81, 9)):
        stones = sorted(
            float(plane.sum()) for batch in made if batch.policy.shape[1] == area for plane in batch.inputs[0][:, :2]
        )
        (part,) = (part for part in sample.parts if part.size == size)
        assert stones == sorted(float(count) for count in (part.boards > 0).sum(1))


def test_validation_is_of_the_games_of_the_own_size(mixed: Path, tmp_path: Path) -> None:
    everything = {"board_sizes": [9], "data_sample_size": 480, "validation_share": 0.3}
    sample = Sample.draw(config_of(mixed, tmp_path, **everything), [1, 0])
    alone = Sample.draw(config_of(mixed, tmp_path, **{**everything, "board_sizes": []}), [1, 0])
    assert 0 < len(sample.held_out) == len(alone.held_out) < 120
    assert len(sample.order) < 480 - len(sample.held_out)  # games of 9x9 are held out too
    assert set(sample.order.between(0, len(sample.order))) >= set(alone.order.between(0, len(alone.order)))


def test_surprise_weights_of_all_sizes(mixed: Path, tmp_path: Path) -> None:
    sample = Sample.draw(config_of(mixed, tmp_path, board_sizes=[9], data_sample_size=480, surprise_weight=0.5), [1, 0])
    seven, nine = sample.parts
    times = np.bincount(sample.order.between(0, 20 * 480), minlength=480) / 20
    assert len(seven.label) == 120
    np.testing.assert_allclose(times[:120], 1, atol=0.1)
    surprising = nine.ply % 2 == 1
    assert abs(times[120:][surprising].mean() - 1.5) < 0.1
    assert abs(times[120:][~surprising].mean() - 0.5) < 0.1


def test_a_stage_can_train_before_its_own_size_has_records(mixed: Path, tmp_path: Path) -> None:
    config = config_of(mixed, tmp_path, board_sizes=[7, 9], validation_share=0.3, num_epochs=1, data_sample_size=480)
    config = config.model_copy(update={"game": config.game.model_copy(update={"board_size": 13})})
    sample = Sample.draw(config, [1, 0])
    assert [part.size for part in sample.parts] == [7, 9]
    assert len(sample.held_out) == 0
    assert train(config, lambda _event: None).validation_policy_loss is None


def test_without_any_record_it_is_refused(mixed: Path, tmp_path: Path) -> None:
    config = config_of(mixed, tmp_path, board_sizes=[13, 11])
    config = config.model_copy(update={"game": config.game.model_copy(update={"board_size": 15})})
    with pytest.raises(RequestError, match=r"15x15"):
        Sample.draw(config, [1, 0])


@pytest.mark.parametrize("model", ["simple", "resnet", "mixnet"])
def test_one_network_learns_all_sizes(mixed: Path, tmp_path: Path, model: str) -> None:
    config = config_of(mixed, tmp_path, board_sizes=[9], data_sample_size=400, model_type=model, num_epochs=2)
    events: list[Event] = []
    summary = train(config, events.append)
    assert "400 of 480 records of pente 7x7, 9x9 by top_random; seed 5" in notes(events)
    assert (summary.records, summary.epochs, summary.samples) == (400, 2, 800)
    assert read(Path(summary.checkpoint)).training["accounts"]["pente 7x7, 9x9"]["samples"] == 800


def test_the_replay_ratio_counts_the_records_of_all_sizes(database: Path, tmp_path: Path) -> None:
    records = grown(database, tmp_path, games=0)
    config = config_of(records, tmp_path, board_sizes=[9], reuse=2.0, data_sample_size=1000)
    assert train(config, lambda _event: None).samples == 2 * 120 // 16 * 16
    with Store(records) as store:
        for seed in range(50, 54):
            store.add_game(random_game(seed, size=9, max_records=20))
    assert train(config, lambda _event: None).new_records == 80
