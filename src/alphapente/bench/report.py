"""The shape of a benchmark's answer: rows with a floor and a ratio, and the machine they were measured on."""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "numba", "torch", "openvino", "sqlalchemy")
INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "bf16", "i8mm")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `floor` is what the bare work does in the same process, `ratio` ours over it; None: has none."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A benchmark's rows, and where the time went (share of the whole, by part)."""

    rows: list[Row]
    breakdown: dict[str, float] = field(default_factory=dict)


def machine() -> dict[str, Any]:
    """The processor, its instruction sets that matter here, the cores we may use, and the libraries' versions."""
    model, flags = platform.processor() or platform.machine(), ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                model = value.strip()
            if key.strip() in ("flags", "Features"):
                flags = value
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": model,
        "instruction_sets": [name for name in INSTRUCTION_SETS if f" {name} " in f"{flags} "],
        "cores": cores,
        "system": platform.platform(),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def as_json(results: list[Result]) -> dict[str, Any]:
    """All rows and the machine, ready for JSON."""
    return {"machine": machine(), "rows": [asdict(row) for result in results for row in result.rows]}


def rate(work: Callable[[], int], seconds: float) -> float:
    """Units of work a second: `work` returns how many it did; called until the time is over, once before it counts."""
    work()
    done, start = 0, time.perf_counter()
    while True:
        done += work()
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return done / elapsed


def median(values: list[float]) -> float:
    """The middle value (of an even number, the upper of the two)."""
    return sorted(values)[len(values) // 2]
