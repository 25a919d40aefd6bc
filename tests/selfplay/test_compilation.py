"""Compilation ahead of the first game: each kernel once, by several processes, in full view."""

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

BEGIN = """
import numpy as np, sys, zlib
from alphapente.rules.kernels import makes_five
from alphapente.selfplay.compilation import PARTS, _compile_each_kernel_once, _Lock
lock = _Lock()
"""
HOLD = f"""{BEGIN}
with lock.held(zlib.crc32(b"alphapente.rules.kernels.makes_five") + len(PARTS)):
    print("held", flush=True)
    makes_five(np.zeros(548, np.int8), 200, 1, False)
    sys.stdin.read()
"""
CALL = f"""{BEGIN}
_compile_each_kernel_once(lock)
print("ready", flush=True)
makes_five(np.zeros(548, np.int8), 200, 1, False)
print(sum(makes_five.stats.cache_hits.values()), sum(makes_five.stats.cache_misses.values()))
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
    """For a process with an empty cache."""
    return os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    """What a test starts; whatever still runs at its end is killed."""
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


def test_a_kernel_that_another_process_compiles_is_waited_for_and_loaded(
    environment: dict[str, str], processes: list[subprocess.Popen[str]]
) -> None:
    first = start(HOLD, environment)
    processes.append(first)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    second = start(CALL, environment)
    processes.append(second)
    assert second.stdout is not None
    assert second.stdout.readline() == "ready\n"
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(0.5)
    first.communicate("")  # ends its input, and with it the lock
    assert second.stdout.readline() == "1 0\n"


def test_the_lock_of_a_killed_process_is_free(
    environment: dict[str, str], processes: list[subprocess.Popen[str]]
) -> None:
    first = start(HOLD, environment)
    processes.append(first)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    second = start(CALL, environment)
    processes.append(second)
    assert second.stdout is not None
    assert second.stdout.readline() == "ready\n"
    first.kill()
    hits, misses = second.stdout.readline().split()
    assert (hits, misses) in (("1", "0"), ("0", "1"))  # depends on how far the killed one was


def test_nothing_is_done_where_everything_is_compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
    """In a folder that nobody can write to, and on a full disk: no file grows beyond `limit` bytes."""
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # the limit would cut those files off too
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
    interrupted.kill()  # its processes go on, and the next start waits for them
    interrupted.wait()
    interrupted.stdout.close()
    done = subprocess.run(
        [sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True, check=True, timeout=280
    )
    counts = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert counts == sorted(counts)
    assert {total for _, total in counts} == {NUM_KERNELS}
    assert len(list(tmp_path.glob("kernels-*/*/*.nbi"))) == NUM_KERNELS
