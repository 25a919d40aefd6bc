"""Records become training batches: positions turned or mirrored, seen as planes, beside what to learn from each.

A compiled kernel makes a batch while the learner works on the last one, in a thread of its own.
"""

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.errors import RequestError
from alphapente.network.models import NUM_ENDS
from alphapente.network.planes import NUM_PLANES, bits_to_plane, encode
from alphapente.records.model import RecordBatch
from alphapente.rules.kernels import five_anywhere
from alphapente.rules.position import (
    BOAT,
    CELL_OF,
    POSITION,
    Position,
    new_positions,
    variant_index,
)
from alphapente.rules.symmetry import NUM_SYMMETRIES, SYMMETRY_TABLES
from alphapente.rules.tactics import LEGAL, Bitboards, find_tactics, new_bitboards

ORIENTATIONS = {1: (0,), 2: (0, 1), 4: (0, 1, 2, 3), 8: tuple(range(NUM_SYMMETRIES))}
"""The symmetries drawn from, by `augmentation.orientations`: each set is closed under composition."""
BATCHES_AHEAD = 3


class Samples(NamedTuple):
    """n records as the kernel reads them; see RecordBatch for the arrays, and `value_labels` for `label`."""

    variant: int
    size: int
    boards: NDArray[np.int8]
    captured: NDArray[np.int16]
    ply: NDArray[np.int16]
    to_move: NDArray[np.int8]
    label: NDArray[np.float32]
    offsets: NDArray[np.int64]
    points: NDArray[np.int16]
    targets: NDArray[np.float32]
    rest: NDArray[np.float32]
    policy_weight: NDArray[np.float32]


class Batch(NamedTuple):
    """B positions and what to learn from them."""

    planes: NDArray[np.float32]  # [B, NUM_PLANES, S, S]
    policy: NDArray[np.float32]  # [B, S*S] target, 0 where not legal, sums to 1
    legal: NDArray[np.float32]  # [B, S*S] 1 where legal
    value: NDArray[np.float32]  # [B, 3] chances of win, draw and loss for the player to move
    policy_weight: NDArray[np.float32]  # [B] how much the policy counts


class _Scratch(NamedTuple):
    position: Position
    other: Position
    bits: Bitboards


def value_labels(records: RecordBatch, outcome_weight: float) -> NDArray[np.float32]:
    """float32[n, 3], chances of win, draw and loss: outcome_weight * what came of it + the rest of the search's value.

    What came of it is the game's outcome, unless a move after it was drawn at random: then the search's value where
    the first such move was played, so that a blunder nobody chose teaches nothing. A search's value v counts as a win
    with (1 + v) / 2, else a loss. Where it is exactly 1 or -1 the search has proven it: that is the whole label.
    """
    search = _chances(records.search_value)
    came = np.where(settled(records)[:, None], _outcome_chances(records.outcome), _chances(records.random_value))
    proven = np.abs(records.search_value) == 1
    labels = np.where(proven[:, None], search, outcome_weight * came + (1 - outcome_weight) * search)
    return labels.astype(np.float32)


def settled(records: RecordBatch) -> NDArray[np.bool_]:
    """bool[n]: whether no move between the position and the end of its game was drawn at random."""
    return np.isnan(records.random_value)


def _chances(value: NDArray[np.float32]) -> NDArray[np.float32]:
    win = (1 + np.clip(value, -1, 1)) / 2
    return np.stack([win, np.zeros_like(win), 1 - win], 1)


