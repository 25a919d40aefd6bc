"""Isolates the tests from whoever runs them: no test sees the working folder, the home folder or the environment.

A user's `config/pipeline.json`, `checkpoints/`, `data/` and `logs/` are found through the current directory, so every
test runs in an empty one. Processes that a test starts inherit all of it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

KEPT = {
    "PATH",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "CI",
    "ALPHAPENTE_BROWSER_TESTS",
    "UPDATE_DOCS",
}
"""What finds the programs, and what chooses the tests."""
KEPT_PREFIXES = ("NUMBA_", "OPENBLAS_", "OMP_", "MKL_", "CUDA_", "PYTEST_", "HYPOTHESIS_", "COV_")
"""How this machine has to compute, and how pytest and its plugins talk to their own processes."""


@pytest.fixture(scope="session", autouse=True)
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clean environment, and an empty folder that is home and working folder of fixtures that outlive a test."""
    caches = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - KEPT:
            if not name.startswith(KEPT_PREFIXES):
                patch.delenv(name)
        if paths := os.environ.get("PYTHONPATH"):
            patch.setenv("PYTHONPATH", os.pathsep.join(map(os.path.abspath, paths.split(os.pathsep))))
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CACHE_HOME", caches)  # compiled kernels, where the package's folder cannot be written to
        patch.setenv("LC_ALL", "C.UTF-8")
        patch.chdir(home)
        yield home


@pytest.fixture(autouse=True)
def working_folder(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder for each test, unless a fixture of its module has chosen one."""
    if Path.cwd() == empty_home:
        monkeypatch.chdir(tmp_path)
