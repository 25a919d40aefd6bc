"""Isolates the tests from the user: no test sees the working folder, the home folder or the environment.

A user's `config/pipeline.json`, `checkpoints/`, `data/` and `logs/` are found through the current directory, so every
test runs in an empty one. Processes started by a test inherit this isolation.
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
"""Variables that locate programs or select tests."""
KEPT_PREFIXES = ("NUMBA_", "OPENBLAS_", "OMP_", "MKL_", "CUDA_", "PYTEST_", "HYPOTHESIS_", "COV_")
"""Variables of numerical libraries, and of pytest and its plugins for their processes."""


@pytest.fixture(scope="session", autouse=True)
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clean environment, and an empty home folder that is also the working folder of fixtures that outlive a test."""
    caches = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - KEPT:
            if not name.startswith(KEPT_PREFIXES):
                patch.delenv(name)
        if paths := os.environ.get("PYTHONPATH"):
            patch.setenv("PYTHONPATH", os.pathsep.join(map(os.path.abspath, paths.split(os.pathsep))))
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CACHE_HOME", caches)  # for compiled kernels, if the package's folder cannot be written
        patch.setenv("LC_ALL", "C.UTF-8")
        patch.chdir(home)
        yield home


@pytest.fixture(autouse=True)
def working_folder(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder for each test, unless a fixture of its module has chosen one."""
    if Path.cwd() == empty_home:
        monkeypatch.chdir(tmp_path)
