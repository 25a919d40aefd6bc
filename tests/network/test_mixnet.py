"""Mixnet in training and in play: the int16 kernels against the model in float32."""

from typing import cast

import numpy as np
import pytest
import torch
from torch import nn

from alphapente.config import load_config
from alphapente.errors import RequestError
from alphapente.network.converted import find_converted, keep_converted
from alphapente.network.load import playable
from alphapente.network.mixnet import Mixnet
from alphapente.network.mixnet_backend import MixnetEvaluator, quantized
from alphapente.network.mixnet_kernels import Weights
from alphapente.network.models import ModelSpec, build, value_of
from alphapente.network.patterns import LINES
from alphapente.network.torch_backend import TorchEvaluator
from alphapente.rules.position import Positions, new_positions
from alphapente.rules.symmetry import NUM_SYMMETRIES, SYMMETRIES, transform_positions
from tests.network.positions import random_positions

CLASS = "alphapente.network.mixnet:Mixnet"


def network(channels: int = 32, seed: int = 1, **sizes: int) -> Mixnet:
    """A network whose parts all matter: fresh, but with outputs and captured rows that are not nearly 0."""
    model = cast(Mixnet, build(ModelSpec("mixnet", CLASS, {"channels": channels, **sizes}), seed=seed))
    generator = torch.Generator().manual_seed(seed)
    for tensor, deviation in ((model.heads.policy.weight, 0.3), (model.heads.value.weight, 0.1)):
        nn.init.normal_(tensor, std=deviation, generator=generator)
    nn.init.normal_(model.heads.neighbours.weight, std=0.3, generator=generator)
    for added in (
        model.trunk.captured.weight,
        model.trunk.depthwise.bias,
        model.heads.point.bias,
        model.heads.neighbours.bias,
    ):
        assert added is not None
        nn.init.normal_(added, std=0.2, generator=generator)
    return model.eval()


def exactly(model: Mixnet, positions: Positions) -> tuple[np.ndarray, np.ndarray]:
    arrays = LINES.new_arrays(len(positions), int(positions["size"][0]))
    LINES.encode(positions, arrays)
    with torch.no_grad():
        policy, value = model(*map(torch.from_numpy, arrays))
    return policy.numpy(), value_of(value).numpy()


@pytest.mark.parametrize(
    ("size", "sizes", "variant"),
    [
        (7, {"channels": 16, "value_hidden": 32}, "keryo"),
        (9, {"channels": 32, "policy_channels": 96}, "gomoku"),
        (19, {"channels": 64}, "pente"),
    ],
)
def test_kernels_agree_with_the_model(size: int, sizes: dict[str, int], variant: str) -> None:
    model = network(**sizes)
    positions = np.concatenate([new_positions(1, variant, size), random_positions(size, 7, 5, variant)])
    policy, value = exactly(model, positions)
    found_policy, found_value = MixnetEvaluator(quantized(model), 8, size).evaluate(positions)
    # Rounding to 16 bits: about a thousandth of what distinguishes moves and positions.
    assert np.abs(found_policy - policy).max() < 0.01 * policy.std()
    assert np.abs(found_value - value).max() < 0.01
    assert value.std() > 0.02


def test_nothing_overflows_where_every_weight_pulls_the_same_way() -> None:
    model = network(16)
    with torch.no_grad():
        for embedding in model.trunk.embeddings:
            nn.init.constant_(embedding.weight, 3.0)  # type: ignore[arg-type]
        model.trunk.captured.weight.fill_(2.0)
        model.trunk.depthwise.weight.fill_(0.7)
        model.heads.point.weight.fill_(0.1)
    positions = random_positions(9, 4, seed=6)
    policy, value = exactly(model, positions)
    found_policy, found_value = MixnetEvaluator(quantized(model), 4, 9).evaluate(positions)
    np.testing.assert_allclose(found_policy, policy, rtol=0.01)
    np.testing.assert_allclose(found_value, value, atol=0.01)


def test_a_policy_channel_of_a_single_weight_does_not_overflow() -> None:
    model = network(16)
    with torch.no_grad():
        model.heads.point.weight.zero_()
        model.heads.point.weight[:, 3] = 1.0
    positions = random_positions(9, 4, seed=6)
    policy, value = exactly(model, positions)
    found_policy, found_value = MixnetEvaluator(quantized(model), 4, 9).evaluate(positions)
    assert np.abs(found_policy - policy).max() < 0.01 * policy.std()
    np.testing.assert_allclose(found_value, value, atol=0.01)


