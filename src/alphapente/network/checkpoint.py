"""Checkpoints: a network and everything that its training needs to continue, in one file that is replaced atomically.

A checkpoint is read without executing anything in it (torch's `weights_only`), so an untrusted file can do no harm. It
names its model's class, but only a built-in class, or one that the configuration names, is built.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from alphapente.config import BUILT_IN_CLASSES, Config, complete_sizes
from alphapente.errors import FailureError, RequestError
from alphapente.files import StrPath, is_regular, write_bytes
from alphapente.network.models import ModelSpec, build
from alphapente.network.planes import NUM_PLANES

FORMAT_VERSION = 2
"""Version 1 had one value logit, and the optimizer's state by index."""
KIND = "alphapente-checkpoint"


class CheckpointError(FailureError):
    """A checkpoint that cannot be read, does not fit, or could not be written: which one, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The content of a checkpoint file."""

    model_type: str
    class_path: str
    sizes: dict[str, Any]
    num_planes: int
    weights: dict[str, Tensor]
    """The weights in training, after its last step."""
    averaged_weights: dict[str, Tensor]
    """Their EMA, which plays."""
    optimizer: dict[str, Any] = field(default_factory=dict)
    """The optimizer's state of each weight, by its name; empty before the first step."""
    auxiliary: dict[str, Tensor] = field(default_factory=dict)
    """The auxiliary heads, which only training has, see training/auxiliary.py; empty if there are none."""
    step: int = 0
    """Optimizer steps since the network was created."""
    training: dict[str, Any] = field(default_factory=dict)
    """The progress of the training: see training/session.py."""
    config: str = ""
    """The resolved configuration as JSON."""
    seed: int = 0
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def spec(self) -> ModelSpec:
        """The class and sizes of the model."""
        return ModelSpec(self.model_type, self.class_path, self.sizes)


_TYPES: Mapping[str, type] = {
    "model_type": str,
    "class_path": str,
    "sizes": dict,
    "num_planes": int,
    "weights": dict,
    "averaged_weights": dict,
    "optimizer": dict,
    "auxiliary": dict,
    "step": int,
    "training": dict,
    "config": str,
    "seed": int,
    "created": str,
}


