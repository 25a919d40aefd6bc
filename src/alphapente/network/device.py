"""Which device runs the network here, and how many cores there are; asked without importing what is slow to import."""

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
    """What `network.device` comes to here: for "auto" CUDA if torch sees a GPU, else OpenVINO, else torch on the CPU.

    `class_path` is the model's class where it is known: mixnet plays by kernels of its own on the CPU, also where there
    is a GPU, unless "cuda" is requested. Raises RequestError when the device requested is not there.
    """
    if class_path == BUILT_IN_CLASSES["mixnet"] and requested in ("auto", "cpu", "openvino"):
        return Choice("cpu", "mixnet's own kernels on the CPU")
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


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
