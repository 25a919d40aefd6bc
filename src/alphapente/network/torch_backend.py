"""Evaluates positions with PyTorch: on a GPU in bf16, or on a CPU without OpenVINO.

On a GPU several evaluators, each with its own stream, share one network: while one batch is computed, another thread
fills the next. The network's call is captured once in a CUDA graph for its fixed shape. So an evaluation is three
commands to the device (copy in, replay, copy out) and a wait that does not hold the GIL.
"""

import contextlib
import copy
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from alphapente.errors import RequestError
from alphapente.network.evaluator import Outputs, Wanted, as_batch
from alphapente.network.inputs import input_form
from alphapente.network.models import value_of
from alphapente.rules.position import Positions, new_positions

_WARM_UP_CALLS = 3  # as in the example of PyTorch's documentation of CUDA graphs
_CAPTURING = threading.Lock()
"""Only one thread captures at a time: the start of a capture waits for the whole device."""


def fused_for_play(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode, with batch normalisation folded into the convolutions before it.

    Folds adjacent layers of an `nn.Sequential`; the rest of a model is only put in evaluation mode.
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
    """Resolves `network.precision` for torch on a device: "auto" is bf16 if the hardware computes in it.

    Raises RequestError for bf16 on hardware without it.
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


class SharedNetwork:
    """A network on its device that evaluators share; newer weights are copied into it while no evaluator computes."""

    def __init__(self, model: nn.Module, device: str = "cpu", precision: str = "fp32") -> None:
        self.device = torch.device(device)
        self.on_gpu = self.device.type == "cuda"
        self.precision = precision
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self.layout = torch.channels_last if precision == "bf16" else torch.contiguous_format
        self._users: list[threading.Lock] = []
        if self.on_gpu:
            torch.backends.cudnn.benchmark = True  # the shape is fixed: measure which algorithm is fastest
        self.module = self._on_device(model)

    def _on_device(self, model: nn.Module) -> nn.Module:
        fused = fused_for_play(model)
        return fused.to(device=self.device, dtype=self.dtype).to(memory_format=self.layout)  # type: ignore[call-overload, no-any-return]

    def converted(self, array: Tensor) -> Tensor:
        """An input in the network's type and memory layout; integers stay unchanged."""
        if not array.is_floating_point():
            return array
        return array.to(self.dtype, memory_format=self.layout if array.ndim == 4 else torch.contiguous_format)

    def new_user(self) -> threading.Lock:
        """A lock that an evaluator holds while it computes; `load` waits for all of them."""
        lock = threading.Lock()
        self._users.append(lock)
        return lock

    def load(self, source: nn.Module) -> None:
        """Replaces the weights by a copy of those of `source`, for all evaluators at once.

        A network of the same shape is copied into the memory of the one before, so that captured graphs stay valid.
        One of another shape replaces the module, and each evaluator prepares its call again.
        """
        newer = self._on_device(source)
        with self._nobody_computes(), torch.no_grad():
            ours, theirs = self.module.state_dict(), newer.state_dict()
            alike = ours.keys() == theirs.keys() and all(ours[name].shape == theirs[name].shape for name in ours)
            if alike:
                for name, tensor in ours.items():
                    tensor.copy_(theirs[name])
            else:
                self.module = newer
            if self.on_gpu:
                torch.cuda.synchronize(self.device)

    @contextlib.contextmanager
    def _nobody_computes(self) -> Iterator[None]:
        with contextlib.ExitStack() as held:
            for lock in self._users:
                held.enter_context(lock)
            yield


class TorchEvaluator:
    """An Evaluator for a torch model on `device` ("cpu", "cuda", "cuda:1"), in "bf16" or "fp32".

    bf16 uses channels-last memory: the combination is faster on a GPU and on a CPU that computes in bf16. Evaluators of
    one SharedNetwork may evaluate at the same time, each in its own thread.
    """

    def __init__(
        self,
        model: nn.Module | SharedNetwork,
        batch_size: int,
        board_size: int,
        device: str = "cpu",
        precision: str = "fp32",
    ) -> None:
        """`device` and `precision` have no effect if `model` is a SharedNetwork, which has its own."""
        self.network = model if isinstance(model, SharedNetwork) else SharedNetwork(model, device, precision)
        self.batch_size = batch_size
        self.board_size = board_size
        self.device = self.network.device
        self.name = f"torch {self.network.precision} on {self.device}"
        on_gpu = self.network.on_gpu
        self.input = new_positions(batch_size, "pente", board_size)
        self._form = input_form(self.network.module)
        memory = [torch.from_numpy(array) for array in self._form.new_arrays(batch_size, board_size)]
        memory += [torch.zeros(batch_size, board_size**2), torch.zeros(batch_size)]
        self._host = [pinned(tensor) for tensor in memory] if on_gpu else memory
        self._there = [tensor.to(self.device) for tensor in memory] if on_gpu else memory
        *inputs, self._policy, self._value = (tensor.numpy() for tensor in self._host)
        self._inputs = tuple(inputs)
        self._stream: Any = torch.cuda.Stream(self.device) if on_gpu else None  # type: ignore[no-untyped-call]
        self._done: Any = torch.cuda.Event(blocking=True) if on_gpu else None  # type: ignore[no-untyped-call]
        self._computing = self.network.new_user()
        self._prepare()

    def load_weights(self, source: nn.Module) -> None:
        """Replaces the weights by those of `source`, for all evaluators that share the network."""
        self.network.load(source)

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:
        """See Evaluator.evaluate. Always computes a whole batch, so that the shape never changes."""
        count = as_batch(positions, self.batch_size, self.board_size)
        self._form.encode(positions, self._inputs, wanted)
        with self._computing, torch.inference_mode():
            if self._prepared_for is not self.network.module:
                self._prepare()
            if self._stream is None:
                self._call()
            else:
                self._call_on_stream()
        return self._policy[:count], self._value[:count]

    def _prepare(self) -> None:
        """Prepares the call of the present network: on a GPU as a CUDA graph, on a CPU as a plain call."""
        self._prepared_for = self.network.module
        self._call: Callable[[], None] = self._compute
        if self._stream is not None:
            self._call = cuda_graph(self._compute, self._stream)

    def _compute(self) -> None:
        """Computes the outputs on the device from the inputs on the device: fixed memory, fixed shapes."""
        *inputs, policy, value = self._there
        found, logits = self._prepared_for(*map(self.network.converted, inputs))
        policy.copy_(found)
        value.copy_(value_of(logits.float()))

    def _call_on_stream(self) -> None:
        """Submits all the work of a batch at once and sleeps until it is done; other threads run meanwhile."""
        with torch.cuda.stream(self._stream):
            for there, host in zip(self._there[:-2], self._host[:-2], strict=True):
                there.copy_(host, non_blocking=True)
            self._call()
            for host, there in zip(self._host[-2:], self._there[-2:], strict=True):
                host.copy_(there, non_blocking=True)
            self._done.record(self._stream)
        self._done.synchronize()


def pinned(tensor: Tensor) -> Tensor:
    """A copy in pinned memory, which the GPU reads and writes directly."""
    return tensor.pin_memory()


def cuda_graph(compute_fn: Callable[[], None], stream: Any) -> Callable[[], None]:
    """Captures `compute_fn`, which reads and writes fixed memory of a GPU, in a CUDA graph; returns its replay.

    Warns and returns `compute_fn` itself if it cannot be captured (a user-defined model may branch on values).
    """
    stream.wait_stream(torch.cuda.current_stream(stream.device))
    with _CAPTURING, torch.cuda.stream(stream), torch.inference_mode():
        for _ in range(_WARM_UP_CALLS):  # libraries choose algorithms and allocate memory, which a capture must not
            compute_fn()
        stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads may use their own streams meanwhile: the capture contains only this thread's work.
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                compute_fn()
        except RuntimeError as error:
            warnings.warn(f"the network's call is not captured in a CUDA graph, which is slower: {error}", stacklevel=2)
            return compute_fn
    replay: Callable[[], None] = graph.replay
    return replay
