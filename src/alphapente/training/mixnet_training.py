"""`mixnet` taught on a CPU by kernels of its own: the same outputs and gradients as the torch module's, in float32.

The table of patterns, the trunk and the policy head are one step of the autograd graph (training/mixnet_gradients.py);
the value head reads the pooled features and stays in torch.
"""

from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from alphapente.network.mixnet import Mixnet
from alphapente.network.vectors import LANES
from alphapente.training import mixnet_gradients as kernels
from alphapente.training.mixnet_gradients import BackWeights, Found, Gradients, Inputs, Weights
from alphapente.training.mixnet_rows import number_rows, sums_of_rows


def fits(model: nn.Module) -> bool:
    """Whether `taught` can run this model: a mixnet of whole vectors of channels, where kernels are compiled."""
    return isinstance(model, Mixnet) and model.far.device.type == "cpu" and not numba.config.DISABLE_JIT and (
        len(model.trunk.depthwise.weight) % LANES == 0
    )


def answers(model: Mixnet, patterns: Tensor, captured: Tensor, near: Tensor) -> tuple[Tensor, Tensor]:
    """Policy logits float32[B, P] and value logits float32[B, 3], as the model's own `forward`.

    For int16[B, P, 4], uint8[B, 2] and uint8[B, P] on the CPU; see LineInputs.
    """
    trunk, heads = model.trunk, model.heads
    rows, numbers = number_rows(patterns.numpy())
    policy, pooled = _TrunkAndPolicy.apply(  # type: ignore[no-untyped-call]
        Inputs(numbers, captured.numpy(), near.numpy()),
        sums_of_rows(trunk, rows),
        trunk.captured.weight,
        trunk.depthwise.weight,
        trunk.depthwise.bias,
        heads.point.weight,
        heads.point.bias,
        heads.pooled_bias.weight,
        heads.policy.weight,
        model.far,
    )
    return policy, heads.value(torch.relu(heads.hidden(pooled)))


class _TrunkAndPolicy(torch.autograd.Function):
    """Inputs and weights to policy logits [B, P] and pooled features [B, 2 C]."""

    @staticmethod
    def forward(ctx: Any, inputs: Inputs, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        weights = _weights(*tensors)
        count, points = inputs.near.shape
        channels, outputs = len(weights.bias), len(weights.policy)
        size = round(points**0.5)
        found = Found(
            logits=kernels.zeros(count * points),
            pooled=kernels.zeros(count * 2 * channels),
            shift=kernels.zeros(count * outputs),
            positive=np.empty(count * points * outputs // LANES, np.uint16),
        )
        kernels.forward(weights, inputs, size, kernels.new_workspace(channels, outputs, size), found)
        ctx.save_for_backward(*tensors)
        ctx.inputs, ctx.found = inputs, found
        return torch.from_numpy(found.logits).view(count, points), torch.from_numpy(found.pooled).view(count, -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        tensors, inputs, found = ctx.saved_tensors, ctx.inputs, ctx.found
        weights = _weights(*tensors)
        channels, outputs = len(weights.bias), len(weights.policy)
        count, points = inputs.near.shape
        logits_gradient, pooled_gradient = _flat(gradients[0]), gradients[1].detach().numpy().flatten()
        sums = _new_gradients(weights, count)
        kernels.backward(
            (weights, _back_weights(tensors)),
            inputs,
            found,
            (logits_gradient, pooled_gradient),
            kernels.new_workspace(channels, outputs, round(points**0.5)),
            sums,
        )
        table, captured, taps, bias, point, policy, shift, far = (torch.from_numpy(array) for array in sums)
        shift, pooled = shift.view(count, outputs), torch.from_numpy(found.pooled).view(count, -1)
        point, point_weights = point.view(outputs, channels), tensors[4].view(outputs, channels)
        return (
            None,
            table.view(-1, channels),
            captured.view(-1, channels),
            taps.view(-1, 9, LANES).transpose(1, 2).reshape(tensors[2].shape),
            bias,
            (point * tensors[7].view(-1, 1)).view(tensors[4].shape),
            shift.sum(0),
            shift.T @ pooled,
            (policy + (point * point_weights).sum(1)).view(tensors[7].shape),
            far.view(()),
        )


def _flat(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().contiguous().numpy().reshape(-1)
    return array


def _weights(*tensors: Tensor) -> Weights:
    table, captured, depthwise, bias, point, point_bias, pooled, policy, far = tensors
    return Weights(
        table=_flat(table),
        captured=_flat(captured),
        taps=_flat(depthwise.view(-1, LANES, 9).transpose(1, 2)),
        bias=_flat(bias),
        point=_flat(point.flatten(1).T),
        point_bias=_flat(point_bias),
        pooled=_flat(pooled.T),
        policy=_flat(policy),
        far=_flat(far),
    )


def _back_weights(tensors: tuple[Tensor, ...]) -> BackWeights:
    return BackWeights(point=_flat(tensors[4].flatten(1) * tensors[7].view(-1, 1)), pooled=_flat(tensors[6]))


def _new_gradients(weights: Weights, count: int) -> Gradients:
    outputs = len(weights.policy)
    return Gradients(
        table=kernels.zeros(weights.table.size),
        captured=kernels.zeros(weights.captured.size),
        taps=kernels.zeros(weights.taps.size),
        bias=kernels.zeros(weights.bias.size),
        point=kernels.zeros(weights.point.size),
        policy=kernels.zeros(weights.policy.size),
        shift=kernels.zeros(count * outputs),
        far=kernels.zeros(1),
    )
