"""How the hot parts become machine code: numba, once for each version of the sources, kept on disk for the next start.

numba notices when the file of a function changes, but not when a function that it calls changes in another file, and
would go on with the old code. So the cache's folder carries a digest of all sources with kernels.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import numba
from numba import njit

_PACKAGE = Path(__file__).parent
_MARKS = (b"@kernel", b"@inlined", b"@vectorized", b"@allocating")


def _digest() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for room in ("rules", "network", "search", "arena"):
        for path in sorted((_PACKAGE / room).glob("*.py")):
            source = path.read_bytes()
            if any(mark in source for mark in _MARKS):
                digest.update(source)
    return digest.hexdigest()[:16]


def _cache_folder() -> Path:
    """Beside the package where that can be written to, else in the user's cache."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    beside = _PACKAGE / "__pycache__"
    if os.access(beside if beside.exists() else _PACKAGE, os.W_OK):
        return beside
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "alphapente")


CACHE_FOLDER = _cache_folder() / f"kernels-{_digest()}"
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


def is_cold(name: str) -> bool:
    """Whether the kernel of this name ("module.function") has yet to be compiled on this machine."""
    return not numba.config.DISABLE_JIT and not any(CACHE_FOLDER.glob(f"*/{name}-*.nbi"))
