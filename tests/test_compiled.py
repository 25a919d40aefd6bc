"""The cache of compiled kernels: filled once, and never used for other sources than those it was made from."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import alphapente

PACKAGE = Path(alphapente.__file__).parent

LOOK = """
from alphapente.compiled import CACHE_FOLDER, is_cold
before = is_cold("kernels.makes_five")
import numpy as np
from alphapente.rules.kernels import makes_five
makes_five(np.zeros(548, np.int8), 200, 1, False)
print(CACHE_FOLDER, before, is_cold("kernels.makes_five"))
"""


def look(source: Path, cache: Path) -> list[str]:
    """The cache's folder, and whether a kernel was cold before and after its first call, of the package in `source`."""
    environment = os.environ | {"PYTHONPATH": str(source), "NUMBA_CACHE_DIR": str(cache), "NUMBA_DISABLE_JIT": "0"}
    done = subprocess.run([sys.executable, "-c", LOOK], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_kernel_is_cold_once_and_a_changed_source_makes_it_cold_again(tmp_path: Path) -> None:
    source, cache = tmp_path / "src", tmp_path / "cache"
    shutil.copytree(PACKAGE, source / "alphapente", ignore=shutil.ignore_patterns("__pycache__"))
    first = look(source, cache)
    assert first[0].startswith(str(cache))
    assert first[1:] == ["True", "False"]
    assert look(source, cache) == [first[0], "False", "False"]
    with (source / "alphapente" / "rules" / "kernels.py").open("a") as file:
        file.write("\n# another version\n")
    changed = look(source, cache)
    assert changed[0] != first[0]
    assert changed[1:] == ["True", "False"]
