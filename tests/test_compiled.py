"""The cache of compiled kernels: filled once, and never used for other sources."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import alphapente
from alphapente.compiled import mark_used
from alphapente.kernel_sources import kernel_digest, kernel_sources

PACKAGE = Path(alphapente.__file__).parent

PRINT_VALUE = """
from alphapente.compiled import CACHE_FOLDER
from alphapente.training.probe import value
result = value()
print(CACHE_FOLDER, "compiled" if sum(value.stats.cache_misses.values()) else "loaded", result)
"""
"""Prints the cache's folder, whether the kernel of PROBE was compiled or loaded, and its result."""

PROBE = """
from alphapente.compiled import kernel
from alphapente.rules.position import NEVER

@kernel
def value():
    return NEVER
"""
"""A kernel that reads a constant of a module without kernels."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package's sources with PROBE, which tests change."""
    copied = tmp_path / "src" / "alphapente"
    shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("__pycache__", "static", "*.pt"))
    (copied / "training" / "__init__.py").write_text("")  # the real one imports torch
    (copied / "training" / "probe.py").write_text(PROBE)
    return copied


def print_value(copy: Path, cache: Path) -> list[str]:
    """The output of PRINT_VALUE with the package in `copy`."""
    environment = os.environ | {"PYTHONPATH": str(copy.parent), "NUMBA_CACHE_DIR": str(cache), "NUMBA_DISABLE_JIT": "0"}
    done = subprocess.run(
        [sys.executable, "-c", PRINT_VALUE], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def change_never(copy: Path) -> None:
    path = copy / "rules" / "position.py"
    text = path.read_text()
    assert text.count("\nNEVER = 32767 ") == 1
    path.write_text(text.replace("\nNEVER = 32767 ", "\nNEVER = 32766 "))


def test_a_cached_kernel_is_compiled_again_after_a_constant_of_another_module_changes(
    copy: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    first = print_value(copy, cache)
    assert first[0].startswith(str(cache))
    assert first[1:] == ["compiled", "32767"]
    assert print_value(copy, cache) == [first[0], "loaded", "32767"]
    change_never(copy)
    changed = print_value(copy, cache)
    assert changed[0] != first[0]
    assert changed[1:] == ["compiled", "32766"]


def test_a_moved_clone_has_its_own_cache_folder(copy: Path, tmp_path: Path) -> None:
    """numba would load nothing from the old folder, which seems complete."""
    cache = tmp_path / "cache"
    first = print_value(copy, cache)
    moved = copy.parent.rename(tmp_path / "moved") / copy.name
    second = print_value(moved, cache)
    assert second[0] != first[0]
    assert second[1:] == first[1:]


def test_only_stale_folders_of_other_sources_are_removed(tmp_path: Path) -> None:
    old = time.time() - 15 * 24 * 3600
    kept = ["kernels-00000000000000aa", "kernels-mine", "0000000000000001"]
    for name in ["kernels-0000000000000001", *kept]:
        (tmp_path / name / "rules_1").mkdir(parents=True)
        if name != kept[0]:
            os.utime(tmp_path / name, (old, old))
    current = tmp_path / "kernels-00000000000000bb"
    mark_used(current)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, current.name])
    os.utime(current, (old, old))
    mark_used(current)
    assert time.time() - current.stat().st_mtime < 3600, "a folder in use is never stale"


def test_the_digest_depends_on_the_sources_of_kernels_only(copy: Path) -> None:
    before = kernel_digest(copy)
    (copy / "cli" / "app.py").write_text("# changed")
    (copy / "selfplay" / "generate.py").write_text("# changed")
    assert kernel_digest(copy) == before
    for name in ("rules/symmetry.py", "training/tiles.py", "bench/parts.py", "compiled.py", "errors.py"):
        with (copy / name).open("a") as file:
            file.write("# changed\n")
        after = kernel_digest(copy)
        assert after != before, name
        before = after


def test_every_file_with_a_kernel_is_among_the_sources() -> None:
    """And no module imports in a way that `kernel_sources` does not detect."""
    found = set(kernel_sources(PACKAGE))
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        if re.search(r"^@(kernel|inlined|vectorized|allocating|n?jit)\b", text, re.MULTILINE):
            assert path in found, path
        assert not re.search(r"^\s*(from|import) +\.|^ +(from|import) +alphapente\.compiled import kernel", text, re.M)
