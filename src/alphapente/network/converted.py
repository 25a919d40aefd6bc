"""Converted networks, stored beside their checkpoints: so a start needs no conversion, and no torch at all.

One file for each model type holds the network that the last start converted. It is used only if its key is that of the
requested network and its digest that of its content; in all other cases the network is converted again.
"""

import contextlib
import functools
import hashlib
import io
import json
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from alphapente.config import BUILT_IN_CLASSES, Config
from alphapente.errors import FailureError
from alphapente.files import write_bytes
from alphapente.network.mixnet_kernels import Weights
from alphapente.network.openvino_backend import PortableNetwork
from alphapente.network.paths import checkpoint_path, converted_path

_CONVERTERS = (
    "checkpoint.py",
    "mixnet.py",
    "mixnet_backend.py",
    "mixnet_kernels.py",
    "models.py",
    "openvino_backend.py",
    "patterns.py",
    "planes.py",
    "torch_backend.py",
    "vectors.py",
)
"""The files beside this one that determine the result of a conversion."""


def key_of(config: Config, model_type: str, seed: int) -> str:
    """A digest of all that a converted network depends on: the checkpoint's content, or the seed of a fresh network,
    the model's class and sizes, and the versions of the converter.

    "" for networks that must not be stored: of a user-defined model, whose code may change unnoticed, of an unreadable
    checkpoint, or of converter packages with unknown versions.
    """
    settings = config.models.get(model_type)
    if settings is None or settings.class_path not in BUILT_IN_CLASSES.values():
        return ""
    try:
        content = checkpoint_path(config, model_type).read_bytes()
    except FileNotFoundError:
        content = b"fresh %d" % seed
    except OSError:
        return ""
    converter = _converter()
    if not converter:
        return ""
    parts = [model_type, settings.class_path, settings.sizes, hashlib.sha256(content).hexdigest(), converter]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@functools.cache
def _converter() -> str:
    """A digest of the converter: our files and the versions of its packages; "" if a version is unknown."""
    digest = hashlib.sha256()
    for name in _CONVERTERS:
        digest.update(Path(__file__).with_name(name).read_bytes())
    try:
        digest.update(metadata.version("torch").encode())
        with contextlib.suppress(metadata.PackageNotFoundError):  # mixnet needs none
            digest.update(metadata.version("openvino").encode())
    except (metadata.PackageNotFoundError, AttributeError):  # installed without metadata, or without a version in it
        return ""
    return digest.hexdigest()


Converted = PortableNetwork | Weights


def find_converted(config: Config, model_type: str, key: str) -> tuple[Converted, int] | None:
    """The network stored under this key, and its training steps; None if there is none."""
    try:
        with converted_path(config, model_type).open("rb") as file:
            header, content = json.loads(file.readline()), file.read()
        if not key or header["key"] != key or header["digest"] != hashlib.sha256(content).hexdigest():
            return None
        return _from_bytes(header, content), int(header["step"])
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None


def keep_converted(config: Config, model_type: str, key: str, network: Converted, step: int) -> None:
    """Stores the network under its key, replacing the one before; does nothing if the folder cannot be written."""
    path = converted_path(config, model_type)
    kind, content = _to_bytes(network)
    header = {"key": key, "step": step, **kind, "digest": hashlib.sha256(content).hexdigest()}
    with contextlib.suppress(FailureError):
        write_bytes(path, json.dumps(header).encode() + b"\n" + content, durable=False)


def _to_bytes(network: Converted) -> tuple[dict[str, Any], bytes]:
    """The header's fields about a network's content, and the content."""
    if isinstance(network, PortableNetwork):
        return {"xml": len(network.xml)}, network.xml + network.weights
    buffer = io.BytesIO()
    np.savez(buffer, **network._asdict())
    return {"arrays": "mixnet"}, buffer.getvalue()


def _from_bytes(header: dict[str, Any], content: bytes) -> Converted:
    if "xml" in header:
        return PortableNetwork(content[: header["xml"]], content[header["xml"] :])
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return Weights(**{name: arrays[name] for name in Weights._fields})
