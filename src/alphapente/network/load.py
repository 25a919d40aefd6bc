"""From a checkpoint and a device to an Evaluator that plays: the one place where the backend is chosen.

Nothing heavy is imported before it is needed, so that a worker that is handed a converted network never imports torch.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Union

from alphapente.config import Config
from alphapente.errors import RequestError
from alphapente.network.evaluator import Evaluator
from alphapente.network.openvino_backend import OpenVinoEvaluator, PortableNetwork, convert

if TYPE_CHECKING:
    from torch import nn

Source = Union[Path, str, "nn.Module", PortableNetwork]
"""What an evaluator can be made of: a checkpoint's path, a torch model, or a converted network."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The device that will run the network ("cuda", "openvino", "cpu"), and why, for the log."""

    device: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlayingNetwork:
    """A model ready to play, where it comes from, and how far it is trained (0: fresh)."""

    model: "nn.Module"
    model_type: str
    step: int
    description: str


def choose_device(requested: str = "auto") -> Choice:
    """What `network.device` comes to here: for "auto" CUDA if torch sees a GPU, else OpenVINO, else torch on the CPU.

    Raises RequestError when the device asked for is not there.
    """
    if requested == "cpu":
        return Choice("cpu", "torch on the CPU, as asked")
    if requested == "openvino":
        if not _has_openvino():
            raise RequestError("network.device is openvino, which is not installed: `pip install openvino`, or use cpu")
        return Choice("openvino", "OpenVINO on the CPU, as asked")
    import torch

    if torch.cuda.is_available():
        return Choice("cuda", f"torch on {torch.cuda.get_device_name()}")
    if requested == "cuda":
        raise RequestError("network.device is cuda, but torch sees no GPU here: use auto, openvino or cpu")
    if requested != "auto":
        raise RequestError(f"unknown device {requested!r}: choose auto, cpu, cuda or openvino")
    if _has_openvino():
        return Choice("openvino", "OpenVINO on the CPU (torch sees no GPU)")
    return Choice("cpu", "torch on the CPU (no GPU, and OpenVINO is not installed)")


def playing_network(config: Config, model_type: str, seed: int = 0) -> PlayingNetwork:
    """The network that plays for a model type: its checkpoint's averaged weights, or fresh ones if it has none yet.

    Raises CheckpointError for a checkpoint that cannot be used, RequestError for an unknown model type.
    """
    from alphapente.network import checkpoint, models

    spec = models.spec_of(config, model_type)
    path = checkpoint.checkpoint_path(config, model_type)
    if not path.exists():
        fresh = models.build(spec, seed=seed)
        return PlayingNetwork(fresh, model_type, 0, f"no checkpoint {path} yet: starting from a fresh network")
    found = checkpoint.read(path)
    checkpoint.require_spec(path, found, spec)
    return PlayingNetwork(
        checkpoint.restore(path, found, config), model_type, found.step, f"network {path} at step {found.step:,}"
    )


def prepare(source: Source, config: Config, device: str) -> "nn.Module | PortableNetwork":
    """`source` in the shape that workers on this device load fastest: for OpenVINO the converted network.

    Raises CheckpointError for a checkpoint that cannot be used.
    """
    if isinstance(source, str | Path):
        source = _model_of(Path(source), config)
    if device == "openvino" and not isinstance(source, PortableNetwork):
        return convert(source)
    return source


def load_evaluator(
    source: Source, config: Config, batch_size: int, board_size: int, device: str | None = None
) -> Evaluator:
    """An Evaluator for batches of `batch_size` positions of one board size.

    The device is `network.device` unless given; precision and threads are those of the `network` section.
    Raises CheckpointError for a checkpoint that cannot be used, RequestError for a device or precision not there.
    """
    if isinstance(source, PortableNetwork) and device is None:
        device = "openvino"
    device = device or choose_device(config.network.device).device
    network = prepare(source, config, device)
    precision, threads = config.network.precision, config.network.threads_per_worker
    if isinstance(network, PortableNetwork):
        return OpenVinoEvaluator(network, batch_size, board_size, threads, precision)
    import torch

    from alphapente.network.torch_backend import TorchEvaluator, torch_precision

    if device == "cpu":
        torch.set_num_threads(threads)
    return TorchEvaluator(network, batch_size, board_size, device, torch_precision(precision, device))


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None


def _model_of(path: Path, config: Config) -> "nn.Module":
    from alphapente.network import checkpoint

    return checkpoint.restore(path, checkpoint.read(path), config)
