"""The kernels that train `mixnet` equal torch's autograd: both outputs and the gradient of every weight."""

import copy
from collections.abc import Callable, Iterator

import numba
import numpy as np
import pytest
import torch
from torch import Tensor

from alphapente.network.mixnet import Mixnet
from alphapente.network.patterns import LINES
from alphapente.rules.position import ORIGIN, STRIDE, new_positions
from alphapente.training.mixnet_training import KernelMixnet, use_kernels
from alphapente.training.replicas import Replicas
from alphapente.training.threads import torch_threads

needs_kernels = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="written as LLVM vectors: not in Python")

Inputs = tuple[Tensor, ...]
Outputs = tuple[Tensor, Tensor]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with torch_threads(1):
        yield


def network(*sizes: int) -> Mixnet:
    """A network of these sizes (see Mixnet) in which all weights contribute to both outputs."""
    torch.manual_seed(1)
    model = Mixnet(*sizes)
    for name, weight in model.named_parameters():
        torch.nn.init.normal_(weight, std=0.3 if "trunk" in name or weight.ndim < 2 else 0.1)
    return model


def inputs(count: int, size: int, stones: float) -> Inputs:
    """Positions with this share of their points occupied, in one corner unless the corner is too small."""
    rng = np.random.default_rng(size)
    positions = new_positions(count, "pente", size)
    placed = round(stones * size * size)
    for position in positions:
        for point in rng.permutation(max(placed, min(9, size * size) if placed else 0))[:placed]:
            position["board"][ORIGIN + point // size * STRIDE + point % size] = rng.integers(1, 3)
        position["captured"] = 2 * rng.integers(0, 5, 2)
        position["to_move"] = rng.integers(1, 3)
    arrays = LINES.new_arrays(count, size)
    LINES.encode(positions, arrays)
    return tuple(torch.from_numpy(array) for array in arrays)


def gradients(model: Mixnet, outputs: Outputs, seeds: Outputs) -> dict[str, Tensor]:
    """The gradients of a weighted sum of both outputs."""
    model.zero_grad()
    sum((output * seed).sum() for output, seed in zip(outputs, seeds, strict=True)).backward()  # type: ignore
    found = {name: weight.grad for name, weight in model.named_parameters()}
    return {name: torch.zeros(()) if grad is None else grad.detach().clone() for name, grad in found.items()}


def require_equal(model: Mixnet, given: Inputs) -> None:
    count, points = given[2].shape
    generator = torch.Generator().manual_seed(2)
    seeds = torch.randn(count, points, generator=generator), torch.randn(count, 3, generator=generator)
    exact = copy.deepcopy(model).double()
    expected = exact(*given)
    assert use_kernels(model, "cpu", "fp32")
    found = model(*given)
    for mine, its in zip(found, expected, strict=True):
        assert mine.dtype == torch.float32
        torch.testing.assert_close(mine.double(), its, rtol=1e-4, atol=1e-5)
    expected_gradients = gradients(exact, expected, seeds)
    for name, gradient in gradients(model, found, seeds).items():
        its = expected_gradients[name]
        scale = float(its.abs().max())
        torch.testing.assert_close(gradient.double(), its.double(), rtol=1e-4, atol=1e-5 * scale + 1e-9, msg=name)


@needs_kernels
@pytest.mark.parametrize("sizes", [(16,), (64,), (80, 64, 32)])
@pytest.mark.parametrize(("size", "stones"), [(7, 0.3), (9, 0.1), (13, 0.02), (19, 0.15)])
def test_outputs_and_gradients_are_those_of_autograd(sizes: tuple[int, ...], size: int, stones: float) -> None:
    require_equal(network(*sizes), inputs(3, size, stones))


@needs_kernels
@pytest.mark.parametrize("stones", [0.0, 1.0])
def test_boards_without_stones_and_without_empty_points(stones: float) -> None:
    given = inputs(2, 9, stones)
    assert given[2].all()
    require_equal(network(32), given)


@needs_kernels
@pytest.mark.parametrize("count", [0, 1, 2, 3, 6])
def test_any_number_of_near_points(count: int) -> None:
    patterns, captured, near = inputs(2, 7, 0.3)
    near.zero_()
    near[0, 5 : 5 + count] = 1
    require_equal(network(16), (patterns, captured, near))


@needs_kernels
def test_a_batch_of_one_position_many_times() -> None:
    one = inputs(1, 9, 0.2)
    require_equal(network(32), tuple(part.repeat(5, *[1] * (part.ndim - 1)) for part in one))


@needs_kernels
def test_a_maximum_that_several_points_have_gives_its_gradient_to_the_first() -> None:
    """All points of an empty board have the same features if all taps except the middle one are 0."""
    model = network(16)
    with torch.no_grad():
        taps = model.trunk.depthwise.weight
        taps.zero_()
        taps[:, :, 1, 1] = 1
        for embeddings in model.trunk.embeddings.parameters():
            embeddings.abs_()
    require_equal(model, inputs(1, 13, 0.0))


@needs_kernels
@pytest.mark.parametrize("bias", [0.0, -100.0])
def test_a_maximum_that_several_near_points_have_gives_its_gradient_to_the_first(bias: float) -> None:
    """All near points have the same policy channels if these depend only on the pooled features.

    About half of the channels are 0 at all points; with the bias of -100 all are.
    """
    model = network(16)
    with torch.no_grad():
        model.heads.point.weight.zero_()
        model.heads.neighbours.weight.zero_()
        model.heads.neighbours.bias.fill_(bias)  # type: ignore[union-attr]
    patterns, captured, near = inputs(2, 9, 0.1)
    near[0, :20] = 0
    require_equal(model, (patterns, captured, near))


@needs_kernels
def test_near_points_in_corners_and_at_edges_after_a_board_of_near_points() -> None:
    """A point outside the board, and one that was near in another position, counts as 0 among the neighbours."""
    patterns, captured, near = inputs(4, 7, 0.3)
    near.zero_()
    board = near.view(4, 7, 7)
    board[0] = 1
    board[1, ::6, ::6] = 1
    board[2, ::6], board[2, :, ::6] = 1, 1
    board[3, ::2, 1::2] = 1
    require_equal(network(16), (patterns, captured, near))


@needs_kernels
def test_two_replicas_learn_what_one_does() -> None:
    given = inputs(8, 9, 0.2)
    found = []
    for count in (1, 2):
        model = network(16)
        assert use_kernels(model, "cpu", "fp32")

        def teach(replica: torch.nn.Module, part: int, count: int = count) -> None:
            assert isinstance(replica, KernelMixnet)
            some = slice(8 // count * part, 8 // count * (part + 1))
            policy, value = replica(*(array[some] for array in given))
            (policy.logsumexp(1).sum() + value.square().sum()).backward()

        Replicas(model, count).run(teach, count)
        found.append([weight.grad for weight in model.parameters()])
    for one, two in zip(*found, strict=True):
        assert one is not None
        assert two is not None
        torch.testing.assert_close(two, one, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "device", "precision", "expected"),
    [
        (lambda: Mixnet(48), "cpu", "fp32", not numba.config.DISABLE_JIT),
        (lambda: Mixnet(24), "cpu", "fp32", False),
        (lambda: Mixnet(16), "cpu", "bf16", False),
        (lambda: Mixnet(16), "cuda", "fp32", False),
        (lambda: torch.nn.Linear(16, 16), "cpu", "fp32", False),
    ],
)
def test_kernels_serve_networks_of_whole_vectors_in_float32_on_a_cpu(
    model: Callable[[], torch.nn.Module], device: str, precision: str, expected: bool
) -> None:
    network = model()
    assert use_kernels(network, device, precision) == expected
    assert isinstance(network, KernelMixnet) == expected