def test_only_wanted_positions_are_evaluated() -> None:
    positions = random_positions(9, 3, seed=7)
    evaluator = MixnetEvaluator(quantized(network()), 3, 9)
    policy = evaluator.evaluate(positions)[0].copy()
    evaluator = MixnetEvaluator(quantized(network()), 3, 9)
    found = evaluator.evaluate(positions, np.array([1, 0, 1], np.int8))[0]
    np.testing.assert_array_equal(found[[0, 2]], policy[[0, 2]])
    assert not found[1].any()


def test_an_evaluator_refuses_what_does_not_fit() -> None:
    evaluator = MixnetEvaluator(quantized(network()), 2, 9)
    with pytest.raises(RequestError, match="do not fit"):
        evaluator.evaluate(random_positions(9, 3, seed=8))
    with pytest.raises(RequestError, match="do not fit"):
        evaluator.evaluate(random_positions(7, 1, seed=8))


def test_other_weights_replace_those_before_whatever_their_number() -> None:
    positions = random_positions(9, 2, seed=9)
    evaluator = MixnetEvaluator(quantized(network(16)), 2, 9)
    evaluator.evaluate(positions)
    other = network(48, seed=2, policy_channels=64)
    evaluator.load_weights(other)
    policy = exactly(other, positions)[0]
    assert np.abs(evaluator.evaluate(positions)[0] - policy).max() < 0.01 * policy.std()


def test_points_far_from_all_stones_share_a_logit() -> None:
    model = network()
    with torch.no_grad():
        model.far.fill_(-1.25)
    positions = random_positions(19, 2, seed=10, max_plies=4)
    arrays = LINES.new_arrays(2, 19)
    LINES.encode(positions, arrays)
    for policy in (exactly(model, positions)[0], MixnetEvaluator(quantized(model), 2, 19).evaluate(positions)[0]):
        assert (policy[arrays[2] == 0] == -1.25).all()
        assert (policy[arrays[2] == 1] != -1.25).all()


def test_without_directions_in_the_convolutions_it_turns_with_the_board() -> None:
    """Patterns have no orientation: only the convolutions have."""
    model = network()
    with torch.no_grad():
        for convolution in (model.trunk.depthwise, model.heads.neighbours):
            convolution.weight.copy_(convolution.weight.mean((2, 3), keepdim=True).expand(-1, -1, 3, 3))
    positions = random_positions(9, 1, seed=11)
    policy = exactly(model, positions)[0][0]
    for symmetry in range(NUM_SYMMETRIES):
        transformed = exactly(model, transform_positions(positions, symmetry))[0][0]
        np.testing.assert_allclose(transformed[SYMMETRIES[9][symmetry]], policy, atol=1e-4)


def test_it_is_prepared_for_its_kernels_and_on_request_played_by_torch() -> None:
    config, model = load_config(), network()
    for device in (None, "openvino", "cpu"):
        playing = playable(model, config, device)
        assert isinstance(playing.form, Weights)
        assert (playing.evaluator(1, 9).name, playing.precision) == ("mixnet int16", "int16")
    assert playable(model, config, "cuda").form is model
    positions = random_positions(9, 2, seed=12)
    policy = TorchEvaluator(model, 2, 9).evaluate(positions)[0]
    np.testing.assert_allclose(policy, exactly(model, positions)[0], atol=1e-5)


def test_a_kept_conversion_is_found_unchanged(tmp_path) -> None:  # type: ignore[no-untyped-def]
    config = load_config()
    pipeline = config.pipeline.model_copy(update={"checkpoint_dir": str(tmp_path)})
    config = config.model_copy(update={"pipeline": pipeline})
    weights = quantized(network(16))
    keep_converted(config, "mixnet", "key", weights, 12)
    found = find_converted(config, "mixnet", "key")
    assert found is not None
    assert found[1] == 12
    for name, array in weights._asdict().items():
        np.testing.assert_array_equal(getattr(found[0], name), array)
    assert find_converted(config, "mixnet", "another key") is None


def test_embeddings_of_longer_patterns_add_to_those_of_their_middles() -> None:
    trunk = network(16).trunk
    table = trunk.table().detach().numpy()
    rows = [getattr(trunk, f"rows_{radius}").numpy() for radius in range(1, 5)]
    weights = [embedding.weight.detach().numpy() for embedding in trunk.embeddings]  # type: ignore[operator]
    for pattern in (0, 17, 22_000):
        total = sum(weight[row[pattern]] for weight, row in zip(weights, rows, strict=True))
        np.testing.assert_allclose(table[pattern], total, rtol=1e-6)
