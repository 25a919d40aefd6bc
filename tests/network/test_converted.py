"""A converted network is used again as long as its checkpoint is the same, and never if anything differs."""

from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from alphapente.config import Config, load_config
from alphapente.errors import FailureError
from alphapente.network import checkpoint, converted, load
from alphapente.network.checkpoint import Checkpoint, save
from alphapente.network.converted import find_converted, keep_converted, key_of
from alphapente.network.load import PlayableNetwork, load_network_of_type
from alphapente.network.mixnet_kernels import Weights
from alphapente.network.models import build, spec_of
from alphapente.network.openvino_backend import PortableNetwork, convert
from alphapente.network.paths import checkpoint_path, converted_path
from alphapente.network.planes import NUM_PLANES

NETWORK = PortableNetwork(b"<xml/>", b"weights")


def configured(folder: Path, *overrides: str) -> Config:
    return load_config(None, [f"pipeline.checkpoint_dir={folder}", "models.simple.channels=8", *overrides])


def save_checkpoint(config: Config, seed: int, step: int) -> None:
    spec = spec_of(config, "simple")
    weights = build(spec, seed=seed).state_dict()
    values = Checkpoint("simple", spec.class_path, dict(spec.sizes), NUM_PLANES, weights, weights, step=step)
    save(checkpoint_path(config, "simple"), values)


def loaded(config: Config) -> PlayableNetwork:
    return load_network_of_type(config, "simple", "openvino", keep=True)


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each conversion."""
    counted: list[int] = []

    def counting(model: object) -> PortableNetwork:
        counted.append(1)
        return convert(model)  # type: ignore[arg-type]

    monkeypatch.setattr(load, "convert", counting)
    return counted


def test_the_second_start_converts_nothing_and_loads_the_same(tmp_path: Path, conversions: list[int]) -> None:
    config = configured(tmp_path)
    first = loaded(config)
    assert loaded(config) == first
    assert "fresh" in first.description
    save_checkpoint(config, seed=1, step=5)
    second = loaded(config)
    assert second.form != first.form
    assert loaded(config) == second
    assert (second.step, len(conversions)) == (5, 2)
    assert "step 5" in second.description


def test_torch_on_the_cpu_does_not_play_what_was_converted_for_openvino(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert isinstance(loaded(config).form, PortableNetwork)
    assert isinstance(load_network_of_type(config, "simple", "cpu").form, nn.Module)


def test_who_does_not_keep_it_finds_it_and_writes_nothing(tmp_path: Path, conversions: list[int]) -> None:
    config = configured(tmp_path / "checkpoints")
    load_network_of_type(config, "simple", "openvino")
    assert not list(tmp_path.iterdir())
    kept = loaded(config)
    assert load_network_of_type(config, "simple", "openvino") == kept
    assert len(conversions) == 2


def test_a_mixnet_is_kept_for_its_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(tmp_path)
    first = load_network_of_type(config, "mixnet", "cpu", keep=True).form
    assert isinstance(first, Weights)
    monkeypatch.setattr(load, "quantized", None)  # it is not called again
    second = load_network_of_type(config, "mixnet", "cpu", keep=True).form
    assert isinstance(second, Weights)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_checkpoint_size_or_seed_is_converted_again(tmp_path: Path) -> None:
    config = configured(tmp_path)
    keys = {key_of(config, "simple", 0), key_of(config, "simple", 1)}
    keys.add(key_of(configured(tmp_path, "models.simple.layers=2"), "simple", 0))
    save_checkpoint(config, seed=1, step=5)
    keys.add(key_of(config, "simple", 0))
    assert key_of(config, "simple", 1) in keys  # the seed only matters for a fresh network
    save_checkpoint(config, seed=1, step=6)
    keys.add(key_of(config, "simple", 0))
    assert len(keys) == 5


def test_other_versions_of_what_converts_make_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(tmp_path)
    keys = {key_of(config, "simple", 0)}
    for package in ("torch", "openvino", "neither"):
        with monkeypatch.context() as patch:
            versions = {"torch": "1", "openvino": "1"} | {package: "2"}
            patch.setattr(metadata, "version", versions.get)
            converted._converter.cache_clear()
            keys.add(key_of(config, "simple", 0))
    converted._converter.cache_clear()
    assert len(keys) == 4
    assert key_of(config, "simple", 0) in keys


def test_a_damaged_file_is_not_trusted(tmp_path: Path, conversions: list[int]) -> None:
    config = configured(tmp_path)
    loaded(config)
    path = converted_path(config, "simple")
    content = path.read_bytes()
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    for broken in (flipped, content[:-1], content[:50], b"", b"null\n", b"\xff\xfe", b"{}\n"):
        path.write_bytes(broken)
        assert loaded(config).step == 0
        assert find_converted(config, "simple", key_of(config, "simple", 0))
    assert len(conversions) == 8


def test_one_file_is_kept_for_a_model_and_none_for_one_of_the_users_own(tmp_path: Path) -> None:
    config = configured(tmp_path)
    for step in range(3):
        keep_converted(config, "simple", f"key {step}", NETWORK, step)
    assert [path.name for path in tmp_path.iterdir()] == ["simple_model.openvino"]
    assert find_converted(config, "simple", "key 2") == (NETWORK, 2)
    assert find_converted(config, "simple", "key 1") is None
    own = configured(tmp_path, 'models.mine={"class": "alphapente.network.models:Other"}')
    assert key_of(own, "mine", 0) == ""
    keep_converted(config, "simple", "", NETWORK, 0)
    assert find_converted(config, "simple", "") is None


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    config = configured(tmp_path / "file" / "inside")
    keep_converted(config, "simple", "key", NETWORK, 0)
    assert find_converted(config, "simple", "key") is None


def test_a_checkpoint_replaced_while_it_was_read_is_not_kept_under_the_old_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(tmp_path)
    save_checkpoint(config, seed=1, step=1)
    read = checkpoint.read

    def replaced_meanwhile(path: Path) -> Checkpoint:
        save_checkpoint(config, seed=2, step=2)
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "read", replaced_meanwhile)
        newer = loaded(config)
    assert not converted_path(config, "simple").exists()
    save_checkpoint(config, seed=1, step=1)
    assert loaded(config).form != newer.form


def test_a_broken_checkpoint_is_refused_though_a_converted_network_is_there(tmp_path: Path) -> None:
    config = configured(tmp_path)
    save_checkpoint(config, seed=1, step=1)
    loaded(config)
    checkpoint_path(config, "simple").write_bytes(b"PK\x03\x04")
    with pytest.raises(FailureError, match="truncated"):
        loaded(config)


@pytest.mark.parametrize("version", [None, metadata.PackageNotFoundError("torch")])
def test_packages_without_a_known_version_play_and_keep_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: object
) -> None:
    def unknown(name: str) -> object:
        if isinstance(version, Exception):
            raise version
        return version

    monkeypatch.setattr(metadata, "version", unknown)
    converted._converter.cache_clear()
    config = configured(tmp_path)
    assert key_of(config, "simple", 0) == ""
    assert loaded(config).step == 0
    assert not converted_path(config, "simple").exists()
    monkeypatch.undo()
    converted._converter.cache_clear()
