"""`mixnet` trained on a CPU by kernels of its own: the same outputs and gradients as the torch module's, in float32.

The rows of the table (training/mixnet_rows.py) are one step of the autograd graph; trunk and policy head together are
another (training/mixnet_forward.py and mixnet_backward.py); the value head reads the pooled features and stays in
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
from alphapente.training.mixnet_backward import BackWeights, Gradients, add_gradients
from alphapente.training.mixnet_forward import Found, Inputs, Weights, compute_outputs, new_workspace, zeros
from alphapente.training.mixnet_rows import number_rows, sums_of_rows


def use_kernels(model: nn.Module, device: str, precision: str) -> bool:
    """Makes a Mixnet compute by kernels where they can: on a CPU, in fp32, with a compiler; returns whether it does.

    Names and weights stay. Auxiliary heads read the trunk's features, which the kernels do not keep: a model with
    such heads (training/auxiliary.py) computes in torch all the same.
    """
    fitting = type(model) is Mixnet and len(model.trunk.depthwise.weight) % LANES == 0
    if not fitting or device != "cpu" or precision != "fp32" or numba.config.DISABLE_JIT:
        return False
    model.__class__ = KernelMixnet
    return True


class KernelMixnet(Mixnet):
    """A Mixnet on the CPU, its channels a multiple of LANES."""

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Patterns int16[B, P, 4], captured uint8[B, 2] and near uint8[B, P] to what a Mixnet returns."""
        patterns, captured, near = (tensor.numpy() for tensor in inputs)
        trunk, heads = self.trunk, self.heads
        rows, numbers = number_rows(patterns)
        policy, pooled = _TrunkAndPolicy.apply(  # type: ignore[no-untyped-call]
            Inputs(numbers, captured, near),
            sums_of_rows(trunk, rows),
            trunk.captured.weight,
            trunk.depthwise.weight,
            trunk.depthwise.bias,
            heads.point.weight,
            heads.point.bias,
            heads.pooled_bias.weight,
            heads.policy.weight,
            self.far,
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
            logits=zeros(count * points),
            pooled=zeros(count * 2 * channels),
            shift=zeros(count * outputs),
            positive=np.empty(count * points * outputs // LANES, np.uint16),
        )
        compute_outputs(weights, inputs, size, new_workspace(channels, outputs, size), found)
        ctx.save_for_backward(*tensors)
        ctx.inputs, ctx.found = inputs, found
        return torch.from_numpy(found.logits).view(count, points), torch.from_numpy(found.pooled).view(count, -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        tensors, inputs, found = ctx.saved_tensors, ctx.inputs, ctx.found
        _, _, depthwise, _, point_weights, _, _, policy_weights, _ = tensors
        weights = _weights(*tensors)
        channels, outputs = len(weights.bias), len(weights.policy)
        count, points = inputs.near.shape
        logits_gradient, pooled_gradient = _flat(gradients[0]), gradients[1].detach().numpy().flatten()
        sums = _new_gradients(weights, count)
        add_gradients(
            (weights, _back_weights(*tensors[4:8])),
            inputs,
            found,
            (logits_gradient, pooled_gradient),
            new_workspace(channels, outputs, round(points**0.5)),
            sums,
        )
        table, captured, taps, bias, point, policy, shift, far = (torch.from_numpy(array) for array in sums)
        shift, pooled = shift.view(count, outputs), torch.from_numpy(found.pooled).view(count, -1)
        point = point.view(point_weights.shape)
        return (
            None,
            table.view(-1, channels),
            captured.view(-1, channels),
            taps.view(-1, 9, LANES).transpose(1, 2).reshape(depthwise.shape),
            bias,
            point * policy_weights.view(-1, 1, 1, 1),
            shift.sum(0),
            shift.T @ pooled,
            (policy + (point * point_weights).sum((1, 2, 3))).view(policy_weights.shape),
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


def _back_weights(point: Tensor, _point_bias: Tensor, pooled: Tensor, policy: Tensor) -> BackWeights:
    return BackWeights(point=_flat(point.flatten(1) * policy.view(-1, 1)), pooled=_flat(pooled))


def _new_gradients(weights: Weights, count: int) -> Gradients:
    outputs = len(weights.policy)
    return Gradients(
        table=zeros(weights.table.size),
        captured=zeros(weights.captured.size),
        taps=zeros(weights.taps.size),
        bias=zeros(weights.bias.size),
        point=zeros(weights.point.size),
        policy=zeros(weights.policy.size),
        shift=zeros(count * outputs),
        far=zeros(1),
    )
