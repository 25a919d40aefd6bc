"""`alphapente checkpoint info`: its output for each model type."""

from pathlib import Path

import pytest

from alphapente.cli.checkpoint import describe
from alphapente.config import load_config
from alphapente.network.checkpoint import Checkpoint, read, save
from alphapente.network.models import build_model, spec_of
from alphapente.network.planes import NUM_PLANES


@pytest.mark.parametrize(
    ("model_type", "sizes", "weights"),
    [
        ("simple", "channels 8, layers 3, stem_kernel 3", "4,870, 12 input planes, any board size"),
        ("mixnet", "channels 16", "410,692, line patterns, any board size"),
    ],
)
def test_a_checkpoint_is_described(model_type: str, sizes: str, weights: str, tmp_path: Path) -> None:
    config = load_config(None, ["models.simple.channels=8", "models.mixnet.channels=16"])
    spec, model = spec_of(config, model_type), build_model(config, model_type)
    state = model.state_dict()
    path = tmp_path / "model.pt"
    save(path, Checkpoint(model_type, spec.class_path, spec.sizes, NUM_PLANES, state, state, step=12, seed=3))
    lines = describe(path, read(path))
    assert lines["model type"] == f"{model_type} ({spec.class_path})"
    assert (lines["sizes"], lines["weights"], lines["step"]) == (sizes, weights, "12")
