"""Fixtures for tests of self-play: all kernels are compiled before the first test, as before every generation."""

import hashlib

import pytest
import torch

from alphapente.network import load
from alphapente.network.openvino_backend import PortableNetwork, convert
from alphapente.selfplay.compilation import compile_kernels

CONVERTED: dict[bytes, PortableNetwork] = {}
"""Networks already converted in this process, by a digest of the model."""


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Otherwise the first generation would compile, and one that is stopped at once would play nothing."""
    compile_kernels()


def convert_once(model: torch.nn.Module) -> PortableNetwork:
    """`convert` with a cache; converting takes longer than the games of most tests here."""
    digest = hashlib.sha256(repr(model).encode())
    for name, tensor in model.state_dict().items():
        digest.update(name.encode() + tensor.numpy().tobytes())
    key = digest.digest()
    if key not in CONVERTED:
        CONVERTED[key] = convert(model)
    return CONVERTED[key]


@pytest.fixture(autouse=True)
def _converted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "convert", convert_once)
