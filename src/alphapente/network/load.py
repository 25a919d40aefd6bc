"""From a checkpoint, or a model in memory, to evaluators: the only module that distinguishes the backends.

Every program takes the same two steps. `load_network`, `load_network_of_type` or `playable` makes a PlayableNetwork:
the network, converted for the device that will evaluate it. Its `evaluators` then serve any board and batch size, in
this process or, pickled, in another one. Heavy modules are imported only when needed: a process that gets a converted
network never imports torch.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Union

import numba

from alphapente.config import BUILT_IN_CLASSES, Config, NetworkSettings
from alphapente.files import StrPath
from alphapente.network.converted import find_converted, keep_converted, key_of
from alphapente.network.device import choose_device
from alphapente.network.evaluator import Evaluator
from alphapente.network.mixnet_backend import MixnetEvaluator, quantized
from alphapente.network.mixnet_kernels import Weights
from alphapente.network.openvino_backend import OpenVinoEvaluator, PortableNetwork, convert, openvino_precision
from alphapente.network.paths import SHIPPED, checkpoint_path, opponent_path
from alphapente.network.planes import Planes
from alphapente.network.quantization import BATCH, quantize, require_int8

if TYPE_CHECKING:
    from torch import nn

Form = Union["nn.Module", PortableNetwork, Weights]
"""A network as one of the backends takes it: a torch model, or converted for OpenVINO or for mixnet's kernels."""


@dataclass(frozen=True, slots=True)
class PlayableNetwork:
    """A network in the form that its device evaluates fastest; it can be pickled and sent to other processes.

    Attributes:
        form: also what `Evaluator.load_weights` of one of its evaluators takes.
        device: "cuda", "openvino" or "cpu" (torch on the CPU, or mixnet's kernels).
        settings: precision and threads of its evaluators.
        step: its training steps (0: fresh).
        description: its source, for the log.
    """

    form: Form
    device: str
    settings: NetworkSettings
    step: int = 0
    description: str = ""

    def evaluator(self, batch_size: int, board_size: int) -> Evaluator:
        """An Evaluator for batches of `batch_size` positions of one board size. Raises as `evaluators`."""
        return self.evaluators(batch_size, board_size, 1)[0]

    def evaluators(self, batch_size: int, board_size: int, count: int) -> list[Evaluator]:
        """`count` evaluators for concurrent threads, one each. With torch they share one network.

        Raises RequestError for a precision that the device lacks, FailureError if OpenVINO cannot compile the network.
        """
        threads = self.settings.threads_per_worker
        if isinstance(self.form, PortableNetwork):
            requested = self.settings.precision
            return [OpenVinoEvaluator(self.form, batch_size, board_size, threads, requested) for _ in range(count)]
        if isinstance(self.form, Weights):
            return [MixnetEvaluator(self.form, batch_size, board_size) for _ in range(count)]
        import torch

        from alphapente.network.torch_backend import SharedNetwork, TorchEvaluator

        if self.device == "cpu":
            torch.set_num_threads(threads)
        shared = SharedNetwork(self.form, self.device, self.precision)
        return [TorchEvaluator(shared, batch_size, board_size) for _ in range(count)]

    def in_precision(self, planes: Planes | None) -> "PlayableNetwork":
        """The network in the requested precision: quantized if that is int8, OpenVINO plays, and there are planes.

        Planes float32[n, NUM_PLANES, S, S] of real positions. Raises RequestError if int8 is requested and not
        available, FailureError for a network that NNCF cannot quantize.
        """
        if self.settings.precision != "int8" or not isinstance(self.form, PortableNetwork):
            return self
        require_int8()
        return self if planes is None else replace(self, form=quantize(self.form, planes))

    @property
    def precision(self) -> str:
        """What it computes in: "fp32", "bf16", "int8" or "int16". Raises RequestError if the device lacks it."""
        if isinstance(self.form, Weights):
            return "int16"
        if isinstance(self.form, PortableNetwork):
            return openvino_precision(self.settings.precision, self.form.quantized)
        from alphapente.network.torch_backend import torch_precision

        return torch_precision(self.settings.precision, self.device)

    @property
    def precision_note(self) -> str:
        """The precision for the log, with the reason if int8 is requested and it is another. Raises as `precision`."""
        if self.settings.precision != "int8" or self.precision in ("int8", "int16"):
            return self.precision
        openvino = isinstance(self.form, PortableNetwork)
        why = f"int8 once there are {BATCH} records to quantize it on" if openvino else "int8 is for OpenVINO"
        return f"{self.precision} ({why})"


