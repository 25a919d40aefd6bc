"""Makes training batches of records: network inputs under random symmetries, and the targets.

A compiled kernel in its own thread makes a batch while the learner works on the one before.
"""

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.errors import RequestError
from alphapente.network.inputs import PLANES, Arrays, InputForm
from alphapente.network.models import NUM_ENDS
from alphapente.records.columns import ARRAYS
from alphapente.records.model import RecordBatch
from alphapente.rules.kernels import five_anywhere, is_legal
from alphapente.rules.position import BOAT, CELL_OF, VARIANTS, Position, Positions, new_positions, variant_index
from alphapente.rules.symmetry import NUM_SYMMETRIES, SYMMETRY_TABLES
from alphapente.training.labels import (
    NUM_LATER,
    later_labels,
    later_weights,
    reply_sources,
    reply_weights,
    value_labels,
)

ORIENTATIONS = {1: (0,), 2: (0, 1), 4: (0, 1, 2, 3), 8: tuple(range(NUM_SYMMETRIES))}
"""The symmetries to draw from, by `augmentation.orientations`: each set is closed under composition."""
BATCHES_AHEAD = 3
"""The most batches made in advance."""


class Samples(NamedTuple):
    """n records for the kernel; see RecordBatch for the arrays, and training/labels.py for the labels."""

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
    unlisted: NDArray[np.float32]
    policy_weight: NDArray[np.float32]
    reply_source: NDArray[np.int64]
    next_point: NDArray[np.int16]
    reply_weight: NDArray[np.float32]
    later: NDArray[np.float32]
    later_weight: NDArray[np.float32]


class Batch(NamedTuple):
    """B positions and their targets."""

    inputs: Arrays  # the network's inputs, the first axis of each is B, see network/inputs.py
    policy: NDArray[np.float32]  # [B, S*S] target, 0 where not legal, sums to 1
    legal: NDArray[np.float32]  # [B, S*S] 1 where legal
    value: NDArray[np.float32]  # [B, 3] chances of win, draw and loss for the player to move
    policy_weight: NDArray[np.float32]  # [B] weight of the policy in the loss
    reply: NDArray[np.float32]  # [B, S*S] the opponent's next policy, sums to 1; [B, 0] if it is no target
    reply_weight: NDArray[np.float32]  # [B] 0 if it is unknown, else 1
    later: NDArray[np.float32]  # [B, NUM_LATER] see labels.later_labels
    later_weight: NDArray[np.float32]  # [B] 0 if these are unknown, else 1

    def part(self, rows: slice) -> "Batch":
        """The positions of `rows`, as views."""
        inputs, *targets = self
        return Batch(tuple(array[rows] for array in inputs), *(array[rows] for array in targets))


def samples_of(records: RecordBatch, outcome_weight: float) -> Samples:
    """The records as contiguous arrays with their value labels."""
    arrays: dict[str, Any] = {
        name: np.ascontiguousarray(getattr(records, name), dtype) for name, dtype in ARRAYS.items()
    }
    return Samples(
        variant=variant_index(records.variant),
        size=int(records.board_size),
        label=value_labels(records, outcome_weight),
        reply_source=reply_sources(records),
        reply_weight=reply_weights(records),
        later=later_labels(records),
        later_weight=later_weights(records),
        **{name: arrays[name] for name in Samples._fields if name in arrays},
    )


def new_batch(count: int, size: int, with_reply: bool = False, form: InputForm = PLANES) -> Batch:
    """Uninitialised arrays for `count` positions of a board size."""
    points = size * size
    return Batch(
        form.new_arrays(count, size),
        np.empty((count, points), np.float32),
        np.empty((count, points), np.float32),
        np.empty((count, NUM_ENDS), np.float32),
        np.empty(count, np.float32),
        np.empty((count, points if with_reply else 0), np.float32),
        np.empty(count, np.float32),
        np.empty((count, NUM_LATER), np.float32),
        np.empty(count, np.float32),
    )


def make_batch(
    samples: Samples,
    chosen: NDArray[np.int64],
    symmetries: NDArray[np.int64],
    with_reply: bool = False,
    form: InputForm = PLANES,
) -> Batch:
    """The records `chosen` (indices int64[B]), each under its symmetry (int64[B], 0..7), as one batch.

    Its inputs are those of `form`.
    """
    count, size = len(chosen), samples.size
    if size % 2 == 0:  # an even board has no middle point: its opening rule is not symmetric
        symmetries = np.where(samples.ply[chosen] <= 2, 0, symmetries)
    positions = new_positions(count, VARIANTS[samples.variant], size)
    batch = new_batch(count, size, with_reply, form)
    _fill(samples, chosen, symmetries, positions, batch._replace(inputs=()))
    form.encode(positions, batch.inputs)
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
    samples: Samples,
    chosen: NDArray[np.int64],
    symmetries: NDArray[np.int64],
    positions: Positions,
    batch: Batch,
) -> None:
    """Fills positions POSITION[B], which must be empty boards, and all of a batch except its inputs."""
    num_points = samples.size * samples.size
    for row in range(len(chosen)):
        index, symmetry = chosen[row], symmetries[row]
        _set_position(samples, index, symmetry, positions[row])
        legal, policy = batch.legal[row], batch.policy[row]
        for point in range(num_points):
            legal[point] = np.float32(is_legal(positions[row], point))
        _spread(samples, index, symmetry, legal, policy)
        for end in range(NUM_ENDS):
            batch.value[row, end] = samples.label[index, end]
        batch.policy_weight[row] = samples.policy_weight[index]
        batch.reply_weight[row] = samples.reply_weight[index]
        batch.later_weight[row] = samples.later_weight[index]
        for number in range(NUM_LATER):
            batch.later[row, number] = samples.later[index, number]
        if batch.reply.shape[1] > 0:
            _reply(samples, index, symmetry, batch.reply[row])


