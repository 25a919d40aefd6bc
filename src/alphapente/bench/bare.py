"""The bare network: an OpenVINO request as in its manual, or mixnet's kernel, with nothing around it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alphapente.config import Config
from alphapente.network.load import Source, prepare
from alphapente.network.mixnet_backend import MixnetEvaluator
from alphapente.network.mixnet_kernels import Weights, evaluate_positions
from alphapente.network.openvino_backend import PortableNetwork, computes_bf16, openvino_core, openvino_precision
from alphapente.network.planes import NUM_PLANES
from alphapente.rules.position import Positions

CpuNetwork = PortableNetwork | Weights
"""A network converted for a CPU."""


def on_cpu_cores(source: Source, config: Config) -> CpuNetwork:
    """A network converted for OpenVINO, or a mixnet for its kernels. Raises as `prepare`."""
    network = prepare(source, config, "openvino")
    assert isinstance(network, CpuNetwork), "prepare converts for this device"
    return network


def precision_of(network: CpuNetwork, config: Config) -> str:
    """The precision that the network computes in here: "fp32", "bf16", "int8" or mixnet's "int16"."""
    if isinstance(network, Weights):
        return "int16"
    return openvino_precision(config.network.precision, network.quantized)


def bare_call(network: CpuNetwork, config: Config, positions: Positions) -> Callable[[], Any]:
    """A function that evaluates a batch of the same size, and does nothing else.

    A mixnet evaluates the positions themselves, as they are at each call, since its speed depends on the number of
    stones. For a convolution only the shape of the input matters.
    """
    if isinstance(network, Weights):
        kernel = MixnetEvaluator(network, len(positions), config.game.board_size).network
        wanted = np.ones(len(positions), np.int8)
        return lambda: evaluate_positions(kernel, positions, wanted)
    return _bare_request(network, config, len(positions), precision_of(network, config))


def _bare_request(network: PortableNetwork, config: Config, batch: int, precision: str) -> Callable[[], Any]:
    """A function that evaluates the same `batch` positions of random planes, compiled for `precision`.

    Precision is "bf16", "fp32" or "int8" (of a quantized network, whose other layers run in the faster of the two).
    Threads are `network.threads_per_worker`, not pinned, as a worker's are.
    """
    floating = "bf16" if precision == "bf16" or (precision == "int8" and computes_bf16()) else "f32"
    size = config.game.board_size
    model = openvino_core().read_model(network.xml, network.weights)
    model.reshape([batch, NUM_PLANES, size, size])
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": config.network.threads_per_worker,
        "INFERENCE_PRECISION_HINT": floating,
        "ENABLE_CPU_PINNING": False,
    }
    request = openvino_core().compile_model(model, "CPU", settings).create_infer_request()
    request.get_input_tensor().data[:] = np.random.default_rng(0).random((batch, NUM_PLANES, size, size)) < 0.1
    return lambda: request.infer(share_outputs=True)
