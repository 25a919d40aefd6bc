"""How the hot parts become machine code: numba, once for each version of the sources, kept on disk for the next start.

numba notices when the file of a function changes, but not when a function that it calls or a constant that it reads
changes in another file, and would go on with the old code. So the cache's folder carries a digest of all of them.
"""

import contextlib
import os
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numba
from numba import njit

from alphapente.errors import FailureError
from alphapente.kernel_sources import kernel_digest

_PACKAGE = Path(__file__).parent
_STALE_AFTER_S = 14 * 24 * 3600.0
"""A folder of other sources that no process has opened for so long is removed."""


def _cache_folder() -> Path:
    """Beside the package where that can be written to, else in the user's cache."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    beside = _PACKAGE / "__pycache__"
    if os.access(beside if beside.exists() else _PACKAGE, os.W_OK):
        return beside
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "alphapente")


def mark_used(folder: Path) -> None:
    """Notes that a process uses the folder; the first one to make it removes the stale folders beside it.

    A process that still uses a removed one compiles again where it has to, and numba makes the folder again.
    """
    new = not folder.exists()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
    if new:
        with contextlib.suppress(OSError):
            for other in folder.parent.iterdir():
                named = re.fullmatch(r"kernels-[0-9a-f]{16}", other.name)
                if named and time.time() - other.stat().st_mtime > _STALE_AFTER_S:
                    shutil.rmtree(other, ignore_errors=True)


def require_writable(folder: Path) -> None:
    """Raises FailureError where no file can be created in the folder: numba would end with a traceback."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise FailureError(
            f"the folder for compiled kernels {folder} cannot be written ({error.strerror}): name a folder that can be "
            "written in the environment variable NUMBA_CACHE_DIR"
        ) from error


CACHE_FOLDER = _cache_folder() / f"kernels-{kernel_digest(_PACKAGE)}"
mark_used(CACHE_FOLDER)
if not numba.config.DISABLE_JIT:
    require_writable(CACHE_FOLDER)
numba.config.CACHE_DIR = str(CACHE_FOLDER)

_COMMON: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_BORROWED = _COMMON | {"_nrt": False}
"""Without reference counts: arrays belong to the caller. Counting them took a quarter of the search's time."""

kernel = njit(**_BORROWED)
"""Decorator: compiled at the first call, kept on disk, free of the interpreter lock; must not make new arrays."""

inlined = njit(inline="always", **_BORROWED)
"""The same, for small functions that are part of their callers."""

vectorized = njit(fastmath={"reassoc", "nnan"}, **_BORROWED)
"""A kernel whose float sums and maxima may be taken in any order, as vector instructions do; no NaN may come in."""

allocating = njit(**_COMMON)
"""A kernel that makes new arrays or draws from a generator."""
