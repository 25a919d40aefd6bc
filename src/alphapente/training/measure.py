"""Measures the speed of training against a plain float32 loop of the same model on the same batches."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from alphapente.config import Config
from alphapente.network.device import num_cores
from alphapente.network.models import build_model, spec_of
from alphapente.records.model import RecordBatch
from alphapente.rules.kernels import next_random, play, random_point
from alphapente.rules.position import IN_PLAY, new_positions, stones
from alphapente.training.batches import Batch, BatchPlan, EpochBatches, Samples, make_batch, samples_of
from alphapente.training.learner import Learner, learning_precision
from alphapente.training.losses import Targets, losses
from alphapente.training.threads import torch_threads

ROUNDS = 3
"""Measurements of each, of which the median counts."""
NUM_RECORDS = 4096
"""The number of random records in an epoch."""


@dataclass(frozen=True, slots=True)
class TrainingRates:
    """The speed of one model at one batch size: samples a second of ours (batches included) and of the plain loop."""

    model_type: str
    batch_size: int
    threads: int
    precision: str
    samples_per_s: float
    plain_samples_per_s: float
    waited_s: float
    """Seconds that the learner waited for each batch."""
    step_s: float
    """Seconds of one step with a prepared batch and nothing running beside it."""

    @property
    def ratio(self) -> float:
        """Our speed divided by that of the plain loop."""
        return self.samples_per_s / self.plain_samples_per_s


def measure_training(config: Config, model_type: str, batch_size: int, seconds: float = 10.0) -> TrainingRates:
    """Measures both alternately for about `seconds` in all, with `training.threads`; medians of ROUNDS rounds.

    Ours makes its batches from records at the same time; the plain loop (float32, contiguous, default AdamW, the
    threads within each operation) gets a prepared batch.
    """
    settings = config.training
    precision = learning_precision(spec_of(config, model_type).class_path, config.network.precision, "cpu")
    threads = settings.threads or num_cores()
    samples = samples_of(random_records(max(NUM_RECORDS, batch_size), config.game.board_size), settings.outcome_weight)
    learner = Learner(build_model(config, model_type), settings, "cpu", precision, threads)
    chosen, no_symmetry = np.arange(batch_size) % len(samples.label), np.zeros(batch_size, np.int64)
    ready = make_batch(samples, chosen, no_symmetry, form=learner.input_form)
    plain = _PlainLoop(build_model(config, model_type), ready)

    def measure(slice_s: float) -> tuple[float, float, float, float]:
        with torch_threads(1):
            ours, waited = _ours(learner, samples, batch_size, slice_s)
            step = 1 / _rate(lambda: learner.learn(ready), slice_s / 2)
        with torch_threads(threads):
            return ours, batch_size * _rate(plain.learn, slice_s), waited, step

    measure(0.0)
    rounds = [measure(seconds / (2.5 * ROUNDS)) for _ in range(ROUNDS)]
    middle = (sorted(figures)[ROUNDS // 2] for figures in zip(*rounds, strict=True))
    return TrainingRates(model_type, batch_size, threads, precision, *middle)


_PARTS = {
    "convolutions by tiles: products": ("aten::bmm",),
    "convolutions by tiles: sums": ("_Winograd", "_WinogradBackward"),
    "other convolutions": ("aten::mkldnn_convolution", "aten::convolution_backward"),
    "normalisation and ReLU": (
        "aten::native_batch_norm",
        "aten::native_batch_norm_backward",
        "aten::clamp_min_",
        "aten::threshold_backward",
    ),
}
"""The parts of a step's time, by torch's names of the operations."""


def parts_of_a_step(config: Config, model_type: str, batch_size: int) -> dict[str, float]:
    """The shares of the parts in a learner's step on one thread; their sum is 1."""
    samples = samples_of(random_records(batch_size, config.game.board_size), config.training.outcome_weight)
    precision = learning_precision(spec_of(config, model_type).class_path, config.network.precision, "cpu")
    learner = Learner(build_model(config, model_type), config.training, "cpu", precision)
    no_symmetry = np.zeros(batch_size, np.int64)
    batch = make_batch(samples, np.arange(batch_size), no_symmetry, form=learner.input_form)
    with torch_threads(1):
        learner.learn(batch)
        with torch.autograd.profiler.profile(use_kineto=False) as found:
            learner.learn(batch)
    times = {event.key: event.self_cpu_time_total for event in found.key_averages()}
    total = sum(times.values())
    shares = {part: sum(times.get(name, 0.0) for name in names) / total for part, names in _PARTS.items()}
    return {**shares, "heads, losses, optimizer and the rest": 1 - sum(shares.values())}


