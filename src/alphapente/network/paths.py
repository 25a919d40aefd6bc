"""Where a model's files are; asked without importing torch."""

from pathlib import Path

from alphapente.config import Config


def checkpoint_path(config: Config, model_type: str) -> Path:
    """Where the checkpoint of a model type is: `{pipeline.checkpoint_dir}/{model_type}_model.pt`."""
    return Path(config.pipeline.checkpoint_dir).expanduser() / f"{model_type}_model.pt"


def converted_path(config: Config, model_type: str) -> Path:
    """Where the converted network of a model type is kept: beside its checkpoint."""
    return checkpoint_path(config, model_type).with_suffix(".openvino")
