"""Which device runs the network here, and how many cores there are; determined without slow imports."""

import ctypes
import importlib.util
import os
import sys
from dataclasses import dataclass
from importlib import metadata

from alphapente.config import BUILT_IN_CLASSES
from alphapente.errors import RequestError


@dataclass(frozen=True, slots=True)
class Choice:
    """The device that will run the network ("cuda", "openvino", "cpu"), and why, for the log."""

    device: str
    reason: str


def choose_device(requested: str = "auto", class_path: str = "") -> Choice:
    """Resolves `network.device`: for "auto" CUDA if torch sees a GPU, else OpenVINO, else torch on the CPU.

    `class_path` is the model's class if it is known: mixnet runs by its own kernels on the CPU, even on a machine with
    a GPU, unless "cuda" is requested. Raises RequestError if the requested device is not available.
    """
    if class_path == BUILT_IN_CLASSES["mixnet"] and requested in ("auto", "cpu", "openvino"):
        return Choice("cpu", "mixnet's own kernels on the CPU")
    if requested == "cpu":
        return Choice("cpu", "torch on the CPU, as requested")
    if requested == "openvino":
        if not _has_openvino():
            raise RequestError("network.device is openvino, which is not installed: `pip install openvino`, or use cpu")
        return Choice("openvino", "OpenVINO on the CPU, as requested")
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


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None


def _may_have_gpu() -> bool:
    """Whether torch may find a GPU here. Checks its build and the driver, since importing torch takes a second.

    A build for AMD's GPUs has another driver; for it this returns True, and torch itself decides.
    """
    if "torch" in sys.modules:
        return True
    try:
        build = metadata.version("torch")
    except metadata.PackageNotFoundError:  # installed without metadata
        build = ""
    return "+cpu" not in build and ("rocm" in build or _driver_counts_gpus())


def _driver_counts_gpus() -> bool:
    """Whether NVIDIA's driver is installed and reports a GPU (CUDA Driver API: cuInit, cuDeviceGetCount)."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int()
        return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except (OSError, AttributeError):
        return False
