"""Quantization of a converted network to int8: nearly the same moves, in little over half the time.

The output of each layer is rounded to 256 steps within its range, and the ranges are measured on positions of real
games. So a network is quantized after training, and again after each further training. NNCF does it (post-training
quantization with its slower, more exact bias correction) in seconds, and needs torch: the process that reads the
checkpoint quantizes, and workers get the result.
"""

import contextlib
import importlib.util
import logging
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from alphapente.errors import FailureError, RequestError
from alphapente.network.openvino_backend import (
    OpenVinoEvaluator,
    PortableNetwork,
    openvino_core,
    openvino_precision,
    portable,
)
from alphapente.network.planes import Planes

NUM_POSITIONS = 256
"""Positions on which the ranges are measured. Fewer give coarser estimates; more take longer and change nothing."""
BATCH = 32
"""The end of a range is the largest value in a batch, averaged over all batches. With batches of one position that mean
would cut off the large outputs that occur only where a move wins at once: the policy's divergence is then ten times as
large."""


MOST_DIVERGENCE, MOST_VALUE_ERROR = 0.25, 0.25
"""The largest mean divergence and value error of a usable network; good ones have some thousandths and hundredths."""


def require_int8() -> None:
    """Raises RequestError if no network can be quantized: NNCF is not installed, or the processor has no int8."""
    openvino_precision("int8", quantized=True)
    if importlib.util.find_spec("nncf") is None:
        raise RequestError(
            "network.precision is int8, which needs NNCF: install it with `pip install 'alphapente[int8]'`, or use auto"
        )


def quantize(network: PortableNetwork, planes: Planes) -> PortableNetwork:
    """The network in int8, its ranges measured on planes float32[n, NUM_PLANES, S, S], at least BATCH of them.

    The last layer of each output stays in floating point: that costs nothing, and the output is not rounded. Takes a
    second or two for the built-in networks. Raises RequestError as `require_int8`, FailureError if NNCF cannot quantize
    the network, or if its outputs differ too much afterwards.
    """
    require_int8()
    model = openvino_core().read_model(network.xml, network.weights)
    batches = np.array_split(planes, max(1, len(planes) // BATCH))
    with _quiet_nncf() as nncf:
        try:
            found = nncf.quantize(
                model,
                nncf.Dataset(batches),
                subset_size=len(batches),
                preset=nncf.QuantizationPreset.MIXED,
                target_device=nncf.TargetDevice.CPU,
                fast_bias_correction=False,
                ignored_scope=nncf.IgnoredScope(names=_last_layers(model)),
            )
        except Exception as error:  # a user-defined model may fail in any way
            raise FailureError(
                f"NNCF cannot quantize this network ({' '.join(str(error).split())}): "
                "set network.precision to auto to play it as it is"
            ) from error
    quantized = portable(found, quantized=True)
    divergence, value_error = difference(network, quantized, planes)
    if divergence > MOST_DIVERGENCE or value_error > MOST_VALUE_ERROR:
        raise FailureError(
            f"int8 changes this network too much (on {len(planes)} positions mean divergence {divergence:.3f}, mean "
            f"value error {value_error:.3f}): set network.precision to auto to play it as it is"
        )
    return quantized


def difference(one: PortableNetwork, other: PortableNetwork, planes: Planes) -> tuple[float, float]:
    """Means over planes float32[n, NUM_PLANES, S, S]: Kullback-Leibler divergence of the policies, |value error|."""
    log_policies, values = [], []
    for network in (one, other):
        evaluator = OpenVinoEvaluator(network, len(planes), planes.shape[-1])
        logits, value = evaluator.evaluate_planes(planes)
        shifted = logits - logits.max(1, keepdims=True)
        log_policies.append(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))
        values.append(value)
    divergence = (np.exp(log_policies[0]) * (log_policies[0] - log_policies[1])).sum(1)
    return float(divergence.mean()), float(np.abs(values[0] - values[1]).mean())


def _last_layers(model: Any) -> list[str]:
    """The name of the last convolution or linear layer of each output of an `openvino.Model`."""
    names = []
    for node in model.get_results():
        while node.get_type_name() not in ("Convolution", "MatMul") and node.get_input_size():
            node = node.input_value(0).get_node()
        if node.get_input_size():
            names.append(node.get_friendly_name())
    return names


@contextlib.contextmanager
def _quiet_nncf() -> Iterator[Any]:
    """The module `nncf` without its progress bars, which it would draw on rich's global console."""
    import nncf
    import rich

    nncf.set_log_level(logging.ERROR)
    with open(os.devnull, "w") as nowhere:
        rich.reconfigure(file=nowhere)
        try:
            yield nncf
        finally:
            rich.reconfigure()
