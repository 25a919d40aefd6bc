"""Compiles kernels with numba, once for each version of the sources, and caches them on disk for the next start.

numba detects a change in the file of a function, but not a change of a called function or of a constant in another
file, and would use the old code. So the name of the cache folder contains a digest of all these sources.
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
"""A folder of other sources that no process has opened for this long is removed."""


def _cache_folder() -> Path:
    """Beside the package if that is writable, else in the user's cache folder."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    beside = _PACKAGE / "__pycache__"
    if os.access(beside if beside.exists() else _PACKAGE, os.W_OK):
        return beside
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "alphapente")


def mark_used(folder: Path) -> None:
    """Marks the folder as used by a process; the process that creates it removes stale folders beside it.

    A process that still uses a removed folder compiles again if necessary, and numba creates the folder again.
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
    """Raises FailureError if no file can be created in the folder: numba would end with a traceback."""
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
"""Without reference counts, since arrays belong to the caller. Counting took a quarter of the search's time."""

kernel = njit(**_BORROWED)
"""Decorator: compiled at the first call, cached on disk, releases the interpreter lock; must not allocate arrays."""

inlined = njit(inline="always", **_BORROWED)
"""The same, for small functions that are inlined into their callers."""

vectorized = njit(fastmath={"reassoc", "nnan"}, **_BORROWED)
"""A kernel whose float sums and maxima may be computed in any order, as vector instructions do; no NaN inputs."""

allocating = njit(**_COMMON)
"""A kernel that allocates arrays or draws from a generator."""
