"""Input forms: a model with its own input form is built, trained and played like one with planes."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from alphapente.config import TrainingSettings
from alphapente.errors import RequestError
from alphapente.network.inputs import PLANES, Arrays, InputForm, input_form
from alphapente.network.models import ModelSpec, Simple, build
from alphapente.network.planes import NUM_PLANES, encode_batch
from alphapente.network.torch_backend import TorchEvaluator
from alphapente.records.positions import positions_of
from alphapente.rules.position import CELL_OF, Positions
from alphapente.rules.symmetry import SYMMETRIES
from alphapente.training.batches import BatchPlan, EpochBatches, make_batch, samples_of
from alphapente.training.learner import Learner
from alphapente.training.measure import random_records
from alphapente.training.validation import HeldOut

SIZE = 7
POINTS = SIZE * SIZE


class Stones:
    """By point 1 for own and -1 for enemy stones, int16[B, S * S]; and the captured stones, uint8[B, 2]."""

    def new_arrays(self, count: int, size: int) -> Arrays:
        return np.zeros((count, size * size), np.int16), np.zeros((count, 2), np.uint8)

    def encode(self, positions: Positions, arrays: Arrays, wanted: NDArray[np.int8] | None = None) -> None:
        for row, position in enumerate(positions):
            if wanted is None or wanted[row]:
                size = int(position["size"])
                board = position["board"][CELL_OF[size, : size * size]]
                arrays[0][row] = np.where(board == 0, 0, np.where(board == position["to_move"], 1, -1))
                arrays[1][row] = position["captured"]


class OfStones(torch.nn.Module):
    """Reads Stones; its policy is one weight times the stones, its value counts captured stones."""

    input_form: ClassVar[InputForm] = Stones()

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.ends = torch.nn.Linear(2, 3)

    def forward(self, stones: torch.Tensor, captured: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return stones * self.weight, self.ends(captured.to(self.weight.dtype))


def test_a_model_names_its_input_form_and_reads_planes_by_default() -> None:
    assert input_form(Simple(NUM_PLANES)) is input_form(torch.nn.Linear(1, 1)) is PLANES
    assert input_form(OfStones) is input_form(OfStones()) is OfStones.input_form


def test_planes_are_encoded_for_the_wanted_positions_alone() -> None:
    positions = positions_of(random_records(6, SIZE))
    arrays = PLANES.new_arrays(8, SIZE)
    arrays[0][:] = 5
    PLANES.encode(positions, arrays, np.array([1, 0, 1, 1, 0, 1], np.int8))
    np.testing.assert_array_equal(arrays[0][[0, 2, 3, 5]], encode_batch(positions)[[0, 2, 3, 5]])
    assert (arrays[0][[1, 4, 6, 7]] == 5).all()


def test_a_model_of_another_form_is_built_and_plays() -> None:
    model = build(ModelSpec("own", f"{__name__}:OfStones", {}))
    assert isinstance(model, OfStones)
    positions = positions_of(random_records(6, SIZE))
    expected, _ = OfStones.input_form.new_arrays(6, SIZE)
    OfStones.input_form.encode(positions, (expected, np.zeros((6, 2), np.uint8)))
    policy, value = TorchEvaluator(model, 8, SIZE).evaluate(positions)
    np.testing.assert_array_equal(policy, expected)
    assert (np.abs(value) <= 1).all()


def test_a_model_of_another_form_learns_and_is_validated() -> None:
    records = random_records(40, SIZE)
    samples = samples_of(records, 1.0)
    learner = Learner(OfStones(), TrainingSettings(warmup_steps=0, learning_rate=0.01), threads=2)
    plan = BatchPlan(20, 8, form=learner.input_form)
    with EpochBatches([samples], plan, np.random.default_rng(0)) as batches:
        for batch in batches:
            assert [array.shape for array in batch.inputs] == [(20, POINTS), (20, 2)]
            learner.learn(batch)
    assert learner.step == 2
    asked = HeldOut(records, samples, np.ones(40, np.bool_))
    assert asked.ask(learner.judge, learner.input_form).positions == 40


def test_inputs_and_targets_are_transformed_by_the_same_symmetry() -> None:
    samples, everyone = samples_of(random_records(20, SIZE), 1.0), np.arange(20)
    plain = make_batch(samples, everyone, np.zeros(20, np.int64), form=OfStones.input_form)
    for symmetry in range(8):
        batch = make_batch(samples, everyone, np.full(20, symmetry), form=OfStones.input_form)
        for ours, other in ((batch.inputs[0], plain.inputs[0]), (batch.policy, plain.policy)):
            np.testing.assert_array_equal(ours[:, SYMMETRIES[SIZE][symmetry]], other)
        np.testing.assert_array_equal(batch.inputs[1], plain.inputs[1])


class OfOneArray(OfStones):
    """Does not accept the arrays of its input form."""

    def forward(self, stones: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
        return stones * self.weight, stones[:, :3] * self.weight


def test_a_model_that_does_not_read_its_form_is_refused() -> None:
    with pytest.raises(RequestError, match=r"fails on inputs of shape \(2, 49\), \(2, 2\)"):
        build(ModelSpec("own", f"{__name__}:OfOneArray", {}))
