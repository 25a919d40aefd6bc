"""Checkpoints: a saved one is read back unchanged; any problem of a file is reported, and nothing in it is executed."""

import errno
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from alphapente.config import Config, load_config
from alphapente.network import checkpoint as checkpoints
from alphapente.network.checkpoint import Checkpoint, CheckpointError, read, require_spec, restore, save
from alphapente.network.load import load_network, load_network_of_type
from alphapente.network.models import ModelSpec, build, spec_of
from alphapente.network.paths import checkpoint_path
from alphapente.network.planes import NUM_PLANES


def made(model_type: str = "simple", **changes: Any) -> Checkpoint:
    spec = spec_of(Config(), model_type)
    weights = build(spec, seed=4).state_dict()
    averaged = {name: tensor * 2 if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
    values = {"step": 7, "training": {"epoch": 3}, "config": Config().dump_json(), **changes}
    return Checkpoint(spec.model_type, spec.class_path, spec.sizes, NUM_PLANES, weights, averaged, **values)


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "simple_model.pt"
    save(path, made())
    found = read(path)
    assert (found.model_type, found.step, found.training) == ("simple", 7, {"epoch": 3})
    require_spec(path, found, spec_of(Config(), "simple"))
    for averaged, weights in ((False, found.weights), (True, found.averaged_weights)):
        model = restore(path, found, averaged=averaged)
        assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def refused(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_missing(tmp_path: Path) -> None:
    assert "python train_v2.py" in refused(tmp_path / "simple_model.pt")


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "simple_model.pt"
    save(path, made())
    data = path.read_bytes()
    for length in (0, 1, 4, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        assert any(word in refused(path) for word in ("truncated", "empty", "no AlphaPente checkpoint"))


def test_a_flipped_byte_in_the_weights_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "simple_model.pt"
    save(path, made())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    assert "damaged" in refused(path)


@pytest.mark.parametrize("content", [b"hello, this is text", b"\x80\x04\x95", pickle.dumps({"a": 1}), b"\0" * 1000])
def test_foreign_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    assert "no AlphaPente checkpoint" in refused(path)


@pytest.mark.parametrize("content", [{"state_dict": {}}, [1, 2], {"kind": "other", "format_version": 1}])
def test_foreign_torch_files(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "x.pt"
    torch.save(content, path)
    assert "no AlphaPente checkpoint" in refused(path)


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_pickle_is_not_executed(tmp_path: Path, zipped: bool) -> None:
    trap, path = tmp_path / "executed", tmp_path / "simple_model.pt"
    content = {"kind": checkpoints.KIND, "format_version": 1, "weights": Evil(trap)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    refused(path)
    assert not trap.exists()


def test_a_class_that_the_configuration_does_not_name_is_not_imported(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    stranger = made()
    stranger = Checkpoint("simple", "antigravity:Net", {}, NUM_PLANES, stranger.weights, stranger.weights)
    save(path, stranger)
    with pytest.raises(CheckpointError, match="not built in"):
        restore(path, read(path), Config())


def rewritten(path: Path, **changes: Any) -> None:
    values = torch.load(path, weights_only=True)
    torch.save(values | changes, path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format_version": 99}, "format version 99"),
        ({"format_version": None}, "format version None"),
        ({"weights": 5}, "'weights' is int"),
        ({"weights": {"a": 5}}, "other than tensors"),
        ({"step": "many"}, "'step' is str"),
        ({"optimizer": None}, "'optimizer' is NoneType"),
    ],
)
def test_wrong_contents(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = tmp_path / "simple_model.pt"
    save(path, made())
    rewritten(path, **changes)
    assert words in refused(path)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (ModelSpec("resnet", "alphapente.network.models:Simple", {}), "model type 'simple', not 'resnet'"),
        (ModelSpec("simple", "a.b:C", {}), "of the class"),
        (
            ModelSpec("simple", "alphapente.network.models:Simple", {"channels": 32, "layers": 3, "stem_kernel": 3}),
            "channels is 64 in it and 32",
        ),
    ],
)
def test_another_type_class_or_size_is_refused_with_what_differs(tmp_path: Path, spec: ModelSpec, words: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        require_spec(tmp_path, made(), spec)
    assert words in str(caught.value)


def test_a_size_that_a_checkpoint_does_not_name_has_the_value_from_before_it_was_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "old.pt"
    save(path, made("mixnet"))
    rewritten(path, sizes={"channels": 128})
    found = read(path)
    assert found.sizes == {"channels": 128, "policy_channels": 32, "value_hidden": 96}
    require_spec(path, found, spec_of(Config(), "mixnet"))


def test_other_planes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "simple_model.pt"
    save(path, made())
    rewritten(path, num_planes=6)
    with pytest.raises(CheckpointError, match="6 input planes"):
        require_spec(path, read(path), spec_of(Config(), "simple"))


def test_weights_that_do_not_fit_their_sizes(tmp_path: Path) -> None:
    path = tmp_path / "simple_model.pt"
    save(path, made())
    rewritten(path, sizes={"channels": 32, "layers": 3, "stem_kernel": 3})
    with pytest.raises(CheckpointError, match="do not fit"):
        restore(path, read(path))
    rewritten(path, sizes={"height": 3})
    with pytest.raises(CheckpointError, match="do not fit"):
        restore(path, read(path))


def test_a_full_disk_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "simple_model.pt"
    save(path, made(step=1))

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left"):
        save(path, made(step=2))
    monkeypatch.undo()
    assert read(path).step == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_device_that_is_really_full(tmp_path: Path) -> None:
    path = tmp_path / "simple_model.pt"
    save(path, made(step=1))
    path.unlink()
    path.symlink_to("/dev/full")
    with pytest.raises(CheckpointError, match=r"simple_model\.pt cannot be written \(No space left on device\)"):
        save(path, made(step=2))
    assert path.is_symlink()


def test_a_checkpoint_saved_through_a_link_replaces_the_target_and_keeps_the_link(tmp_path: Path) -> None:
    target, path = tmp_path / "elsewhere" / "kept.pt", tmp_path / "simple_model.pt"
    target.parent.mkdir()
    path.symlink_to("elsewhere/kept.pt")
    save(path, made(step=1))
    save(path, made(step=2))
    assert path.is_symlink()
    assert read(target).step == 2
    assert list(target.parent.iterdir()) == [target]


def test_the_network_that_plays_is_fresh_without_a_checkpoint_and_averaged_with_one(tmp_path: Path) -> None:
    config = Config().model_copy(
        update={"pipeline": Config().pipeline.model_copy(update={"checkpoint_dir": str(tmp_path)})}
    )
    fresh = load_network_of_type(config, "simple", "cpu")
    assert fresh.step == 0
    assert "fresh" in fresh.description
    path = checkpoint_path(config, "simple")
    save(path, made())
    found = load_network_of_type(config, "simple", "cpu")
    assert found.step == 7
    assert isinstance(found.form, torch.nn.Module)
    name, tensor = next(iter(found.form.state_dict().items()))
    assert torch.equal(tensor, read(path).averaged_weights[name])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_finite_numbers_are_named_by_whatever_plays_or_trains(tmp_path: Path, value: float) -> None:
    path = tmp_path / "simple_model.pt"
    config = load_config(None, [f"pipeline.checkpoint_dir={tmp_path}", "network.device=openvino"])
    spoilt = made()
    spoilt.averaged_weights[next(iter(spoilt.averaged_weights))].view(-1)[3] = value
    save(path, spoilt)
    words = rf"{re.escape(str(path))} cannot be used: 1 of the [\d,]+ weights '.*' are NaN or infinite"
    uses: list[Callable[[], object]] = [
        lambda: load_network_of_type(config, "simple", "cpu"),
        lambda: load_network_of_type(config, "simple", "openvino", keep=True),
        lambda: load_network(config, path),
        lambda: load_network(config),
        lambda: restore(path, read(path), config, averaged=False),
    ]
    for use in uses:
        with pytest.raises(CheckpointError, match=words):
            use()
