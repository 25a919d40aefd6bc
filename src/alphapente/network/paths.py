"""The paths of a model's files. Does not import torch."""

import os
from pathlib import Path

from alphapente.config import Config
from alphapente.files import configured_path

HISTORY = "history"
"""The folder of stored networks, in the folder of the checkpoints."""
SHIPPED = Path(__file__).with_name("pente.pt")
"""The network that is included with AlphaPente, for pente on any board: see models/README.md."""


def checkpoint_path(config: Config, model_type: str) -> Path:
    """The checkpoint of a model type: `{pipeline.checkpoint_dir}/{model_type}_model.pt`."""
    return config.pipeline.checkpoint_folder / f"{model_type}_model.pt"


def opponent_path(config: Config) -> Path:
    """The default checkpoint to play against: your own of `generation.model_type`, else the included one."""
    own = checkpoint_path(config, config.generation.model_type)
    return own if own.exists() or not SHIPPED.exists() or config.game.variant != "pente" else SHIPPED


def history_path(config: Config, model_type: str, step: int) -> Path:
    """Where `pipeline.keep_checkpoints` stores the network that plays after `step` optimizer steps."""
    return history_folder(config) / f"{model_type}_{step:08d}.pt"


def history_folder(config: Config) -> Path:
    """The folder of all stored networks; the event log has an entry for each, see pipeline/history.py."""
    return config.pipeline.checkpoint_folder / HISTORY


def promoted_folder(config: Config) -> Path:
    """Where `pipeline.promotion` stores the network that plays: a folder structured as that of the checkpoints."""
    return configured_path(promoted_dir(config))


def promoted_dir(config: Config) -> str:
    """`promoted_folder` as text for `pipeline.checkpoint_dir`."""
    return os.path.join(config.pipeline.checkpoint_dir, "promoted")


def promoted_path(config: Config, model_type: str) -> Path:
    """The promoted network of a model type."""
    return promoted_folder(config) / checkpoint_path(config, model_type).name


def converted_path(config: Config, model_type: str) -> Path:
    """The converted network of a model type, beside its checkpoint."""
    return checkpoint_path(config, model_type).with_suffix(".openvino")