def _ours(learner: Learner, samples: Samples, batch_size: int, seconds: float) -> tuple[float, float]:
    """Samples a second of the learner with its batches made by a thread, and seconds waited for each batch."""
    rng = np.random.default_rng(0)
    seen, steps, waited, start = 0, 0, 0.0, time.perf_counter()
    while True:
        with EpochBatches([samples], BatchPlan(batch_size, 8, form=learner.input_form), rng) as batches:
            asked = time.perf_counter()
            for batch in batches:
                waited += time.perf_counter() - asked
                learner.learn(batch)
                seen, steps = seen + len(batch.value), steps + 1
                asked = time.perf_counter()
                if asked - start >= seconds:
                    return seen / (asked - start), waited / steps


def _rate(step: Callable[[], object], seconds: float) -> float:
    """Calls a second, measured over at least one call."""
    calls, start = 0, time.perf_counter()
    while True:
        step()
        calls += 1
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return calls / elapsed


class _PlainLoop:
    """The straightforward training loop: float32, one batch after the other."""

    def __init__(self, model: nn.Module, batch: Batch) -> None:
        inputs, *targets = batch
        self._inputs = [torch.from_numpy(array) for array in inputs]
        self._targets = Targets(*map(torch.from_numpy, targets))
        self._model = model.train()
        self._optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def learn(self) -> None:
        """One step."""
        found = losses(self._model(*self._inputs), self._targets)
        self._optimizer.zero_grad()
        (found.policy + found.value).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._model.parameters(), 5.0)
        self._optimizer.step()


def random_records(count: int, board_size: int, seed: int = 1, variant: str = "pente") -> RecordBatch:
    """Records of random games with random targets: for measurements and tests, not to learn from."""
    rng = np.random.default_rng(seed)
    state = np.array([seed * 2654435761 + 1], np.uint64)
    next_random(state)
    rows: list[tuple[Any, Any, Any, Any]] = []  # board, captured, ply, player to move
    while len(rows) < count:
        position = new_positions(1, variant, board_size)[0]
        for _ in range(rng.integers(1, 60)):
            if position["winner"] != IN_PLAY:
                break
            rows.append((stones(position).copy(), position["captured"].copy(), position["ply"], position["to_move"]))
            play(position, random_point(position, state))
    rows = [rows[index] for index in rng.permutation(len(rows))[:count]]
    boards = np.array([row[0] for row in rows], np.int8)
    points = [_some_empty(board, int(ply), rng) for board, _, ply, _ in rows]
    unlisted = np.array([0.1 if len(some) > 1 else 0.0 for some in points], np.float32)
    shares = [rng.dirichlet(np.ones(len(some))) * (1 - left) for some, left in zip(points, unlisted, strict=True)]
    offsets = np.concatenate([[0], np.cumsum([len(some) for some in points])]).astype(np.int64)
    return RecordBatch(
        variant=variant,
        board_size=board_size,
        ids=np.arange(count),
        game_ids=np.zeros(count, np.int64),
        boards=boards,
        captured=np.array([row[1] for row in rows], np.int16),
        ply=np.array([row[2] for row in rows], np.int16),
        to_move=np.array([row[3] for row in rows], np.int8),
        search_value=rng.uniform(-1, 1, count).astype(np.float32),
        outcome=rng.choice([-1, 1], count).astype(np.int8),
        random_value=np.full(count, np.nan, np.float32),
        offsets=offsets,
        points=np.concatenate(points).astype(np.int16),
        targets=np.concatenate(shares).astype(np.float32),
        visits=np.ones(int(offsets[-1]), np.int32),
        unlisted=unlisted,
        simulations=np.full(count, 100, np.int32),
        policy_weight=np.ones(count, np.float32),
        surprise=rng.exponential(0.5, count).astype(np.float32),
        next_point=np.array([some[-1] for some in points], np.int16),
        plies_left=rng.integers(1, 60, count).astype(np.int16),
        end_captured=(2 * rng.integers(0, 5, (count, 2))).astype(np.int16),
    )


def _some_empty(board: NDArray[np.int8], ply: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Up to 16 empty points that every opening rule allows."""
    size = round(len(board) ** 0.5)
    if ply == 0:
        return np.array([size // 2 * size + size // 2])
    empty = np.flatnonzero(board == 0)
    if ply == 2:
        row, column = np.divmod(empty, size)
        away = np.maximum(abs(row - size // 2), abs(column - size // 2))
        empty = empty[(away > 2) & (row != size // 2) & (column != size // 2)]
    return rng.permutation(empty)[:16]