def save(path: StrPath, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint beside `path`, then replaces `path` in one step: a reader sees the old file or the new one.

    Raises CheckpointError, the old file unchanged, if the disk is full or the folder cannot be written.
    """
    values = {item.name: getattr(checkpoint, item.name) for item in fields(Checkpoint)}
    buffer = io.BytesIO()
    torch.save({"kind": KIND, "format_version": FORMAT_VERSION, **values}, buffer)
    try:
        write_bytes(path, buffer.getbuffer())
    except FailureError as error:
        old = "; the checkpoint that was there is unchanged" if is_regular(path) and Path(path).exists() else ""
        raise CheckpointError(
            f"cannot save the checkpoint: {error}{old}. "
            "Or set pipeline.checkpoint_dir to a folder that can be written; then start again"
        ) from error


def for_play(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with only what is needed to play: a quarter of its size."""
    averaged = checkpoint.averaged_weights
    return replace(checkpoint, weights=averaged, averaged_weights=averaged, optimizer={}, auxiliary={})


def packed(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint for play, its matrices in half precision: an eighth of the size of one in training.

    A weight changes by at most 0.05%, less than the quantization for play changes it. Raises RequestError for a weight
    that half precision cannot represent.
    """
    playing = for_play(checkpoint)
    weights = {
        name: tensor.half() if tensor.ndim > 1 and tensor.is_floating_point() else tensor
        for name, tensor in playing.averaged_weights.items()
    }
    for name, tensor in weights.items():
        if tensor.dtype == torch.float16 and not bool(tensor.isfinite().all()):
            raise RequestError(f"the weights {name!r} are too large for half precision: this network cannot be packed")
    return replace(playing, weights=weights, averaged_weights=weights)


def read(path: StrPath) -> Checkpoint:
    """The checkpoint in a file; nothing in it is executed.

    Raises CheckpointError if the file is missing, truncated, damaged, no checkpoint, or of another format version.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            data = io.BytesIO(file.read())
    except FileNotFoundError as error:
        raise CheckpointError(
            f"there is no checkpoint {path}: train one with `python train_v2.py`, or check pipeline.checkpoint_dir"
        ) from error
    except OSError as error:
        raise CheckpointError(f"cannot read the checkpoint {path}: {error.strerror or error}") from error
    if not zipfile.is_zipfile(data):
        reason = "is truncated" if start == b"PK\x03\x04" else "is no AlphaPente checkpoint" if start else "is empty"
        raise CheckpointError(f"{path} {reason}: {_MOVE_AWAY}")
    data.seek(0)
    try:
        with zipfile.ZipFile(data) as archive:  # torch itself does not verify the checksums
            if damaged := archive.testzip():
                raise ValueError(f"wrong checksum of {damaged}")
        data.seek(0)
        values = torch.load(data, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged or foreign file
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"{path} is damaged, or no AlphaPente checkpoint (nothing in it was executed; {reason}): {_MOVE_AWAY}"
        ) from error
    return _checked(path, values)


_MOVE_AWAY = "move it away to start from a fresh network, or restore a copy"


def _checked(path: Path, values: object) -> Checkpoint:
    """The checkpoint of the values read, after checking that every part is present and of its type."""
    if not isinstance(values, dict) or values.get("kind") != KIND:
        raise CheckpointError(f"{path} is a torch file, but no AlphaPente checkpoint: {_MOVE_AWAY}")
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"{path} has format version {version!r}, and this AlphaPente reads version {FORMAT_VERSION}: "
            f"use the AlphaPente that wrote it, or {_MOVE_AWAY}"
        )
    for name, kind in _TYPES.items():
        if type(values.get(name)) is not kind and not (kind is dict and isinstance(values.get(name), dict)):
            raise CheckpointError(
                f"{path} is damaged: {name!r} is {type(values.get(name)).__name__}, not {kind.__name__}: {_MOVE_AWAY}"
            )
    for name in ("weights", "averaged_weights", "auxiliary"):
        if not all(isinstance(key, str) and isinstance(value, Tensor) for key, value in values[name].items()):
            raise CheckpointError(f"{path} is damaged: {name!r} holds something other than tensors: {_MOVE_AWAY}")
    sizes = complete_sizes(values["class_path"], values["sizes"])
    return Checkpoint(**{item.name: values[item.name] for item in fields(Checkpoint)} | {"sizes": sizes})


def require_spec(path: StrPath, checkpoint: Checkpoint, spec: ModelSpec) -> None:
    """Raises CheckpointError, with the differences, unless the checkpoint is of exactly this model."""
    away = f"move {path} away to start from a fresh network"
    if checkpoint.model_type != spec.model_type:
        raise CheckpointError(
            f"{path} is of model type {checkpoint.model_type!r}, not {spec.model_type!r}: "
            f"ask for {checkpoint.model_type!r}, or {away}"
        )
    if checkpoint.class_path != spec.class_path:
        raise CheckpointError(
            f"{path} is of the class {checkpoint.class_path!r}, and models.{spec.model_type}.class is "
            f"{spec.class_path!r}: set it back, or {away}"
        )
    if checkpoint.sizes != spec.sizes:
        keys = sorted(checkpoint.sizes.keys() | spec.sizes.keys())
        differing = "; ".join(
            f"{key} is {checkpoint.sizes.get(key, 'not set')!r} in it and {spec.sizes.get(key, 'not set')!r} in "
            f"models.{spec.model_type}"
            for key in keys
            if checkpoint.sizes.get(key, _ABSENT) != spec.sizes.get(key, _ABSENT)
        )
        raise CheckpointError(f"{path} is of other sizes: {differing}. Set the sizes back, or {away}")
    if checkpoint.num_planes != NUM_PLANES:
        raise CheckpointError(
            f"{path} reads {checkpoint.num_planes} input planes, and this AlphaPente makes {NUM_PLANES}: "
            f"use the AlphaPente that wrote it, or {away}"
        )


_ABSENT = object()


def restore(path: StrPath, checkpoint: Checkpoint, config: Config | None = None, averaged: bool = True) -> nn.Module:
    """The model of a checkpoint with its averaged weights, which play, or with the weights in training.

    A user-defined class is imported only if a model of `config` names it. Raises CheckpointError if the weights do not
    fit the model or are not finite numbers, or if the class may not be used.
    """
    named = {settings.class_path for settings in config.models.values()} if config else set()
    if checkpoint.class_path not in named | set(BUILT_IN_CLASSES.values()):
        raise CheckpointError(
            f"{path} is of the class {checkpoint.class_path!r}, which is not built in: it is only used when a model "
            f"of the configuration names it (models.{checkpoint.model_type}.class)"
        )
    try:
        model = build(checkpoint.spec, checkpoint.num_planes)
        model.load_state_dict(checkpoint.averaged_weights if averaged else checkpoint.weights)
    except (RequestError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(
            f"the weights in {path} do not fit its model: {reason}. {_MOVE_AWAY.capitalize()}"
        ) from error
    _require_finite(path, checkpoint.averaged_weights)
    if not averaged:
        _require_finite(path, checkpoint.weights)
    return model


def _require_finite(path: StrPath, weights: Mapping[str, Tensor]) -> None:
    """Raises CheckpointError for weights that are NaN or infinite: they can neither play nor train."""
    for name, tensor in weights.items():
        if not tensor.is_floating_point() or tensor.numel() == 0:
            continue
        extremes = torch.stack(torch.aminmax(tensor))  # NaN if there is one; the fastest pass over all weights
        if not bool(extremes.isfinite().all()):
            wrong = int(tensor.numel() - torch.isfinite(tensor).sum())
            raise CheckpointError(
                f"{path} cannot be used: {wrong:,} of the {tensor.numel():,} weights {name!r} are NaN or infinite, as "
                f"a training leaves them that diverged: {_MOVE_AWAY}, and train with a lower training.learning_rate"
            )


def num_weights(checkpoint: Checkpoint) -> int:
    """The number of weights, normalisation statistics included."""
    return sum(tensor.numel() for tensor in checkpoint.weights.values())


def weights_digest(checkpoint: Checkpoint) -> str:
    """SHA-256 of what plays: class, sizes and averaged weights. It identifies the network, whatever its file."""
    digest = hashlib.sha256(f"{checkpoint.class_path} {sorted(checkpoint.sizes.items())}".encode())
    for name, tensor in sorted(checkpoint.averaged_weights.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
