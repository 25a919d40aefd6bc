"""From a checkpoint and a device to an Evaluator that plays: the one place where the backend is chosen.

Nothing heavy is imported before it is needed, so that a worker that is handed a converted network never imports torch.
"""

import ctypes
import importlib.util
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Union

from alphapente.config import Config
from alphapente.errors import RequestError
from alphapente.network.converted import find_converted, keep_converted, key_of
from alphapente.network.evaluator import Evaluator
from alphapente.network.openvino_backend import OpenVinoEvaluator, PortableNetwork, convert
from alphapente.network.paths import checkpoint_path

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
    """A model, or what it was converted to, where it comes from, and how far it is trained (0: fresh)."""

    model: "nn.Module | PortableNetwork"
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
    if _may_have_gpu():
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
    path = checkpoint_path(config, model_type)
    if not path.exists():
        return PlayingNetwork(models.build(spec, seed=seed), model_type, 0, _description(path, 0))
    found = checkpoint.read(path)
    checkpoint.require_spec(path, found, spec)
    return PlayingNetwork(
        checkpoint.restore(path, found, config), model_type, found.step, _description(path, found.step)
    )


def prepared_network(config: Config, model_type: str, device: str, seed: int = 0) -> PlayingNetwork:
    """As `playing_network`, in the shape that workers on this device load fastest: see `prepare`.

    For OpenVINO it is the converted network that an earlier start has kept, if it is of this very checkpoint: then
    torch is not needed at all. Raises as `playing_network`.
    """
    key = key_of(config, model_type, seed) if device == "openvino" else ""
    kept = find_converted(config, model_type, key)
    if kept:
        network, step = kept
        return PlayingNetwork(network, model_type, step, _description(checkpoint_path(config, model_type), step))
    found = playing_network(config, model_type, seed)
    prepared = prepare(found.model, config, device)
    # A checkpoint replaced while it was being read would be kept under the key of the one before.
    if key and isinstance(prepared, PortableNetwork) and key == key_of(config, model_type, seed):
        keep_converted(config, model_type, key, prepared, found.step)
    return PlayingNetwork(prepared, model_type, found.step, found.description)


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
    return load_evaluators(source, config, batch_size, board_size, device, 1)[0]


def load_evaluators(
    source: Source, config: Config, batch_size: int, board_size: int, device: str, count: int
) -> list[Evaluator]:
    """As `load_evaluator`: so many that work at the same time, each in a thread of its own. Torch's share one network.

    Raises as `load_evaluator`.
    """
    network = prepare(source, config, device)
    precision, threads = config.network.precision, config.network.threads_per_worker
    if isinstance(network, PortableNetwork):
        return [OpenVinoEvaluator(network, batch_size, board_size, threads, precision) for _ in range(count)]
    import torch

    from alphapente.network.torch_backend import SharedNetwork, TorchEvaluator, torch_precision

    if device == "cpu":
        torch.set_num_threads(threads)
    shared = SharedNetwork(network, device, torch_precision(precision, device))
    return [TorchEvaluator(shared, batch_size, board_size) for _ in range(count)]


def _description(path: Path, step: int) -> str:
    """The sentence for the log: which network plays."""
    if not path.exists():
        return f"no checkpoint {path} yet: starting from a fresh network"
    return f"network {path} at step {step:,}"


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None


def _may_have_gpu() -> bool:
    """Whether torch may find a GPU here: asked from its build and from the driver, for torch takes a second to import.

    A build for AMD's GPUs has another driver; with it torch itself is asked.
    """
    if "torch" in sys.modules:
        return True
    try:
        build = metadata.version("torch")
    except metadata.PackageNotFoundError:  # installed in a way that leaves no word of it
        build = ""
    return "+cpu" not in build and ("rocm" in build or _driver_counts_gpus())


def _driver_counts_gpus() -> bool:
    """Whether NVIDIA's driver is there and knows of a GPU (CUDA Driver API: cuInit, cuDeviceGetCount)."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int()
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except (OSError, AttributeError):
        return False


def _model_of(path: Path, config: Config) -> "nn.Module":
    from alphapente.network import checkpoint

    return checkpoint.restore(path, checkpoint.read(path), config)
