"""Trains `mixnet` on a CPU by its own kernels: the same outputs and gradients as the torch module, in float32.

The rows of the table (training/mixnet_rows.py) are one node of the autograd graph; trunk and policy head together are
another (training/mixnet_forward.py and mixnet_backward.py); the value head, which reads their pooled features, stays in
torch.
"""

from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from alphapente.network.mixnet import Mixnet
from alphapente.network.vectors import LANES
from alphapente.training.mixnet_backward import BackWeights, Gradients, OutputGradients, add_gradients
from alphapente.training.mixnet_forward import Found, Inputs, Weights, compute_outputs, new_workspace, zeros
from alphapente.training.mixnet_rows import number_rows, sums_of_rows


def use_kernels(model: nn.Module, device: str, precision: str) -> bool:
    """Makes a Mixnet compute by kernels if possible: on a CPU, in fp32, with a compiler; returns whether it does.

    Names and weights stay the same. Auxiliary heads read the trunk's features, which the kernels do not keep: a model
    with such heads (training/auxiliary.py) computes in torch.
    """
    fitting = type(model) is Mixnet and len(model.trunk.depthwise.weight) % LANES == 0
    if not fitting or device != "cpu" or precision != "fp32" or numba.config.DISABLE_JIT:
        return False
    model.__class__ = KernelMixnet
    return True


class KernelMixnet(Mixnet):
    """A Mixnet on the CPU; its channels are a multiple of LANES."""

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Patterns int16[B, P, 4], captured uint8[B, 2] and near uint8[B, P] to the outputs of a Mixnet."""
        patterns, captured, near = (tensor.numpy() for tensor in inputs)
        trunk, heads = self.trunk, self.heads
        rows, numbers = number_rows(patterns)
        policy, pooled, pooled_near = _TrunkAndPolicy.apply(  # type: ignore[no-untyped-call]
            Inputs(numbers, captured, near),
            sums_of_rows(trunk, rows),
            trunk.captured.weight,
            trunk.depthwise.weight,
            trunk.depthwise.bias,
            heads.point.weight,
            heads.point.bias,
            heads.pooled_bias.weight,
            heads.neighbours.weight,
            heads.neighbours.bias,
            heads.policy.weight,
            self.far,
        )
        return policy, heads.value(torch.relu(heads.hidden(pooled) + heads.hidden_near(pooled_near)))


class _TrunkAndPolicy(torch.autograd.Function):
    """Inputs and weights to policy logits [B, P], pooled features [B, 2 C] and pooled policy channels [B, 2 H]."""

    @staticmethod
    def forward(ctx: Any, inputs: Inputs, *tensors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weights = _weights(*tensors)
        count, points = inputs.near.shape
        channels, outputs = len(weights.bias), len(weights.policy)
        size = round(points**0.5)
        found = Found(
            logits=zeros(count * points),
            pooled=zeros(count * 2 * channels),
            pooled_near=zeros(count * 2 * outputs),
            alone=torch.empty(int(np.count_nonzero(inputs.near)) * outputs).numpy(),
        )
        compute_outputs(weights, inputs, size, new_workspace(channels, outputs, size), found)
        ctx.save_for_backward(*tensors)
        ctx.inputs, ctx.found = inputs, found
        logits, pooled, pooled_near = (torch.from_numpy(array).view(count, -1) for array in found[:3])
        return logits, pooled, pooled_near

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        tensors, inputs, found = ctx.saved_tensors, ctx.inputs, ctx.found
        _, _, depthwise, _, point_weights, _, pooled_weights, neighbours, _, policy_weights, _ = tensors
        weights = _weights(*tensors)
        back = BackWeights(point=_flat(point_weights), pooled=_flat(pooled_weights))
        channels, outputs = len(weights.bias), len(weights.policy)
        count, points = inputs.near.shape
        logits, pooled, pooled_near = gradients
        outer = OutputGradients(_flat(logits), _flat(pooled.clone()), _flat(pooled_near))
        sums = _new_gradients(weights, count)
        workspace = new_workspace(channels, outputs, round(points**0.5))
        add_gradients((weights, back), inputs, found, outer, workspace, sums)
        table, captured, taps, bias, point, near_taps, near_bias, policy, shift, far = map(torch.from_numpy, sums)
        shift = shift.view(count, outputs)
        return (
            None,
            table.view(-1, channels),
            captured.view(-1, channels),
            _from_taps(taps, depthwise),
            bias,
            point.view(point_weights.shape),
            shift.sum(0),
            shift.T @ torch.from_numpy(found.pooled).view(count, -1),
            _from_taps(near_taps, neighbours),
            near_bias,
            policy.view(policy_weights.shape),
            far.view(()),
        )


def _flat(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().contiguous().numpy().reshape(-1)
    return array


def _taps(weight: Tensor) -> NDArray[np.float32]:
    """The weights [C, 1, 3, 3] of a depthwise convolution as [C / LANES, 9, LANES]."""
    return _flat(weight.view(-1, LANES, 9).transpose(1, 2))


def _from_taps(taps: Tensor, weight: Tensor) -> Tensor:
    """The inverse of `_taps`: in the shape of `weight`."""
    return taps.view(-1, 9, LANES).transpose(1, 2).reshape(weight.shape)


def _weights(*tensors: Tensor) -> Weights:
    table, captured, depthwise, bias, point, point_bias, pooled, neighbours, near_bias, policy, far = tensors
    return Weights(
        table=_flat(table),
        captured=_flat(captured),
        taps=_taps(depthwise),
        bias=_flat(bias),
        point=_flat(point.flatten(1).T),
        point_bias=_flat(point_bias),
        pooled=_flat(pooled.T),
        near_taps=_taps(neighbours),
        near_bias=_flat(near_bias),
        policy=_flat(policy),
        far=_flat(far),
    )


def _new_gradients(weights: Weights, count: int) -> Gradients:
    outputs = len(weights.policy)
    return Gradients(
        table=zeros(weights.table.size),
        captured=zeros(weights.captured.size),
        taps=zeros(weights.taps.size),
        bias=zeros(weights.bias.size),
        point=zeros(weights.point.size),
        near_taps=zeros(weights.near_taps.size),
        near_bias=zeros(weights.near_bias.size),
        policy=zeros(weights.policy.size),
        shift=zeros(count * outputs),
        far=zeros(1),
    )
