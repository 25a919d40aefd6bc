"""Batches: targets, symmetries, and every record once in an epoch."""

import dataclasses

import numpy as np
import pytest

from alphapente.errors import RequestError
from alphapente.network.planes import NUM_PLANES, encode_batch
from alphapente.records.model import RecordBatch
from alphapente.rules.kernels import is_legal
from alphapente.rules.position import CELL_OF, Positions, new_positions
from alphapente.rules.symmetry import SYMMETRIES, transform_positions
from alphapente.training.batches import BatchPlan, EpochBatches, make_batch, samples_of
from alphapente.training.labels import value_labels
from alphapente.training.measure import random_records


def labelled(outcome: float, search_value: float, random_value: float) -> RecordBatch:
    return dataclasses.replace(
        random_records(1, 9),
        outcome=np.array([outcome], np.int8),
        search_value=np.array([search_value], np.float32),
        random_value=np.array([random_value], np.float32),
    )


@pytest.mark.parametrize(
    ("outcome", "search_value", "random_value", "weight", "label"),
    [
        (-1.0, 1.0, np.nan, 0.6, 1.0),  # the search proved a win: that is the label, whatever the outcome
        (1.0, -1.0, np.nan, 1.0, -1.0),
        (1.0, -1.0, 0.9, 1.0, -1.0),  # proven before the random move
        (1.0, 0.5, -1.0, 1.0, -1.0),  # proven at the random move
        (1.0, 0.999, np.nan, 1.0, 1.0),
        (1.0, 0.5, np.nan, 1.0, 1.0),
        (1.0, 0.5, np.nan, 0.0, 0.5),
        (1.0, 0.5, np.nan, 0.6, 0.8),
        (-1.0, 0.5, np.nan, 0.6, -0.4),
        (0.0, 0.5, np.nan, 0.6, 0.2),
        (-1.0, 0.5, 0.7, 1.0, 0.7),  # a random move followed: the outcome teaches nothing
        (-1.0, 0.5, 0.7, 0.6, 0.62),
    ],
)
def test_the_value_label(outcome: float, search_value: float, random_value: float, weight: float, label: float) -> None:
    chances = value_labels(labelled(outcome, search_value, random_value), weight)[0]
    assert chances.sum() == pytest.approx(1)
    assert (chances >= 0).all()
    assert chances[0] - chances[2] == pytest.approx(label)


def test_a_drawn_game_and_a_search_that_is_undecided_are_not_the_same_label() -> None:
    np.testing.assert_allclose(value_labels(labelled(0.0, 0.0, np.nan), 0.6), [[0.2, 0.6, 0.2]], atol=1e-6)
    np.testing.assert_allclose(value_labels(labelled(1.0, 0.5, np.nan), 0.6), [[0.9, 0.0, 0.1]], atol=1e-6)


def positions_of(records: RecordBatch) -> Positions:
    positions = new_positions(len(records), records.variant, records.board_size)
    positions["board"][:, CELL_OF[records.board_size, : records.board_size**2]] = records.boards
    positions["captured"] = records.captured
    positions["ply"] = records.ply
    positions["to_move"] = records.to_move
    return positions


@pytest.mark.parametrize(("variant", "size"), [("pente", 9), ("pente", 19), ("keryo", 13), ("boat", 9), ("poof", 11)])
def test_planes_of_a_transformed_record_are_those_of_the_transformed_position(variant: str, size: int) -> None:
    records = random_records(40, size, variant=variant)
    samples, positions = samples_of(records, 0.6), positions_of(records)
    everyone = np.arange(40)
    plain = make_batch(samples, everyone, np.zeros(40, np.int64))
    np.testing.assert_array_equal(plain.inputs[0], encode_batch(positions))
    for symmetry in range(8):
        batch = make_batch(samples, everyone, np.full(40, symmetry))
        np.testing.assert_array_equal(batch.inputs[0], encode_batch(transform_positions(positions, symmetry)))
        table = SYMMETRIES[size][symmetry]
        flat = (40, NUM_PLANES, size * size)
        np.testing.assert_array_equal(batch.inputs[0].reshape(flat)[:, :, table], plain.inputs[0].reshape(flat))
        np.testing.assert_array_equal(batch.policy[:, table], plain.policy)
        np.testing.assert_array_equal(batch.legal[:, table], plain.legal)
        np.testing.assert_array_equal(batch.value, plain.value)