def _outcome_chances(outcome: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([outcome == 1, outcome == 0, outcome == -1], 1).astype(np.float32)


def samples_of(records: RecordBatch, outcome_weight: float) -> Samples:
    """The records as contiguous arrays with their value labels."""
    return Samples(
        variant_index(records.variant),
        int(records.board_size),
        np.ascontiguousarray(records.boards, np.int8),
        np.ascontiguousarray(records.captured, np.int16),
        np.ascontiguousarray(records.ply, np.int16),
        np.ascontiguousarray(records.to_move, np.int8),
        value_labels(records, outcome_weight),
        np.ascontiguousarray(records.offsets, np.int64),
        np.ascontiguousarray(records.points, np.int16),
        np.ascontiguousarray(records.targets, np.float32),
        np.ascontiguousarray(records.rest, np.float32),
        np.ascontiguousarray(records.policy_weight, np.float32),
    )


def new_batch(count: int, size: int) -> Batch:
    """Arrays for `count` positions of a board size, not yet filled."""
    points = size * size
    return Batch(
        np.empty((count, NUM_PLANES, size, size), np.float32),
        np.empty((count, points), np.float32),
        np.empty((count, points), np.float32),
        np.empty((count, NUM_ENDS), np.float32),
        np.empty(count, np.float32),
    )


def make_batch(samples: Samples, chosen: NDArray[np.int64], symmetries: NDArray[np.int64]) -> Batch:
    """The records `chosen` (indices int64[B]), each under its symmetry (int64[B], 0..7), as one batch."""
    batch = new_batch(len(chosen), samples.size)
    blank = new_positions(2, "pente", samples.size)
    blank["variant"] = samples.variant
    _fill(samples, chosen, symmetries, batch, _Scratch(blank[0], np.zeros(1, POSITION)[0], new_bitboards()))
    return batch


@kernel
def _set_position(samples: Samples, index: int, symmetry: int, position: Position) -> None:
    size = samples.size
    for point in range(size * size):
        position["board"][CELL_OF[size, SYMMETRY_TABLES[size, symmetry, point]]] = samples.boards[index, point]
    position["captured"][0] = samples.captured[index, 0]
    position["captured"][1] = samples.captured[index, 1]
    position["ply"] = samples.ply[index]
    position["to_move"] = samples.to_move[index]
    position["pending"] = 0
    if samples.variant == BOAT and five_anywhere(position["board"], size, 3 - np.int64(samples.to_move[index])):
        position["pending"] = 1


@kernel
def _fill(
    samples: Samples, chosen: NDArray[np.int64], symmetries: NDArray[np.int64], batch: Batch, scratch: _Scratch
) -> None:
    size = samples.size
    num_points = size * size
    position, bits = scratch.position, scratch.bits
    for row in range(len(chosen)):
        index, symmetry = chosen[row], symmetries[row]
        if size % 2 == 0 and samples.ply[index] <= 2:
            symmetry = 0  # the opening rule of an even board has no middle point to turn about
        _set_position(samples, index, symmetry, position)
        find_tactics(position, bits, scratch.other)
        encode(position, bits, batch.planes[row].reshape(NUM_PLANES, num_points), 0)
        legal, policy = batch.legal[row], batch.policy[row]
        bits_to_plane(bits[LEGAL], legal, size)
        policy[:] = np.float32(-1.0)
        unlisted = 0
        for entry in range(samples.offsets[index], samples.offsets[index + 1]):
            point = SYMMETRY_TABLES[size, symmetry, samples.points[entry]]
            policy[point] = samples.targets[entry] * legal[point]
        for point in range(num_points):
            if policy[point] < 0 and legal[point] > 0:
                unlisted += 1
        share = samples.rest[index] / np.float32(max(unlisted, 1))
        for point in range(num_points):
            if policy[point] < 0:
                policy[point] = share * legal[point]
        for end in range(NUM_ENDS):
            batch.value[row, end] = samples.label[index, end]
        batch.policy_weight[row] = samples.policy_weight[index]


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """How batches are drawn: `batch_size` records each, under `orientations` (1, 2, 4 or 8) of the symmetries."""

    batch_size: int
    orientations: int


def num_batches(num_samples: int, batch_size: int) -> int:
    """Batches in an epoch: none larger than `batch_size`, all of nearly one size, so that none is tiny."""
    return -(-num_samples // batch_size)


class EpochBatches:
    """The batches of one epoch, in random order and orientation, made ahead by a thread. A context manager.

    Every record is seen once. Raises from iteration what the thread raised.
    """

    def __init__(self, samples: Samples, plan: BatchPlan, rng: np.random.Generator) -> None:
        if plan.orientations not in ORIENTATIONS:
            raise RequestError(f"augmentation.orientations is {plan.orientations}: choose 1, 2, 4 or 8")
        count = len(samples.label)
        self._samples = samples
        self._order = np.array_split(rng.permutation(count), num_batches(count, plan.batch_size))
        symmetries = rng.choice(np.array(ORIENTATIONS[plan.orientations], np.int64), count)
        self._symmetries = np.array_split(symmetries, len(self._order))
        self._ready: queue.SimpleQueue[Batch | BaseException | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(BATCHES_AHEAD)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._make_all, name="batches", daemon=True)

    def __len__(self) -> int:
        return len(self._order)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._room.release()
        self._thread.join()

    def __iter__(self) -> Iterator[Batch]:
        while True:
            item = self._ready.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            self._room.release()
            yield item

    def _make_all(self) -> None:
        last: Any = None
        try:
            for chosen, symmetries in zip(self._order, self._symmetries, strict=True):
                self._room.acquire()
                if self._closed.is_set():
                    return
                self._ready.put(make_batch(self._samples, chosen, symmetries))
        except BaseException as error:
            last = error
        self._ready.put(last)
