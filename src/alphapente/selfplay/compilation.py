"""Compiles the kernels of search and self-play before their first use, in two processes, with progress reports.

numba compiles a kernel in the process that calls it first, and that process waits: 60 to 100 seconds on one core for
all kernels. Here two processes share the work through the cache on disk. Each compiles everything, but begins with a
different part, and a lock for each kernel makes a process wait for a kernel that the other is compiling. Several starts
share the work in the same way. The set-up starts it while pip still installs, so this module needs only NumPy, numba
and pydantic. `python -m alphapente.selfplay.compilation` compiles without playing.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, cast

from alphapente.errors import FailureError
from alphapente.events import CompilationProgress, Note, ReportFn
from alphapente.network.device import num_cores

NUM_KERNELS = 124
"""Compiled kernels in the cache after all parts, at which progress is complete; a test counts them."""
POLL_EVERY_S = 0.5
_SYSTEM_ERROR = 100
"""This plus errno is the exit status of a process that compiles and fails; see _compile."""
NOTICE = "compiling the search for this machine, once"
"""Printed before the compilation."""


def _compile_self_play(*overrides: str) -> None:
    from alphapente.config import load_config
    from alphapente.selfplay.worker import warm_up

    warm_up(load_config(None, overrides))


def _compile_other_half() -> None:
    """Everything that does not need the solver; then the second half of the solver, and selection.

    These need the first half, with which another process begins.
    """
    from alphapente.config import load_config
    from alphapente.network.inputs import PLANES
    from alphapente.network.mixnet_backend import MixnetEvaluator
    from alphapente.network.mixnet_kernels import blank_weights
    from alphapente.rules.game import Game
    from alphapente.search import Forest, Solver
    from alphapente.search.mcts.expansion import expand
    from alphapente.search.mcts.tree import new_scratch

    size = 9
    evaluator = MixnetEvaluator(blank_weights(), 1, size)
    answers = evaluator.evaluate(evaluator.input)
    PLANES.encode(evaluator.input, PLANES.new_arrays(1, size))
    forest = Forest(evaluator, load_config().search, num_trees=1, simulations=2)
    expand(forest.trees, forest.leaves, forest.cache, answers, new_scratch(size))  # there is no leaf yet
    Solver(8).defences(Game.from_moves("1. K10 L9 2. K14 M8 3. N11 L12").position)
    forest.select()


PARTS: tuple[Callable[[], None], ...] = (
    _compile_self_play,
    _compile_other_half,
    partial(_compile_self_play, "generation.model_type=mixnet"),
)
"""Process 1 begins with the first part, and so with the solver; process 2 begins with the second."""


def is_compiled() -> bool:
    """Whether everything is compiled for this version of the sources and this processor."""
    import numba

    return bool(numba.config.DISABLE_JIT) or _finished().exists()


def compile_kernels(
    report: Callable[[CompilationProgress], None] = lambda _progress: None, stop: Callable[[], bool] = lambda: False
) -> None:
    """Compiles all kernels of search and self-play into the cache; returns at once if they are there already.

    Calls `report` twice a second. Returns early after `stop()`; what was compiled stays in the cache.
    Raises FailureError if a process that compiles fails.
    """
    if is_compiled():
        return
    started = time.monotonic()
    with _processes(min(num_cores(), 2)) as processes:
        while not is_compiled() and not stop():
            report(CompilationProgress(min(_num_in_cache(), NUM_KERNELS), NUM_KERNELS, time.monotonic() - started))
            for process in processes:
                process.join(POLL_EVERY_S / len(processes))
            failed = next((process for process in processes if process.exitcode), None)
            if failed is not None:
                raise _failure(failed.exitcode or 0)


def _failure(status: int) -> FailureError:
    """The error for a process that compiles and ended with this exit status."""
    if status >= _SYSTEM_ERROR:
        reason = os.strerror(status - _SYSTEM_ERROR)
        return FailureError(
            f"compiling the search failed: {_cache_folder()} cannot be written ({reason}); free some space, or name "
            "another folder in the environment variable NUMBA_CACHE_DIR, and run the same command again"
        )
    how = f"was killed by signal {-status}" if status < 0 else f"ended with exit status {status}"
    return FailureError(
        f"compiling the search failed: a process {how}; run the same command again; if it fails again, delete "
        f"{_cache_folder()} first"
    )


def compile_for_job(report: ReportFn, stop: Callable[[], bool]) -> None:
    """Reports NOTICE and calls `compile_kernels`; reports nothing if everything is compiled already."""
    if not is_compiled():
        report(Note(NOTICE))
        compile_kernels(report, stop)


@contextlib.contextmanager
def _processes(count: int) -> Iterator[list[BaseProcess]]:
    """Processes that compile, killed at the end of the block: a kernel is written to the cache whole or not at all."""
    context = multiprocessing.get_context("spawn")
    processes: list[BaseProcess] = [
        context.Process(target=_compile, args=(first,), name=f"compile {first + 1}", daemon=True)
        for first in range(count)
    ]
    try:
        for process in processes:
            process.start()
        yield processes
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.join()


def _compile(first: int) -> None:
    """Runs in a process: compiles every part, beginning with part `first`, unless another start's process does so.

    The exit status is _SYSTEM_ERROR plus errno if the cache cannot be written.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole process group; the parent kills this one
    try:
        lock = _Lock()
        with lock.held(first):
            if is_compiled():
                return
            _compile_each_kernel_once(lock)
            for part in (*PARTS[first:], *PARTS[:first]):
                part()
            _finished().touch()
    except OSError as error:
        sys.exit(_SYSTEM_ERROR + (error.errno or 0))


def _compile_each_kernel_once(lock: "_Lock") -> None:
    """Makes numba in this process wait for a kernel that another process is compiling, and load it from the cache.

    A kernel's lock is held while the kernels that it calls are compiled. Calls have no cycles, so there is no deadlock.
    """
    from numba.core.dispatcher import Dispatcher

    compile_kernel = Dispatcher.compile

    def compile_locked(self: Any, signature: Any) -> Any:
        function = self.py_func
        with lock.held(zlib.crc32(f"{function.__module__}.{function.__qualname__}".encode()) + len(PARTS)):
            return compile_kernel(self, signature)

    cast(Any, Dispatcher).compile = compile_locked


class _Lock:
    """Locks by number, shared by all processes that use this cache; a process that dies releases its own."""

    def __init__(self) -> None:
        self._file = (_cache_folder() / "compile.lock").open("w")

    @contextlib.contextmanager
    def held(self, number: int) -> Iterator[None]:
        """Waits for lock `number` and holds it. It locks one byte of the file, which may lie beyond the file's end."""
        try:
            import fcntl
        except ImportError:  # no such locks on this system: some kernels are compiled twice
            yield
            return
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, number)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, number)


def _cache_folder() -> Path:
    from alphapente.compiled import (
        CACHE_FOLDER,
    )  # not above: this module must not count as a kernel source, see kernel_sources

    return CACHE_FOLDER


def _finished() -> Path:
    """The file that exists once everything is compiled."""
    return _cache_folder() / "compiled"


def _num_in_cache() -> int:
    return sum(1 for _ in _cache_folder().glob("*/*.nbi"))


if __name__ == "__main__":
    compile_kernels()
