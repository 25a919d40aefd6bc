"""Time from the command to the first simulation, with compiled kernels and with an empty cache."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from types import MappingProxyType

from alphapente.bench.report import Result, Row, median
from alphapente.errors import FailureError

LAPS = 3


def bench_start(laps: int = LAPS) -> Result:
    """Real processes of `alphapente run`, each stopped at its first progress report with evaluated positions.

    `start` runs in a new folder, where the network is made and converted; `start.again` is the same command again;
    `start.cold` compiles into an empty cache, which takes about a minute on two cores.
    """
    with (
        tempfile.TemporaryDirectory(prefix="alphapente-") as folder,
        tempfile.TemporaryDirectory(prefix="alphapente-") as cache,
    ):
        cold = _seconds_to_first_simulation(folder, {"NUMBA_CACHE_DIR": cache})
    with tempfile.TemporaryDirectory(prefix="alphapente-") as folder:
        _seconds_to_first_simulation(folder)  # compiles the kernels
    first, again = [], []
    for _ in range(laps):
        with tempfile.TemporaryDirectory(prefix="alphapente-") as folder:
            first.append(_seconds_to_first_simulation(folder))
            again.append(_seconds_to_first_simulation(folder))
    rows = (("start", median(first)), ("start.again", median(again)), ("start.cold", cold))
    return Result([Row(name, seconds, "seconds") for name, seconds in rows])


def _seconds_to_first_simulation(folder: str, variables: Mapping[str, str] = MappingProxyType({})) -> float:
    """`variables` are added to the environment."""
    command = [sys.executable, "-m", "alphapente", "run", "--events"]
    begin = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        elapsed = 0.0
        for line in process.stdout:
            if '"GenerationProgress"' in line and '"evaluations_per_s": 0.0' not in line:
                elapsed = time.perf_counter() - begin
                break
        process.terminate()
        process.communicate(timeout=60)
    if not elapsed:
        raise FailureError("alphapente run ended before its first simulation: run it by hand to see why")
    return elapsed
