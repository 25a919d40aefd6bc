"""The GPU check uses torch's build and the driver; torch is imported only if there may be a GPU."""

import ctypes
import os
import subprocess
import sys
from importlib import metadata
from typing import Any

import pytest

from alphapente.network import device


class Driver:
    """NVIDIA's driver, which reports this number of GPUs."""

    def __init__(self, status: int, count: int) -> None:
        self._status, self._count = status, count

    def cuInit(self, flags: int) -> int:  # noqa: N802 - the driver's name
        assert flags == 0
        return self._status

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
        count._obj.value = self._count
        return 0


@pytest.mark.parametrize(
    ("build", "driver", "expected"),
    [
        ("2.9.0+cpu", Driver(0, 1), False),
        ("2.9.0+cu128", Driver(0, 1), True),
        ("2.9.0", Driver(0, 2), True),
        ("2.9.0", Driver(0, 0), False),
        ("2.9.0", Driver(100, 1), False),
        ("2.9.0", None, False),
        ("2.9.0+rocm6.4", None, True),
        (None, Driver(0, 1), True),
    ],
)
def test_the_build_and_the_driver_tell_whether_torch_is_worth_asking(
    monkeypatch: pytest.MonkeyPatch, build: str | None, driver: Driver | None, expected: bool
) -> None:
    def version(name: str) -> str:
        if build is None:
            raise metadata.PackageNotFoundError(name)
        return build

    def library(name: str) -> Driver:
        if driver is None:
            raise OSError(f"{name}: cannot open shared object file")
        return driver

    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(ctypes, "CDLL", library)
    assert device._may_have_gpu() is expected


def test_a_choice_without_a_gpu_imports_neither_torch_nor_numba() -> None:
    code = (
        "import sys\n"
        "from alphapente.network import device\n"
        "device._driver_counts_gpus = lambda: False\n"
        "if 'rocm' not in device.metadata.version('torch'):\n"
        "    assert device.choose_device('auto').device == 'openvino'\n"
        "    assert not {'torch', 'numba'} & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_cores_are_those_that_this_process_may_use() -> None:
    """A process limited to one core has one, whatever the machine has."""
    program = (
        "import os\n"
        "from alphapente.network.device import num_cores\n"
        "os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])\n"
        "print(num_cores())\n"
    )
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not bind processes to cores")
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "1"