def load_network(config: Config, file: StrPath | None = None, seed: int = 0) -> PlayableNetwork:
    """The network in a checkpoint file; without one, that of `generation.model_type`, else the one that is included.

    `seed` is that of a fresh network, if there is no other. Raises CheckpointError for a checkpoint that cannot be
    used, RequestError for a device that is not available.
    """
    if file is None and opponent_path(config) == SHIPPED:
        file = SHIPPED
    if file is None:
        return load_network_of_type(config, config.generation.model_type, seed=seed)
    from alphapente.network import checkpoint

    found = checkpoint.read(file)
    where = "the network that comes with AlphaPente" if Path(file) == SHIPPED else os.fspath(file)
    described = f"{where}, a {found.model_type} network at step {found.step:,}"
    return playable(checkpoint.restore(file, found, config), config, step=found.step, description=described)


def load_network_of_type(
    config: Config, model_type: str, device: str | None = None, seed: int = 0, keep: bool = False
) -> PlayableNetwork:
    """The network that plays for a model type: its checkpoint's averaged weights, or fresh ones if it has none yet.

    If an earlier start has stored the converted network of exactly this checkpoint, torch is not needed at all; `keep`
    stores it. Raises CheckpointError for a checkpoint that cannot be used, RequestError for an unknown model type, or
    a device that is not available.
    """
    settings = config.models.get(model_type)
    class_path = settings.class_path if settings else ""
    device = device or choose_device(config.network.device, class_path).device
    is_converted = device == "openvino" or _uses_kernels(class_path == BUILT_IN_CLASSES["mixnet"], device)
    key = key_of(config, model_type, seed) if is_converted else ""
    kept = find_converted(config, model_type, key)
    if kept:
        form, step = kept
        return PlayableNetwork(form, device, config.network, step, _description(config, model_type, step))
    model, step = _trained_or_fresh(config, model_type, seed)
    network = playable(model, config, device, step, _description(config, model_type, step))
    # A checkpoint that was replaced while it was read would be stored under the key of the one before.
    unchanged = keep and key and key == key_of(config, model_type, seed)
    if unchanged and isinstance(network.form, PortableNetwork | Weights):
        keep_converted(config, model_type, key, network.form, step)
    return network


def playable(
    model: "nn.Module", config: Config, device: str | None = None, step: int = 0, description: str = ""
) -> PlayableNetwork:
    """A torch model, converted for the device (default: `network.device`, see `choose_device`).

    Raises RequestError for a device that is not available, and for a model that OpenVINO cannot convert.
    """
    from alphapente.network.mixnet import Mixnet

    is_mixnet = isinstance(model, Mixnet)
    device = device or choose_device(config.network.device, BUILT_IN_CLASSES["mixnet"] if is_mixnet else "").device
    form: Form = model
    if isinstance(model, Mixnet) and _uses_kernels(is_mixnet, device):
        form = quantized(model)
    elif device == "openvino":
        form = convert(model)
    return PlayableNetwork(form, device, config.network, step, description)


def _uses_kernels(is_mixnet: bool, device: str) -> bool:
    """Whether the network is evaluated by mixnet's own kernels."""
    return is_mixnet and device != "cuda" and not numba.config.DISABLE_JIT


def _trained_or_fresh(config: Config, model_type: str, seed: int) -> "tuple[nn.Module, int]":
    """(model, training steps) of a model type."""
    from alphapente.network import checkpoint, models

    spec, path = models.spec_of(config, model_type), checkpoint_path(config, model_type)
    if not path.exists():
        return models.build(spec, seed=seed), 0
    found = checkpoint.read(path)
    checkpoint.require_spec(path, found, spec)
    return checkpoint.restore(path, found, config), found.step


def _description(config: Config, model_type: str, step: int) -> str:
    path = checkpoint_path(config, model_type)
    if not path.exists():
        return f"no checkpoint {path} yet: starting from a fresh network"
    return f"network {path} at step {step:,}"
