"""Makes the Evaluator of a checkpoint on a device: the only module that distinguishes the backends.

Heavy modules are imported only when needed, so that a worker that gets a converted network never imports torch.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Union

import numba

from alphapente.config import BUILT_IN_CLASSES, Config
from alphapente.files import StrPath
from alphapente.network.converted import find_converted, keep_converted, key_of
from alphapente.network.device import choose_device
from alphapente.network.evaluator import Evaluator
from alphapente.network.mixnet_backend import MixnetEvaluator, quantized
from alphapente.network.mixnet_kernels import Weights
from alphapente.network.openvino_backend import OpenVinoEvaluator, PortableNetwork, convert
from alphapente.network.paths import SHIPPED, checkpoint_path, opponent_path

if TYPE_CHECKING:
    from torch import nn

Prepared = Union["nn.Module", PortableNetwork, Weights]
"""A network ready to be loaded for play: a torch model, or a network converted for OpenVINO or for mixnet's kernels."""
Source = str | os.PathLike[str] | Prepared
"""What an evaluator can be made from: the path of a checkpoint, or a prepared network."""


@dataclass(frozen=True, slots=True)
class PlayingNetwork:
    """A model ready to play, its source for the log, and its training steps (0: fresh)."""

    model: "nn.Module"
    model_type: str
    step: int
    description: str


@dataclass(frozen=True, slots=True)
class PreparedNetwork:
    """A prepared network (see `prepare`), its training steps (0: fresh), and its source for the log."""

    network: Prepared
    step: int
    description: str


def playing_network(config: Config, model_type: str, seed: int = 0) -> PlayingNetwork:
    """The network that plays for a model type: its checkpoint's averaged weights, or fresh ones if it has none yet.

    Raises CheckpointError for a checkpoint that cannot be used, RequestError for an unknown model type.
    """
    from alphapente.network import checkpoint, models

    spec = models.spec_of(config, model_type)
    path = checkpoint_path(config, model_type)
    if not path.exists():
        return PlayingNetwork(models.build(spec, seed=seed), model_type, 0, _description(path, 0))
    found = checkpoint.read(path)
    checkpoint.require_spec(path, found, spec)
    return PlayingNetwork(
        checkpoint.restore(path, found, config), model_type, found.step, _description(path, found.step)
    )


def chosen_network(config: Config, checkpoint_file: StrPath | None, seed: int = 0) -> PlayingNetwork:
    """The network in a checkpoint file; without one, that of `generation.model_type`, else the one that is included.

    Raises CheckpointError for a checkpoint that cannot be used.
    """
    from alphapente.network import checkpoint

    if checkpoint_file is None and opponent_path(config) == SHIPPED:
        checkpoint_file = SHIPPED
    if checkpoint_file is None:
        return playing_network(config, config.generation.model_type, seed)
    found = checkpoint.read(checkpoint_file)
    where = "the network that comes with AlphaPente" if Path(checkpoint_file) == SHIPPED else os.fspath(checkpoint_file)
    described = f"{where}, a {found.model_type} network at step {found.step:,}"
    model = checkpoint.restore(checkpoint_file, found, config)
    return PlayingNetwork(model, found.model_type, found.step, described)


def prepared_network(config: Config, model_type: str, device: str, seed: int = 0) -> PreparedNetwork:
    """As `playing_network`, in the form that workers on this device load fastest: see `prepare`.

    For OpenVINO and mixnet's kernels this is the converted network that an earlier start stored, if it is of exactly
    this checkpoint: then torch is not needed at all. Raises as `playing_network`.
    """
    key = key_of(config, model_type, seed) if _is_converted(config, model_type, device) else ""
    kept = find_converted(config, model_type, key)
    if kept:
        network, step = kept
        return PreparedNetwork(network, step, _description(checkpoint_path(config, model_type), step))
    found = playing_network(config, model_type, seed)
    prepared = prepare(found.model, config, device)
    # A checkpoint that was replaced while it was read would be stored under the key of the one before.
    if key and isinstance(prepared, PortableNetwork | Weights) and key == key_of(config, model_type, seed):
        keep_converted(config, model_type, key, prepared, found.step)
    return PreparedNetwork(prepared, found.step, found.description)


def _is_converted(config: Config, model_type: str, device: str) -> bool:
    """Whether `prepare` converts this model for this device; torch itself runs all others on "cpu"."""
    settings = config.models.get(model_type)
    own_kernels = settings is not None and settings.class_path == BUILT_IN_CLASSES["mixnet"]
    return device == "openvino" or (own_kernels and device == "cpu" and not numba.config.DISABLE_JIT)


def prepare(source: Source, config: Config, device: str) -> Prepared:
    """`source` in the form that workers on this device load fastest: for OpenVINO the converted network.

    A mixnet is converted for its own kernels, unless `network.device` itself is "cuda".

    Raises CheckpointError for a checkpoint that cannot be used.
    """
    if isinstance(source, str | os.PathLike):
        source = _model_of(Path(source), config)
    if isinstance(source, PortableNetwork | Weights):
        return source
    if config.network.device != "cuda" and not numba.config.DISABLE_JIT:
        from alphapente.network.mixnet import Mixnet

        if isinstance(source, Mixnet):
            return quantized(source)
    return convert(source) if device == "openvino" else source


def load_evaluator(
    source: Source, config: Config, batch_size: int, board_size: int, device: str | None = None
) -> Evaluator:
    """An Evaluator for batches of `batch_size` positions of one board size.

    The device is `network.device` unless given; precision and threads are those of the `network` section. Raises
    CheckpointError for a checkpoint that cannot be used, RequestError for a device or precision that is not available.
    """
    if isinstance(source, PortableNetwork) and device is None:
        device = "openvino"
    device = device or choose_device(config.network.device).device
    return load_evaluators(source, config, batch_size, board_size, device, 1)[0]


def load_evaluators(
    source: Source, config: Config, batch_size: int, board_size: int, device: str, count: int
) -> list[Evaluator]:
    """As `load_evaluator`, but `count` evaluators for concurrent threads, one each. With torch they share one network.

    Raises as `load_evaluator`.
    """
    network = prepare(source, config, device)
    precision, threads = config.network.precision, config.network.threads_per_worker
    if isinstance(network, PortableNetwork):
        return [OpenVinoEvaluator(network, batch_size, board_size, threads, precision) for _ in range(count)]
    if isinstance(network, Weights):
        return [MixnetEvaluator(network, batch_size, board_size) for _ in range(count)]
    import torch

    from alphapente.network.torch_backend import SharedNetwork, TorchEvaluator, torch_precision

    if device == "cpu":
        torch.set_num_threads(threads)
    shared = SharedNetwork(network, device, torch_precision(precision, device))
    return [TorchEvaluator(shared, batch_size, board_size) for _ in range(count)]


def _description(path: Path, step: int) -> str:
    """The log's description of the network that plays."""
    if not path.exists():
        return f"no checkpoint {path} yet: starting from a fresh network"
    return f"network {path} at step {step:,}"


def _model_of(path: Path, config: Config) -> "nn.Module":
    from alphapente.network import checkpoint

    return checkpoint.restore(path, checkpoint.read(path), config)
