"""For tests of self-play: everything is compiled before the first one, as it is whenever games are played."""

import hashlib

import pytest
import torch

from alphapente.network import load
from alphapente.network.openvino_backend import PortableNetwork, convert
from alphapente.selfplay.compilation import compile_kernels

CONVERTED: dict[bytes, PortableNetwork] = {}
"""Networks that a test of this process has converted, by a digest of the model."""


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Else the first generation would compile, and one that is stopped at once would play nothing."""
    compile_kernels()


def convert_once(model: torch.nn.Module) -> PortableNetwork:
    """As `convert`, which takes longer than the games of most tests here."""
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
