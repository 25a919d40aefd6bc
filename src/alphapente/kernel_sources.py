"""A digest of the sources that the kernels' machine code depends on, computed without importing them.

numba copies the value of every global that a kernel reads into its machine code, including constants imported from
other modules, and does not detect a change of such a module. A value can only reach a kernel through the imports of the
kernel's module. So the digest covers each module that imports `alphapente.compiled`, and every module of this package
that these import, directly or indirectly. Other changes keep the compiled kernels.
"""

import hashlib
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import llvmlite
import llvmlite.binding
import numba
import numpy as np

_COMPILER = "compiled"
"""The module whose decorators define kernels."""


def kernel_sources(package: Path) -> list[Path]:
    """The files in the package's folder whose values kernels can contain, sorted."""
    files = {_module_name(path, package): path for path in package.rglob("*.py")}
    texts = {name: path.read_bytes() for name, path in files.items()}
    compiler = f"{package.name}.{_COMPILER}"
    waiting = [
        name for name, text in texts.items() if compiler.encode() in text and compiler in _imports(text, package)
    ]
    found = {compiler}
    while waiting:
        name = waiting.pop()
        if name in texts and name not in found:
            found.add(name)
            waiting += _imports(texts[name], package)
    return sorted(files[name] for name in found if name in files)


def _module_name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(text: bytes, package: Path) -> Iterator[str]:
    """The modules that a module imports from the package at its top level, and names that may be modules.

    Imports inside functions do not count: no kernel gets a value from them.
    """
    name = re.escape(package.name.encode())
    pattern = rb"^(?:import (" + name + rb"[\w.]*)|from (" + name + rb"[\w.]*) import (\([^)]*\)|[^\n]*))"
    for whole, module, names in re.findall(pattern, text, re.MULTILINE):
        yield (whole or module).decode()
        for word in re.findall(rb"\w+", names):
            yield f"{module.decode()}.{word.decode()}"


def kernel_digest(package: Path) -> str:
    """A digest of 16 hexadecimal digits: the kernels' sources, their folder, the compiler, and this processor.

    The folder is included because numba finds a compiled kernel by the path of its source: a clone that was moved or
    copied, and each of several clones that share a cache, must compile everything again.
    """
    digest = hashlib.sha256(os.fsencode(os.path.abspath(package)))
    for part in _compiler():
        digest.update(f"{part}\n".encode())
    for path in kernel_sources(package):
        digest.update(f"{path.relative_to(package).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _compiler() -> Iterable[object]:
    """The other values that the machine code depends on: versions, processor and options."""
    options = numba.config
    yield from (sys.version_info, numba.__version__, llvmlite.__version__, np.__version__)
    yield options.CPU_NAME or llvmlite.binding.get_host_cpu_name()
    yield options.CPU_FEATURES or sorted(llvmlite.binding.get_host_cpu_features().items())
    yield from (options.OPT, options.BOUNDSCHECK, options.DEBUGINFO_DEFAULT)
