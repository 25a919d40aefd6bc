"""Compilation before the first game: each kernel once, by several processes, with progress reports."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from alphapente.events import CompilationProgress
from alphapente.selfplay import compilation
from alphapente.selfplay.compilation import NUM_KERNELS, compile_kernels

KERNEL = """
from alphapente.compiled import kernel

@kernel
def double(number):
    return 2 * number
"""
BEGIN = """
import sys, zlib
from alphapente.selfplay.compilation import PARTS, _compile_each_kernel_once, _Lock
from small import double
lock = _Lock()
"""
HOLD = f"""{BEGIN}
with lock.held(zlib.crc32(b"small.double") + len(PARTS)):
    double(1)
    print("held", flush=True)
    sys.stdin.read()
"""
CALL = f"""{BEGIN}
_compile_each_kernel_once(lock)
sys.stdin.readline()
print("ready", flush=True)
double(1)
print(sum(double.stats.cache_hits.values()), sum(double.stats.cache_misses.values()))
"""
COMPILE = """
from alphapente.selfplay.compilation import compile_kernels
if __name__ == "__main__":
    compile_kernels(lambda progress: print(progress.kernels, progress.num_kernels, flush=True))
"""

FULL_DISK = """
import resource, signal
from alphapente.errors import FailureError
if __name__ == "__main__":
    if {limit}:
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
    try:
        from alphapente.selfplay.compilation import compile_kernels
        compile_kernels()
    except FailureError as error:
        print(error)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a process with an empty cache and the module `small` with one kernel."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "small.py").write_text(KERNEL)
    path = os.pathsep.join([str(tmp_path / "modules"), *sys.path])
    return os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": path, "NUMBA_DISABLE_JIT": "0"}


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes started by a test; those that still run at its end are killed."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def start(program: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def two(environment: dict[str, str], processes: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """A process that has compiled a kernel and holds its lock, and one that waits to call the kernel."""
    processes += [start(HOLD, environment), start(CALL, environment)]  # both at once: they import for a second
    first, second = processes
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    assert second.stdin is not None
    assert second.stdout is not None
    second.stdin.write("\n")
    second.stdin.flush()
    assert second.stdout.readline() == "ready\n"
    return processes


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_process_waits_for_a_kernel_that_another_compiles_and_loads_it(
    two: list[subprocess.Popen[str]], is_killed: bool
) -> None:
    """The system drops the lock of a process that dies."""
    first, second = two
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(0.3)
    if is_killed:
        first.kill()
    else:
        first.communicate("")  # ends its input, and with it the lock
    assert second.stdout is not None
    assert second.stdout.readline() == "1 0\n"


def test_nothing_is_done_if_everything_is_compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compilation, "_cache_folder", lambda: tmp_path)
    (tmp_path / "compiled").touch()
    reported: list[CompilationProgress] = []
    compile_kernels(reported.append)
    assert reported == []


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="nothing is compiled then")
def test_a_stop_ends_it_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compilation, "_cache_folder", lambda: tmp_path)
    started = time.monotonic()
    compile_kernels(stop=lambda: True)
    assert time.monotonic() - started < 10
    assert not (tmp_path / "compiled").exists()


@pytest.mark.parametrize(
    ("limit", "problem"),
    [
        ("0", "cannot be written"),
        pytest.param("400", "cannot be written (File too large); free some space", marks=pytest.mark.slow),
    ],
)
@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="nothing is compiled then")
def test_a_cache_that_cannot_be_written_is_reported_in_one_line(
    environment: dict[str, str], tmp_path: Path, limit: str, problem: str
) -> None:
    """In a folder that cannot be written, and on a full disk: no file grows beyond `limit` bytes."""
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # the limit would truncate those files too
    if limit == "0":
        environment["NUMBA_CACHE_DIR"] = "/dev/null/cache"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK.format(limit=limit)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert problem in done.stdout
    assert "NUMBA_CACHE_DIR" in done.stdout
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.slow
def test_everything_is_compiled_and_counted(environment: dict[str, str], tmp_path: Path) -> None:
    interrupted = start(COMPILE, environment)
    assert interrupted.stdout is not None
    for line in interrupted.stdout:
        if int(line.split()[0]) > 10:
            break
    interrupted.kill()  # its processes continue, and the next start waits for them
    interrupted.wait()
    interrupted.stdout.close()
    done = subprocess.run(
        [sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, check=True, timeout=280
    )
    counts = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert counts == sorted(counts)
    assert {total for _, total in counts} == {NUM_KERNELS}
    assert len(list(tmp_path.glob("kernels-*/*/*.nbi"))) == NUM_KERNELS
