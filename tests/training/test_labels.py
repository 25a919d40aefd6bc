"""The auxiliary targets of a hand-made game: replies, captures, the end; also under symmetries."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from alphapente.records.model import GameRecord, RecordBatch, SearchRecord
from alphapente.records.store import Store
from alphapente.rules.kernels import play
from alphapente.rules.position import new_positions, stones
from alphapente.rules.symmetry import SYMMETRIES
from alphapente.training.batches import make_batch, samples_of
from alphapente.training.labels import later_labels, later_weights, reply_sources, reply_weights

SIZE = 9
MOVES = [40, 41, 0, 42, 43, 80, 79]
"""Player 1 captures two stones at ply 4."""


def searched(ply: int, listed: dict[int, float], **changes: float) -> SearchRecord:
    """The record of a ply of MOVES: its policy as listed, the rest spread evenly."""
    position = new_positions(1, "pente", SIZE)[0]
    for move in MOVES[:ply]:
        play(position, move)
    return dataclasses.replace(
        SearchRecord(
            ply=ply,
            board=stones(position).copy(),
            captured=(int(position["captured"][0]), int(position["captured"][1])),
            to_move=ply % 2 + 1,
            points=np.array(list(listed), np.int16),
            visits=np.ones(len(listed), np.int32),
            targets=np.array(list(listed.values()), np.float32),
            unlisted=1 - sum(listed.values()),
            search_value=0.25,
            simulations=10,
        ),
        **changes,  # type: ignore[arg-type]
    )


def stored(folder: Path, records: list[SearchRecord], random_plies: tuple[int, ...] = ()) -> RecordBatch:
    """The records of a game of MOVES as read for training."""
    with Store(folder / "records.db") as store:
        store.add_game(GameRecord("pente", SIZE, MOVES, 2, "five", 0, random_plies, 1, "simple", 0, 10, records))
        return store.sample("recent", 100, np.random.default_rng(1), "pente", SIZE)


@pytest.fixture
def records(tmp_path: Path) -> RecordBatch:
    """Plies 3 to 6: the policy of ply 5 does not count; ply 6 is the last."""
    return stored(
        tmp_path,
        [
            searched(3, {42: 0.75, 8: 0.25}),
            searched(4, {43: 0.5, 7: 0.25}),
            searched(5, {80: 1.0}, policy_weight=0.0),
            searched(6, {79: 1.0}),
        ],
    )


def test_the_reply_is_the_next_record_s_policy_where_that_counts_and_else_the_move(records: RecordBatch) -> None:
    assert reply_sources(records).tolist() == [1, -1, 3, -1]
    assert records.next_point.tolist() == [43, 80, 79, -1]
    assert reply_weights(records).tolist() == [1, 1, 1, 0]
    batch = make_batch(samples_of(records, 0.6), np.arange(4), np.zeros(4, np.int64), with_reply=True)
    first, second, third, last = batch.reply
    assert first[43] == pytest.approx(0.5, abs=1e-4)
    assert first[7] == pytest.approx(0.25, abs=1e-4)
    unlisted = np.setdiff1d(np.flatnonzero(records.boards[1] == 0), [43, 7])
    np.testing.assert_allclose(first[unlisted], 0.25 / len(unlisted), rtol=1e-3)
    assert first.sum() == pytest.approx(1, abs=1e-4)
    for reply, point in ((second, 80), (third, 79)):
        assert reply[point] == pytest.approx(1, abs=1e-4)
        assert reply.sum() == pytest.approx(1, abs=1e-4)
    assert not last.any()
    assert batch.policy_weight.tolist() == [1, 1, 0, 1]


def test_the_reply_turns_with_the_board(records: RecordBatch) -> None:
    samples = samples_of(records, 0.6)
    plain = make_batch(samples, np.arange(4), np.zeros(4, np.int64), with_reply=True)
    for symmetry in range(8):
        transformed = make_batch(samples, np.arange(4), np.full(4, symmetry), with_reply=True)
        np.testing.assert_array_equal(transformed.reply[:, SYMMETRIES[SIZE][symmetry]], plain.reply)
        np.testing.assert_array_equal(transformed.later, plain.later)


def test_stones_captured_are_the_player_s_own_and_the_other_s_and_the_end_draws_near(records: RecordBatch) -> None:
    """Player 1 has captured 2 at the end; plies 3 and 5 are player 2's."""
    labels = later_labels(records)
    np.testing.assert_allclose(labels[:, :2], [[0, 0.2], [0.2, 0], [0, 0.2], [0.2, 0]], atol=1e-6)
    np.testing.assert_allclose(labels[:, 2], np.exp(-np.array([4, 3, 2, 1]) / 20), rtol=1e-6)
    assert later_weights(records).tolist() == [1, 1, 1, 1]


def test_nothing_is_learned_across_a_random_move(tmp_path: Path) -> None:
    records = stored(
        tmp_path,
        [searched(3, {42: 1.0}, random_value=0.1), searched(4, {43: 1.0}, random_value=-0.1), searched(5, {80: 1.0})],
        random_plies=(4,),
    )
    assert reply_weights(records).tolist() == [0, 0, 1]
    assert later_weights(records).tolist() == [0, 0, 1]


def test_what_older_records_do_not_tell_is_not_learned(records: RecordBatch) -> None:
    nothing = np.full(4, -1, np.int16)
    older = dataclasses.replace(
        records, next_point=nothing, plies_left=nothing, end_captured=np.full((4, 2), -1, np.int16)
    )
    assert not reply_weights(older).any()
    assert not later_weights(older).any()
    batch = make_batch(samples_of(older, 0.6), np.arange(4), np.zeros(4, np.int64), with_reply=True)
    assert np.isfinite(batch.later).all()
    assert not batch.reply_weight.any()


def test_records_of_other_games_are_no_reply(tmp_path: Path) -> None:
    for ply in (3, 4):
        records = stored(tmp_path, [searched(ply, {44: 1.0})])
    assert records.ply.tolist() == [3, 4]
    assert reply_sources(records).tolist() == [-1, -1]


def test_without_replies_a_batch_has_no_room_for_them(records: RecordBatch) -> None:
    batch = make_batch(samples_of(records, 0.6), np.arange(4), np.zeros(4, np.int64))
    assert batch.reply.shape == (4, 0)
