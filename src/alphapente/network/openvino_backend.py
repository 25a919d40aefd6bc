"""Evaluates positions with OpenVINO: on a CPU, two (bf16) to ten times as many a second as PyTorch does.

A model is converted once, which takes about a second and needs torch; what comes out, a PortableNetwork, is plain
bytes for any board size that a worker process compiles in a tenth of a second without ever importing torch.
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
from alphapente.network.evaluator import Outputs, Planes, as_batch
from alphapente.network.planes import NUM_PLANES

if TYPE_CHECKING:
    from torch import nn

# OpenVINO's converter forks a process that reports its use over the network, and hangs the end of ours where there is
# none. Told that the reporter is not installed, it does without.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class PortableNetwork:
    """A network for any batch and board as OpenVINO's own text and weights: pickles, crosses processes."""

    xml: bytes
    weights: bytes


def convert(model: "nn.Module") -> PortableNetwork:
    """The network that plays as `model` does: tanh on the value, normalisation folded in. About a second.

    Raises RequestError for a model that OpenVINO cannot convert.
    """
    import openvino
    import torch

    from alphapente.network.torch_backend import fused_for_play

    class Playing(torch.nn.Module):
        """The model with the value in [-1, 1], as evaluators give it."""

        def __init__(self) -> None:
            super().__init__()
            self.model = fused_for_play(model)

        def forward(self, planes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            policy, value = self.model(planes)
            return policy, torch.tanh(value)

    planes = torch.zeros(2, NUM_PLANES, 9, 9)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing is deprecated, and still what OpenVINO converts fastest
            traced = torch.jit.trace(Playing().eval(), planes, check_trace=False)  # type: ignore[no-untyped-call]
        converted = openvino.convert_model(traced, example_input=planes)
        converted.reshape([-1, NUM_PLANES, -1, -1])
    except Exception as error:  # a model of the user's own may fail in any way
        raise RequestError(
            f"OpenVINO cannot convert this model ({error}): set network.device to cpu or cuda to play it with torch"
        ) from error
    with tempfile.TemporaryDirectory(prefix="alphapente-") as folder:
        path = Path(folder, "network.xml")
        openvino.save_model(converted, path, compress_to_fp16=False)
        return PortableNetwork(path.read_bytes(), path.with_suffix(".bin").read_bytes())


@functools.cache
def computes_bf16() -> bool:
    """Whether OpenVINO computes in bf16 on this processor."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoEvaluator:
    """An Evaluator over a network compiled for `batch_size` positions of one board size.

    `threads` are OpenVINO's own. It computes in bf16 when told to, or by "auto" where the processor does.
    Raises RequestError for bf16 on a processor that has none, FailureError when the network does not compile.
    """

    def __init__(
        self, network: PortableNetwork, batch_size: int, board_size: int, threads: int = 1, precision: str = "auto"
    ) -> None:
        if precision == "bf16" and not computes_bf16():
            raise RequestError("network.precision is bf16, which this processor does not compute in: use auto or fp32")
        self.precision = "bf16" if precision != "fp32" and computes_bf16() else "fp32"
        self.batch_size = batch_size
        self.board_size = board_size
        self.threads = threads
        self.name = f"openvino {self.precision}"
        self.input: Planes = np.zeros((batch_size, NUM_PLANES, board_size, board_size), np.float32)
        self._policy: NDArray[np.float32] = np.zeros((batch_size, board_size * board_size), np.float32)
        self._value: NDArray[np.float32] = np.zeros(batch_size, np.float32)
        self._request = self._compile(network)

    def load_weights(self, source: "PortableNetwork | nn.Module") -> None:
        """Goes on with another network: a tenth of a second for a converted one, a second for a torch model."""
        self._request = self._compile(source if isinstance(source, PortableNetwork) else convert(source))

    def evaluate(self, planes: Planes) -> Outputs:
        """See Evaluator.evaluate. The whole batch is computed whatever `len(planes)`: it is compiled so."""
        count = as_batch(planes, self.input)
        self._request.infer(share_outputs=True)
        return self._policy[:count], self._value[:count]

    def _compile(self, network: PortableNetwork) -> Any:
        import openvino

        core = openvino.Core()
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
                    "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
                    # Pinned, every worker process would take the same core.
                    "ENABLE_CPU_PINNING": False,
                },
            )
        except RuntimeError as error:
            raise FailureError(f"OpenVINO cannot compile the network: {error}") from error
        request = compiled.create_infer_request()
        # The request reads and writes these arrays where they are: nothing is copied in a call.
        request.set_input_tensor(openvino.Tensor(self.input, shared_memory=True))
        request.set_output_tensor(0, openvino.Tensor(self._policy, shared_memory=True))
        request.set_output_tensor(1, openvino.Tensor(self._value, shared_memory=True))
        return request