@kernel
def _spread(
    samples: Samples, index: int, symmetry: int, legal: NDArray[np.float32], policy: NDArray[np.float32]
) -> None:
    """Writes a record's policy under a symmetry: the listed points, and the rest evenly over the other legal points."""
    size = samples.size
    policy[:] = np.float32(-1.0)
    num_unlisted = 0
    for entry in range(samples.offsets[index], samples.offsets[index + 1]):
        point = SYMMETRY_TABLES[size, symmetry, samples.points[entry]]
        policy[point] = samples.targets[entry] * legal[point]
    for point in range(size * size):
        if policy[point] < 0 and legal[point] > 0:
            num_unlisted += 1
    share = samples.unlisted[index] / np.float32(max(num_unlisted, 1))
    for point in range(size * size):
        if policy[point] < 0:
            policy[point] = share * legal[point]


@kernel
def _reply(samples: Samples, index: int, symmetry: int, reply: NDArray[np.float32]) -> None:
    """Writes the opponent's reply: the policy of the next record if there is one, else the move that was played."""
    size, source = samples.size, samples.reply_source[index]
    reply[:] = np.float32(0.0)
    if source < 0:
        if samples.next_point[index] >= 0:
            reply[SYMMETRY_TABLES[size, symmetry, samples.next_point[index]]] = np.float32(1.0)
        return
    num_unlisted = 0
    for point in range(size * size):
        num_unlisted += samples.boards[source, point] == 0
    num_unlisted -= samples.offsets[source + 1] - samples.offsets[source]
    if num_unlisted > 0:
        share = samples.unlisted[source] / np.float32(num_unlisted)
        for point in range(size * size):
            if samples.boards[source, point] == 0:
                reply[SYMMETRY_TABLES[size, symmetry, point]] = share
    for entry in range(samples.offsets[source], samples.offsets[source + 1]):
        reply[SYMMETRY_TABLES[size, symmetry, samples.points[entry]]] = samples.targets[entry]


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """How batches are drawn: `batch_size` records each, under `orientations` (1, 2, 4 or 8) of the symmetries."""

    batch_size: int
    orientations: int
    with_reply: bool = False
    """Whether they include the opponent's reply."""
    form: InputForm = PLANES
    """The input form of the network."""


def num_batches(num_samples: int, batch_size: int) -> int:
    """Batches in an epoch: none larger than `batch_size`, all of nearly the same size, so that none is tiny."""
    return -(-num_samples // batch_size)


class EpochBatches:
    """The batches of one epoch, in random orientations, made in advance by a thread. A context manager.

    The records are those of all `parts`, numbered through; a batch has records of one part, and the batches of
    different parts alternate at random. `order` (indices int64[k], see training/order.py) are the records in their
    order; by default every record occurs once, in random order. Iteration raises any exception of the thread.
    """

    def __init__(
        self,
        parts: Sequence[Samples],
        plan: BatchPlan,
        rng: np.random.Generator,
        order: NDArray[np.int64] | None = None,
    ) -> None:
        if plan.orientations not in ORIENTATIONS:
            raise RequestError(f"augmentation.orientations is {plan.orientations}: choose 1, 2, 4 or 8")
        ends = np.cumsum([len(samples.label) for samples in parts])
        order = rng.permutation(ends[-1]) if order is None else order
        symmetries = rng.choice(np.array(ORIENTATIONS[plan.orientations], np.int64), len(order))
        part_of = np.searchsorted(ends, order, side="right")
        self._plan = plan
        self._batches: list[tuple[Samples, NDArray[np.int64], NDArray[np.int64]]] = []
        for number, samples in enumerate(parts):
            here = np.flatnonzero(part_of == number)
            first = ends[number] - len(samples.label)
            for places in np.array_split(here, num_batches(len(here), plan.batch_size)) if len(here) else ():
                self._batches.append((samples, order[places] - first, symmetries[places]))
        if len(parts) > 1:
            self._batches = [self._batches[place] for place in rng.permutation(len(self._batches))]
        self._ready: queue.SimpleQueue[Batch | BaseException | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(BATCHES_AHEAD)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._make_all, name="batches", daemon=True)

    def __len__(self) -> int:
        return len(self._batches)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
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
            for samples, chosen, symmetries in self._batches:
                self._room.acquire()
                if self._closed.is_set():
                    return
                self._ready.put(make_batch(samples, chosen, symmetries, self._plan.with_reply, self._plan.form))
        except BaseException as error:
            last = error
        self._ready.put(last)
