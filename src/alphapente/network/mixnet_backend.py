"""An Evaluator for `mixnet` in int16: no runtime library, one position at a time.

`quantized` chooses the scales (units) so that nothing can overflow, whatever the position: a channel's features are at
most four times its largest row plus its largest rows of captured stones, and so on layer by layer.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alphapente.network.evaluator import Outputs, Wanted, as_batch
from alphapente.network.mixnet_kernels import Network, Weights, evaluate_positions, new_workspace
from alphapente.network.patterns import MAX_CAPTURED
from alphapente.network.vectors import LANES
from alphapente.rules.position import Positions, new_positions

if TYPE_CHECKING:
    from alphapente.network.mixnet import Mixnet

_LARGEST = 2**15 - 1
_FLOOR_ERROR = 2
"""Mean error of a sum of nine products, each rounded down (0.5 on average), about half of which are 0."""


def quantized(model: "Mixnet") -> Weights:
    """The quantized weights of the network, for the kernels.

    The depthwise products keep their upper 16 bits: features and taps use the whole range of int16, and a product is
    (feature / feature_unit) * (tap * gain) / 65,536, so its unit is 65,536 * feature_unit / gain. `gain` is limited by
    the largest tap and by the largest possible sum: features are not negative, so that is the sum of the positive or of
    the negative taps, times the largest feature (2**15 / 2**16 = 1 / 2), plus the bias.
    """
    tensors = {name: tensor.detach().cpu().double().numpy() for name, tensor in model.state_dict().items()}
    table = model.trunk.table().detach().cpu().double().numpy()
    channels = table.shape[1]
    captured = tensors["trunk.captured.weight"].reshape(2, MAX_CAPTURED + 1, channels)
    largest = 4 * np.abs(table).max(0) + np.abs(captured).max(1).sum(0)
    feature_unit = np.maximum(largest, 1e-9) / (_LARGEST - 8)  # 8: margin for rounding the rows; 1e-9: no division by 0
    taps = tensors["trunk.depthwise.weight"].reshape(channels, 9)
    bias = tensors["trunk.depthwise.bias"]
    sums = np.maximum(np.maximum(taps, 0).sum(1), np.maximum(-taps, 0).sum(1))
    # 16: margin for rounding the products and the bias
    gain = np.minimum(
        _LARGEST / np.maximum(np.abs(taps).max(1), 1e-9),
        (_LARGEST - 16) / np.maximum(sums / 2 + np.abs(bias) / (65536 * feature_unit), 1e-9),
    )
    unit = 65536 * feature_unit / gain
    pointwise = tensors["heads.point.weight"].reshape(-1, channels) * unit
    # The pointwise layer's products are summed in int32: at most 2**15 * 65,536 = 2**31, minus a margin for rounding;
    # and each weight is an int16.
    sizes = np.abs(pointwise)
    policy_unit = np.maximum(sizes.sum(1) / (65536 - channels), np.maximum(sizes.max(1), 1e-12) / _LARGEST)
    policy = np.rint(pointwise / policy_unit[:, None]).T  # [C, H]
    pooled = np.concatenate([tensors["heads.pooled_bias.weight"], tensors["heads.hidden.weight"]]).T
    pooled_bias = np.concatenate([tensors["heads.point.bias"], tensors["heads.hidden.bias"]])

    def whole(array: NDArray[np.float64]) -> NDArray[np.int16]:
        return np.ascontiguousarray(np.rint(array)).astype(np.int16).ravel()

    def floating(array: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.ascontiguousarray(array, np.float32).ravel()

    return Weights(
        table=whole(table / feature_unit),
        captured=whole(captured / feature_unit),
        depthwise=whole((taps * gain[:, None]).reshape(-1, LANES, 9).transpose(0, 2, 1)),
        depthwise_bias=whole(bias / unit + _FLOOR_ERROR),
        unit=floating(unit),
        policy=whole(policy.reshape(channels // 2, 2, -1).transpose(0, 2, 1)),
        policy_unit=floating(policy_unit),
        policy_last=floating(tensors["heads.policy.weight"]),
        far=floating(tensors["far"].reshape(1)),
        neighbours=floating(tensors["heads.neighbours.weight"].reshape(-1, 9).T),
        neighbours_bias=floating(tensors["heads.neighbours.bias"]),
        pooled=floating(pooled),
        pooled_bias=floating(pooled_bias),
        pooled_near=floating(tensors["heads.hidden_near.weight"].T),
        value=floating(tensors["heads.value.weight"]),
        value_bias=floating(tensors["heads.value.bias"]),
    )


class MixnetEvaluator:
    """An Evaluator for a quantized `mixnet`: computes one position at a time, whatever the batch size."""

    def __init__(self, weights: Weights, batch_size: int, board_size: int) -> None:
        self.batch_size = batch_size
        self.board_size = board_size
        self.name = "mixnet int16"
        self.input = new_positions(batch_size, "pente", board_size)
        self._all = np.ones(batch_size, np.int8)
        self.load_weights(weights)

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:
        """See Evaluator.evaluate."""
        count = as_batch(positions, self.batch_size, self.board_size)
        evaluate_positions(self.network, positions, self._all[:count] if wanted is None else wanted)
        return self.network.logits[:count], self.network.values[:count]

    def load_weights(self, source: "Weights | Mixnet") -> None:
        """Replaces the weights; the number of channels may differ."""
        weights = source if isinstance(source, Weights) else quantized(source)
        self.network = Network(
            weights,
            new_workspace(weights, self.board_size),
            np.zeros((self.batch_size, self.board_size**2), np.float32),
            np.zeros(self.batch_size, np.float32),
        )
