"""From the command to the first simulation, with everything compiled before."""

import subprocess
import sys
import tempfile
import time

from alphapente.bench.report import Result, Row, median
from alphapente.errors import FailureError

LAPS = 3


def bench_start(laps: int = LAPS) -> Result:
    """Real processes of `alphapente run`, each stopped as soon as it tells of evaluated positions.

    `start` is in a new folder, where the network is made and converted; `start.again` is the same command once more.
    """
    with tempfile.TemporaryDirectory(prefix="alphapente-") as folder:
        _seconds_to_first_simulation(folder)  # compiles what a start needs
    first, again = [], []
    for _ in range(laps):
        with tempfile.TemporaryDirectory(prefix="alphapente-") as folder:
            first.append(_seconds_to_first_simulation(folder))
            again.append(_seconds_to_first_simulation(folder))
    return Result([Row("start", median(first), "seconds"), Row("start.again", median(again), "seconds")])


def _seconds_to_first_simulation(folder: str) -> float:
    command = [sys.executable, "-m", "alphapente", "run", "--events"]
    begin = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
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