@pytest.mark.parametrize("size", [8, 9])
def test_targets_sum_to_one_over_the_legal_points_even_where_the_opening_rule_bites(size: int) -> None:
    records = random_records(300, size)
    assert {0, 2} <= set(records.ply.tolist())
    samples, positions = samples_of(records, 0.6), positions_of(records)
    symmetries = np.random.default_rng(0).integers(0, 8, 300)
    batch = make_batch(samples, np.arange(300), symmetries)
    np.testing.assert_allclose(batch.policy.sum(1), 1, atol=1e-5)
    assert not batch.policy[batch.legal == 0].any()
    for row in range(300):
        transformed = size % 2 or records.ply[row] > 2
        table = SYMMETRIES[size][symmetries[row] if transformed else 0]
        legal = [is_legal(positions[row], point) for point in range(size * size)]
        np.testing.assert_array_equal(batch.legal[row, table], np.array(legal, np.float32))


def test_the_rest_goes_evenly_to_the_points_not_listed() -> None:
    records = random_records(5, 9)
    batch = make_batch(samples_of(records, 0.6), np.arange(5), np.zeros(5, np.int64))
    for row in range(5):
        listed = records.points[records.offsets[row] : records.offsets[row + 1]]
        targets = records.targets[records.offsets[row] : records.offsets[row + 1]]
        np.testing.assert_allclose(batch.policy[row, listed], targets)
        others = np.setdiff1d(np.flatnonzero(batch.legal[row]), listed)
        if len(others):
            np.testing.assert_allclose(batch.policy[row, others], records.unlisted[row] / len(others), rtol=1e-5)


def test_a_waiting_five_of_boat_is_seen() -> None:
    """Five stones of player 2, one of them in a pair that player 1 can capture: the five is pending."""
    board = np.zeros(81, np.int8)
    board[[36, 37, 38, 39, 40, 31]] = 2
    board[22] = 1
    records = dataclasses.replace(
        random_records(1, 9, variant="boat"),
        boards=board[None],
        captured=np.zeros((1, 2), np.int16),
        ply=np.array([11], np.int16),
        to_move=np.array([1], np.int8),
    )
    position = positions_of(records)
    position["pending"] = 1
    batch = make_batch(samples_of(records, 0.6), np.arange(1), np.zeros(1, np.int64))
    np.testing.assert_array_equal(batch.inputs[0], encode_batch(position))


@pytest.mark.parametrize(("count", "batch_size"), [(1, 32), (33, 32), (100, 32), (64, 64)])
def test_an_epoch_has_every_record_once_in_batches_of_the_requested_size(count: int, batch_size: int) -> None:
    records = dataclasses.replace(random_records(count, 9), search_value=np.linspace(-1, 1, count).astype(np.float32))
    samples = samples_of(records, 0.0)
    with EpochBatches([samples], BatchPlan(batch_size, 8), np.random.default_rng(0)) as batches:
        values = [batch.value[:, 0] for batch in batches]
    assert len(values) == len(batches) == -(-count // batch_size)
    assert max(map(len, values)) <= batch_size
    np.testing.assert_allclose(np.sort(np.concatenate(values)), np.sort(samples.label[:, 0]))


def test_the_seed_fixes_order_and_orientation() -> None:
    samples = samples_of(random_records(50, 9), 0.6)

    def planes(seed: int, orientations: int = 8) -> np.ndarray:
        with EpochBatches([samples], BatchPlan(16, orientations), np.random.default_rng(seed)) as batches:
            return np.concatenate([batch.inputs[0] for batch in batches])

    np.testing.assert_array_equal(planes(1), planes(1))
    assert not np.array_equal(planes(1), planes(2))
    assert not np.array_equal(planes(1), planes(1, 1))


def test_an_epoch_left_early_leaves_no_thread() -> None:
    samples = samples_of(random_records(200, 9), 0.6)
    batches = EpochBatches([samples], BatchPlan(4, 8), np.random.default_rng(0))
    with batches:
        next(iter(batches))
    assert not batches._thread.is_alive()


def test_wrong_records_raise_in_the_learner_and_wrong_orientations_are_rejected() -> None:
    samples = samples_of(random_records(4, 9), 0.6)
    with pytest.raises(RequestError, match="orientations is 3"):
        EpochBatches([samples], BatchPlan(4, 3), np.random.default_rng(0))
    broken = samples._replace(boards=np.zeros((4, 81), np.complex64))
    with (
        pytest.raises(Exception, match="complex64"),
        EpochBatches([broken], BatchPlan(4, 8), np.random.default_rng(0)) as batches,
    ):
        list(batches)
