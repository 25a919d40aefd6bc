"""A converted network made to compute in 8-bit whole numbers: nearly the same moves, in little over half the time.

What a layer hands on is rounded to 256 steps between the ends of its range, and the ranges are measured on positions of
real games: so a network is quantized after it has learned, and again whenever it has learned more. NNCF does it
(post-training quantization with its slower, more exact bias correction), in seconds, and needs torch: the process that
reads the checkpoint quantizes, and workers are handed what comes out.
"""

import contextlib
import importlib.util
import logging
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from alphapente.errors import FailureError, RequestError
from alphapente.network.evaluator import Planes
from alphapente.network.openvino_backend import PortableNetwork, import_openvino, openvino_precision, portable

NUM_POSITIONS = 256
"""Positions to measure the ranges on. Fewer make coarser guesses; more take longer and change nothing."""
BATCH = 32
"""A range ends at the largest value of a batch, in the mean of all batches. Of single positions the mean would cut off
what the network shouts only where a move wins at once: the policy's divergence is then ten times as large."""


def require_int8() -> None:
    """Raises RequestError where no network can be quantized: NNCF is not installed, or the processor has no int8."""
    openvino_precision("int8", quantized=True)
    if importlib.util.find_spec("nncf") is None:
        raise RequestError(
            "network.precision is int8, which needs NNCF: install it with `pip install 'alphapente[int8]'`, or use auto"
        )


def quantize(network: PortableNetwork, planes: Planes) -> PortableNetwork:
    """The network in int8, its ranges measured on planes float32[n, NUM_PLANES, S, S], at least BATCH of them.

    A second or two for the built-in networks. Raises RequestError as `require_int8` does, FailureError for a network
    that NNCF cannot quantize.
    """
    require_int8()
    openvino = import_openvino()
    with _quiet_nncf() as nncf:
        batches = np.array_split(planes, max(1, len(planes) // BATCH))
        try:
            quantized = nncf.quantize(
                openvino.Core().read_model(network.xml, network.weights),
                nncf.Dataset(batches),
                subset_size=len(batches),
                preset=nncf.QuantizationPreset.MIXED,
                target_device=nncf.TargetDevice.CPU,
                fast_bias_correction=False,
            )
        except Exception as error:  # a model of the user's own may fail in any way
            raise FailureError(
                f"NNCF cannot quantize this network ({error}): set network.precision to auto to play it as it is"
            ) from error
    return portable(quantized, quantized=True)


@contextlib.contextmanager
def _quiet_nncf() -> Iterator[Any]:
    """The module `nncf`, which would draw progress bars on rich's own console; ours are others."""
    import nncf
    import rich

    nncf.set_log_level(logging.ERROR)
    with open(os.devnull, "w") as nowhere:
        rich.reconfigure(file=nowhere)
        try:
            yield nncf
        finally:
            rich.reconfigure()
