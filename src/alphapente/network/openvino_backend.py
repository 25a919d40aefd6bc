"""Evaluates positions with OpenVINO: on a CPU, two (bf16) to ten times as fast as with PyTorch.

The precision depends on the runtime: bf16 if it computes in bf16, else float32; int8 if the network is quantized (see
`quantization`), with its few floating-point layers in bf16 or float32.

A model is converted once, which takes about a second and needs torch. The result, a PortableNetwork, is plain bytes for
any board size, which a worker compiles in a tenth of a second without importing torch.
"""

import functools
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alphapente.errors import FailureError, RequestError
from alphapente.network.evaluator import Outputs, Wanted, as_batch
from alphapente.network.inputs import PLANES
from alphapente.network.planes import NUM_PLANES, Planes
from alphapente.rules.position import Positions, new_positions

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class PortableNetwork:
    """A network for any batch and board size in OpenVINO's format; it can be pickled and sent to other processes."""

    xml: bytes
    weights: bytes
    quantized: bool = False
    """Whether its convolutions compute in int8: a property of the network itself, see `quantization.quantize`."""


def import_openvino() -> Any:
    """The module `openvino` without its telemetry; all imports of it use this function.

    Its converter, and NNCF, fork a process that reports their use over the network. Without a network that process
    blocks the exit of ours. If the telemetry package seems not to be installed, they work without it.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    return openvino


@functools.cache
def openvino_core() -> Any:
    """The only `openvino.Core` of the process; it is never released.

    A Core's CPU plugin gives the thread that loads it another stack for its signal handlers, and removes that stack
    when the Core is released. If several Cores are released in another order than last first, or by another thread, the
    thread keeps a stack that is freed: its next signal, such as a Ctrl-C, is a segmentation fault (seen with OpenVINO
    2026.4.1).
    """
    return import_openvino().Core()


def convert(model: "nn.Module") -> PortableNetwork:
    """Converts `model` for play: the value is one number, and normalisation is folded in. Takes about a second.

    Raises RequestError for a model that OpenVINO cannot convert.
    """
    import torch

    from alphapente.network.models import value_of
    from alphapente.network.torch_backend import fused_for_play

    class Playing(torch.nn.Module):
        """The model with the value in [-1, 1], as evaluators return it."""

        def __init__(self) -> None:
            super().__init__()
            self.model = fused_for_play(model)

        def forward(self, planes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            policy, value = self.model(planes)
            return policy, value_of(value)

    openvino = import_openvino()
    planes = torch.zeros(2, NUM_PLANES, 9, 9)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing is deprecated, but OpenVINO converts a traced model fastest
            traced = torch.jit.trace(Playing().eval(), planes, check_trace=False)  # type: ignore[no-untyped-call]
        converted = openvino.convert_model(traced, example_input=planes)
        converted.reshape([-1, NUM_PLANES, -1, -1])
    except Exception as error:  # a user-defined model may fail in any way
        raise RequestError(
            f"OpenVINO cannot convert this model ({error}): set network.device to cpu or cuda to play it with torch"
        ) from error
    return portable(converted)


def portable(model: Any, quantized: bool = False) -> PortableNetwork:
    """An `openvino.Model` as bytes."""
    with tempfile.TemporaryDirectory(prefix="alphapente-") as folder:
        path = Path(folder, "network.xml")
        import_openvino().save_model(model, path, compress_to_fp16=False)
        return PortableNetwork(path.read_bytes(), path.with_suffix(".bin").read_bytes(), quantized)


@functools.cache
def _capabilities() -> frozenset[str]:
    return frozenset(openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))


def computes_bf16() -> bool:
    """Whether OpenVINO computes in bf16 on this processor."""
    return "BF16" in _capabilities()


def computes_int8() -> bool:
    """Whether OpenVINO computes in int8 on this processor."""
    return "INT8" in _capabilities()


def openvino_precision(requested: str, quantized: bool) -> str:
    """Resolves `network.precision` for OpenVINO here: "int8" for a quantized network, else "bf16" or "fp32".

    If int8 is requested, a network that is not quantized uses the fastest floating-point type, as with "auto".
    Raises RequestError for bf16 or int8 on a processor without it.
    """
    if (requested == "bf16" and not computes_bf16()) or (requested == "int8" and not computes_int8()):
        raise RequestError(
            f"network.precision is {requested}, which this processor does not compute in: use auto or fp32"
        )
    if quantized:
        return "int8"
    return "bf16" if requested != "fp32" and computes_bf16() else "fp32"


class OpenVinoEvaluator:
    """An Evaluator for a network compiled for `batch_size` positions of one board size.

    `threads` are OpenVINO's own; `precision` is `network.precision`, see `openvino_precision`. Raises RequestError for
    a precision that the processor does not have, FailureError if the network does not compile.
    """

    def __init__(
        self, network: PortableNetwork, batch_size: int, board_size: int, threads: int = 1, precision: str = "auto"
    ) -> None:
        self._requested = precision
        self.batch_size = batch_size
        self.board_size = board_size
        self.threads = threads
        self.input = new_positions(batch_size, "pente", board_size)
        self._inputs = PLANES.new_arrays(batch_size, board_size)
        self._policy: NDArray[np.float32] = np.zeros((batch_size, board_size * board_size), np.float32)
        self._value: NDArray[np.float32] = np.zeros(batch_size, np.float32)
        self._use(network)

    def load_weights(self, source: "PortableNetwork | nn.Module") -> None:
        """Replaces the network: takes a tenth of a second for a converted one, a second for a torch model."""
        network = source if isinstance(source, PortableNetwork) else convert(source)
        self._use(network)

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:
        """See Evaluator.evaluate. Always computes a whole batch, for which the network is compiled."""
        count = as_batch(positions, self.batch_size, self.board_size)
        PLANES.encode(positions, self._inputs, wanted)
        return self._infer(count)

    def evaluate_planes(self, planes: Planes) -> Outputs:
        """The same of planes float32[n, NUM_PLANES, S, S], n <= B."""
        self._inputs[0][: len(planes)] = planes
        return self._infer(len(planes))

    def _infer(self, count: int) -> Outputs:
        self._request.infer(share_outputs=True)
        return self._policy[:count], self._value[:count]

    def _use(self, network: PortableNetwork) -> None:
        self.precision = openvino_precision(self._requested, network.quantized)
        self.name = f"openvino {self.precision}"
        self._request = self._compile(network)

    def _compile(self, network: PortableNetwork) -> Any:
        openvino = import_openvino()
        core = openvino_core()
        floating = openvino_precision(self._requested, quantized=False)
        try:
            model = core.read_model(network.xml, network.weights)
            model.reshape([self.batch_size, NUM_PLANES, self.board_size, self.board_size])
            compiled = core.compile_model(
                model,
                "CPU",
                {
                    "PERFORMANCE_HINT": "LATENCY",
                    "NUM_STREAMS": 1,
                    "INFERENCE_NUM_THREADS": self.threads,
                    "INFERENCE_PRECISION_HINT": "bf16" if floating == "bf16" else "f32",
                    # With pinning, every worker process would use the same core.
                    "ENABLE_CPU_PINNING": False,
                },
            )
        except RuntimeError as error:
            raise FailureError(f"OpenVINO cannot compile the network: {error}") from error
        request = compiled.create_infer_request()
        # The request reads and writes these arrays in place: a call copies nothing.
        request.set_input_tensor(openvino.Tensor(self._inputs[0], shared_memory=True))
        request.set_output_tensor(0, openvino.Tensor(self._policy, shared_memory=True))
        request.set_output_tensor(1, openvino.Tensor(self._value, shared_memory=True))
        return request
