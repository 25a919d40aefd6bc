"""Held-out games: whole games, always the same ones, and the results on them."""

import dataclasses

import numpy as np
import pytest

from alphapente.records.model import RecordBatch
from alphapente.training.batches import Batch, make_batch, samples_of
from alphapente.training.losses import Losses
from alphapente.training.measure import random_records
from alphapente.training.validation import MOST_RECORDS, HeldOut, calibration, held_out


def of_games(game_ids: list[int]) -> RecordBatch:
    return dataclasses.replace(random_records(len(game_ids), 9), game_ids=np.array(game_ids, np.int64))


def test_whole_games_are_held_out_and_always_the_same() -> None:
    games = np.repeat(np.arange(1, 2001), 3)
    records = of_games(games.tolist())
    out = held_out(records, 0.1)
    assert (out.reshape(2000, 3) == out.reshape(2000, 3)[:, :1]).all()
    assert 0.08 < out.mean() < 0.12
    again = held_out(of_games(games[3000:].tolist()), 0.1)
    np.testing.assert_array_equal(again, out[3000:])
    assert not held_out(records, 0.0).any()
    assert held_out(records, 0.2)[out].all()  # a larger share holds out additional games, not other ones


def test_something_is_always_left_to_learn() -> None:
    games = list(range(1, 100))
    only = games[int(held_out(of_games(games), 0.5).argmax())]
    assert not held_out(of_games([only, only]), 0.5).any()


def test_calibration_by_hand() -> None:
    predicted = np.array([-1.0, -0.95, 0.1, 0.15, 0.9, 1.0], np.float32)
    outcome = np.array([-1, 1, 1, 0, 1, 1], np.int8)
    found = calibration(predicted, outcome)
    assert [count for *_, count in found.bins] == [2, 2, 2]
    np.testing.assert_allclose([entry[:2] for entry in found.bins], [[-0.975, 0], [0.125, 0.5], [0.95, 1]], atol=1e-6)
    assert found.error == pytest.approx((0.975 + 0.375 + 0.05) / 3)


def test_overconfident_and_underconfident_values() -> None:
    """One bin each: 0.5 is overconfident by 0.5 if half is won; -0.5 is underconfident if all is lost."""
    ones, won = np.ones(8, np.float32), np.ones(8, np.int8)
    half_won = np.where(np.arange(8) % 2, 1, -1).astype(np.int8)
    even = calibration(0.5 * ones, half_won, 5)
    assert (even.overconfidence, even.bins) == (0.5, [(0.5, 0.0, 8)])
    lost = calibration(-0.5 * ones, -won, 5)
    assert (lost.overconfidence, lost.bins) == (0.0, [(-0.5, -1.0, 8)])
    assert calibration(-0.5 * ones, won, 5).overconfidence == 1.5


def asked_about(records: RecordBatch) -> tuple[list[Batch], HeldOut]:
    seen: list[Batch] = []
    return seen, HeldOut(records, samples_of(records, 1.0), np.ones(len(records), np.bool_))


def test_losses_are_means_over_all_that_is_held_out() -> None:
    """600 records in batches of 256; the policy loss counts by policy weight, the value loss by position."""
    records = dataclasses.replace(
        random_records(600, 9), policy_weight=np.arange(600, dtype=np.float32) / np.float32(600)
    )
    seen, asked = asked_about(records)

    def judge(batch: Batch) -> tuple[Losses, np.ndarray]:
        seen.append(batch)
        number = float(len(seen))
        return Losses(number, number, *[0.0] * 7), batch.value[:, 0] - batch.value[:, 2]  # type: ignore[arg-type]

    found = asked.ask(judge)
    assert [len(batch.value) for batch in seen] == [256, 256, 88]
    assert found.positions == 600
    assert found.value_loss == pytest.approx((256 + 2 * 256 + 3 * 88) / 600)
    weights = [float(batch.policy_weight.sum()) for batch in seen]
    assert found.policy_loss == pytest.approx(np.dot([1, 2, 3], weights) / sum(weights))
    assert found.calibration is not None
    assert found.calibration.error == pytest.approx(0, abs=1e-6)  # the labels are the outcomes
    plain = make_batch(samples_of(records, 1.0), np.arange(256), np.zeros(256, np.int64))
    np.testing.assert_array_equal(seen[0].inputs[0], plain.inputs[0])


def test_calibration_leaves_out_what_a_random_move_decided() -> None:
    records = dataclasses.replace(random_records(4, 9), random_value=np.array([0.5, 0.5, np.nan, 0.5], np.float32))

    def judge(batch: Batch) -> tuple[Losses, np.ndarray]:
        return Losses(*[1.0] * 9), np.zeros(len(batch.value), np.float32)  # type: ignore[arg-type]

    found = asked_about(records)[1].ask(judge)
    assert found.calibration is not None
    assert [count for *_, count in found.calibration.bins] == [1]
    none = dataclasses.replace(records, random_value=np.full(4, 0.5, np.float32))
    assert asked_about(none)[1].ask(judge).calibration is None


def test_at_most_the_newest_records_are_evaluated() -> None:
    records = of_games([1] * 10)
    many = np.zeros(10, np.bool_)
    many[[1, 4]] = True
    assert len(HeldOut(records, samples_of(records, 1.0), many)) == 2
    assert MOST_RECORDS == 4096
