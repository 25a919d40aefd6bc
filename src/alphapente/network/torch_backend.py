"""Evaluates positions with PyTorch: on a GPU in bf16, or on a CPU where OpenVINO is not to be had."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from alphapente.errors import RequestError
from alphapente.network.evaluator import Outputs, Planes, as_batch
from alphapente.network.planes import NUM_PLANES


def fused_for_play(model: nn.Module) -> nn.Module:
    """A copy that no longer trains, batch normalisation folded into the convolutions it follows.

    Folds what stands side by side in an `nn.Sequential`; any other model is merely put in evaluation mode.
    """
    played = copy.deepcopy(model).eval().requires_grad_(False)
    for module in played.modules():
        if isinstance(module, nn.Sequential):
            for index in range(len(module) - 1):
                conv, norm = module[index], module[index + 1]
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    module[index] = fuse_conv_bn_eval(conv, norm)
                    module[index + 1] = nn.Identity()
    return played


def torch_precision(requested: str, device: str) -> str:
    """What `network.precision` comes to with torch on a device: "auto" is bf16 where the hardware computes in it.

    Raises RequestError for bf16 on hardware that has none.
    """
    has_bf16 = torch.cuda.is_bf16_supported() if device.startswith("cuda") else cpu_computes_bf16()
    if requested == "bf16" and not has_bf16:
        raise RequestError(f"network.precision is bf16, which {device} does not compute in here: use auto or fp32")
    return "bf16" if requested != "fp32" and has_bf16 else "fp32"


def cpu_computes_bf16() -> bool:
    """Whether this processor has instructions for bf16 that torch uses."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    if capabilities:
        return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16", "bf16", "arm_bf16"))
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())


class TorchEvaluator:
    """An Evaluator over a torch model on `device` ("cpu", "cuda", "cuda:1"), in "bf16" or "fp32".

    bf16 goes with channels-last memory: together they pay on a GPU and on a CPU that computes in bf16.
    """

    def __init__(
        self, model: nn.Module, batch_size: int, board_size: int, device: str = "cpu", precision: str = "fp32"
    ) -> None:
        self.batch_size = batch_size
        self.board_size = board_size
        self.device = torch.device(device)
        self.name = f"torch {precision} on {self.device}"
        self._dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self._layout = torch.channels_last if precision == "bf16" else torch.contiguous_format
        # Pinned memory lets the copy to a GPU run beside the processor's work; without one it is plain memory.
        pin = self.device.type == "cuda"
        shape = (batch_size, NUM_PLANES, board_size, board_size)
        self._host_input = torch.zeros(shape, pin_memory=pin)
        self._host_policy = torch.zeros((batch_size, board_size * board_size), pin_memory=pin)
        self._host_value = torch.zeros(batch_size, pin_memory=pin)
        self.input: Planes = self._host_input.numpy()
        self._policy: NDArray[np.float32] = self._host_policy.numpy()
        self._value: NDArray[np.float32] = self._host_value.numpy()
        self.load_weights(model)

    def load_weights(self, source: nn.Module) -> None:
        """Goes on with the weights of `source`, a model in training or not; it is copied."""
        fused = fused_for_play(source)
        self._model = fused.to(device=self.device, dtype=self._dtype).to(memory_format=self._layout)  # type: ignore[call-overload]

    def evaluate(self, planes: Planes) -> Outputs:
        """See Evaluator.evaluate. The whole batch is computed whatever `len(planes)`: one shape, one plan."""
        count = as_batch(planes, self.input)
        with torch.inference_mode():
            policy, value = self._run(self._host_input)
            self._host_policy.copy_(policy)
            self._host_value.copy_(torch.tanh(value.float()))
        return self._policy[:count], self._value[:count]

    def _run(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        on_device = planes.to(self.device, self._dtype, non_blocking=True, memory_format=self._layout)
        policy, value = self._model(on_device)
        return policy, value
