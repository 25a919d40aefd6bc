"""The results of a benchmark: rows with a floor and a ratio, and the machine they were measured on."""

import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from alphapente.network.device import num_cores

LIBRARIES = ("numpy", "numba", "torch", "openvino", "nncf", "sqlalchemy")
INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "bf16", "i8mm")


@dataclass(frozen=True, slots=True)
class Row:
    """One value. `floor` is the value of the bare work in the same process, `ratio` is value over floor; None: none."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A benchmark's rows, and a breakdown of the time: the share of the whole by "group: part".

    A group is a row's name, or a prefix of one. If the row is in (micro)seconds, the share is printed in them too.
    """

    rows: list[Row]
    breakdown: dict[str, float] = field(default_factory=dict)

    def breakdown_lines(self) -> list[str]:
        """One line for each group: "group: part 61.2%, part 38.8%", the parts in their given order."""
        times = {row.name: row for row in self.rows if row.unit.endswith("seconds")}
        groups: dict[str, list[str]] = {}
        for name, share in self.breakdown.items():
            group, _, part = name.rpartition(": ")
            text = f"{part} {share:.1%}"
            if group in times:
                text = f"{part} {number(share * times[group].value)} ({share:.1%})"
            groups.setdefault(group, []).append(text)
        units = {name: f" in {row.unit}" for name, row in times.items()}
        return [f"{group or 'time'}{units.get(group, '')}: {', '.join(parts)}" for group, parts in groups.items()]


def number(value: float) -> str:
    """A number as text: at least three digits, thousands separated."""
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else f"{value:.3g}"


def machine() -> dict[str, Any]:
    """The processor, its relevant instruction sets, what this process may use of it, and the libraries' versions.

    `cores` are the physical cores, `threads` the hardware threads that this process may run on, `memory_gib` the total
    memory, `gpu` torch's first GPU, or None.
    """
    model, flags = platform.processor() or platform.machine(), ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                model = value.strip()
            if key.strip() in ("flags", "Features"):
                flags = value
    threads = num_cores()
    return {
        "processor": model,
        "instruction_sets": [name for name in INSTRUCTION_SETS if f" {name} " in f"{flags} "],
        "cores": psutil.cpu_count(logical=False) or threads,
        "threads": threads,
        "gpu": _gpu(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def processor_line(machine: dict[str, Any]) -> str:
    """The machine's name in RESULTS.md, by what determines its speed: "AMD EPYC, 2 cores (avx2, avx512f)"."""
    sets = ", ".join(machine["instruction_sets"])
    threads = "" if machine["threads"] == machine["cores"] else f", {machine['threads']} threads"
    cores = f"{machine['cores']} core{'s' * (machine['cores'] != 1)}"
    gpu = f", {machine['gpu']}" if machine["gpu"] else ""
    return f"{machine['processor']}, {cores}{threads}{f' ({sets})' if sets else ''}{gpu}"


def versions_line(machine: dict[str, Any]) -> str:
    """Python's and the libraries' versions: "Python 3.11.7, numpy 2.4.6, ..."."""
    found = [f"{name} {version}" for name, version in machine["libraries"].items()]
    return ", ".join([f"Python {machine['python']}", *found])


def _gpu() -> str | None:
    import torch  # takes a second or two, only when the machine is described

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def as_json(here: dict[str, Any], results: list[Result]) -> dict[str, Any]:
    """The machine `here` and all rows, as values for JSON."""
    return {"machine": here, "rows": [asdict(row) for result in results for row in result.rows]}


def rate(work: Callable[[], int], seconds: float) -> float:
    """Units of work per second: `work` returns how many it did. It is called once to warm up, then for `seconds`."""
    work()
    done, start = 0, time.perf_counter()
    while True:
        done += work()
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return done / elapsed


def median(values: list[float]) -> float:
    """The middle value (for an even count, the upper of the two)."""
    return sorted(values)[len(values) // 2]
