"""The bare network: an OpenVINO request as in its manual, or mixnet's kernel, with nothing around it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alphapente.network.load import PlayableNetwork
from alphapente.network.mixnet_backend import MixnetEvaluator
from alphapente.network.mixnet_kernels import evaluate_positions
from alphapente.network.openvino_backend import PortableNetwork, computes_bf16, openvino_core
from alphapente.network.planes import NUM_PLANES
from alphapente.rules.position import Positions


def bare_call(network: PlayableNetwork, positions: Positions) -> Callable[[], Any]:
    """A function that evaluates a batch of the same size by a network for a CPU, and does nothing else.

    A mixnet evaluates the positions themselves, as they are at each call, since its speed depends on the number of
    stones. For a convolution only the shape of the input matters.
    """
    batch, size = len(positions), int(positions[0]["size"])
    if isinstance(network.form, PortableNetwork):
        return _bare_request(network, network.form, batch, size)
    evaluator = network.evaluator(batch, size)
    assert isinstance(evaluator, MixnetEvaluator), "the other networks for a CPU are OpenVINO's"
    kernel, wanted = evaluator.network, np.ones(batch, np.int8)
    return lambda: evaluate_positions(kernel, positions, wanted)


def _bare_request(network: PlayableNetwork, form: PortableNetwork, batch: int, size: int) -> Callable[[], Any]:
    """A function that evaluates the same `batch` positions of random planes, compiled for the network's precision.

    In int8 the layers that are not quantized run in the faster of "bf16" and "fp32". Threads are those of a worker, not
    pinned, as a worker's are.
    """
    precision = network.precision
    floating = "bf16" if precision == "bf16" or (precision == "int8" and computes_bf16()) else "f32"
    model = openvino_core().read_model(form.xml, form.weights)
    model.reshape([batch, NUM_PLANES, size, size])
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": network.settings.threads_per_worker,
        "INFERENCE_PRECISION_HINT": floating,
        "ENABLE_CPU_PINNING": False,
    }
    request = openvino_core().compile_model(model, "CPU", settings).create_infer_request()
    request.get_input_tensor().data[:] = np.random.default_rng(0).random((batch, NUM_PLANES, size, size)) < 0.1
    return lambda: request.infer(share_outputs=True)
