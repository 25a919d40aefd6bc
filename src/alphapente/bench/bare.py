"""The bare network: an OpenVINO request as its own manual makes one, with nothing of ours around it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alphapente.config import Config
from alphapente.network.load import prepare
from alphapente.network.models import build_model
from alphapente.network.openvino_backend import PortableNetwork, computes_bf16, openvino_core
from alphapente.network.planes import NUM_PLANES


def fresh_network(config: Config, model_type: str) -> PortableNetwork:
    """The model type with random weights, converted for OpenVINO. Raises RequestError for an unknown type."""
    network = prepare(build_model(config, model_type, seed=1), config, "openvino")
    assert isinstance(network, PortableNetwork), "prepare converts for this device"
    return network


def bare_request(network: PortableNetwork, config: Config, batch: int, precision: str) -> Callable[[], Any]:
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
