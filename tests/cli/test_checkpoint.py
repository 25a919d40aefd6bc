"""`alphapente checkpoint`: the output of `info` for each model type; what `pack` writes plays like the original."""

from pathlib import Path

import pytest
import torch

from alphapente.cli.checkpoint import describe, pack
from alphapente.config import load_config
from alphapente.errors import RequestError
from alphapente.network.checkpoint import Checkpoint, packed, read, restore, save
from alphapente.network.inputs import input_form
from alphapente.network.models import build_model, spec_of
from alphapente.network.planes import NUM_PLANES
from tests.network.positions import random_positions


@pytest.mark.parametrize(
    ("model_type", "sizes", "weights"),
    [
        ("simple", "channels 8, layers 3, stem_kernel 3", "4,870, 12 input planes, any board size"),
        ("mixnet", "channels 16, policy_channels 32, value_hidden 96", "410,692, line patterns, any board size"),
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


@pytest.mark.parametrize("model_type", ["simple", "mixnet"])
def test_a_packed_checkpoint_plays_like_the_original(
    model_type: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = load_config(None, ["models.mixnet.channels=16"])
    spec, model = spec_of(config, model_type), build_model(config, model_type)
    state = model.state_dict()
    whole, small = tmp_path / "model.pt", tmp_path / "small.pt"
    optimizer = {name: {"exp_avg": tensor + 1, "exp_avg_sq": tensor + 2} for name, tensor in state.items()}
    twice = {name: tensor.clone() for name, tensor in state.items()}
    save(whole, Checkpoint(model_type, spec.class_path, spec.sizes, NUM_PLANES, state, twice, optimizer, step=12))
    pack(whole, small)
    assert f"{small}: {small.stat().st_size:,} bytes" in capsys.readouterr().out
    assert small.stat().st_size < whole.stat().st_size / 5
    assert read(small).step == 12
    form = input_form(model)
    arrays = form.new_arrays(4, 9)
    form.encode(random_positions(9, 4, seed=1), arrays)
    with torch.no_grad():
        outputs = [restore(path, read(path)).eval()(*map(torch.from_numpy, arrays)) for path in (whole, small)]
    for exact, rounded in zip(*outputs, strict=True):
        assert rounded.dtype == torch.float32
        torch.testing.assert_close(rounded, exact, rtol=0.01, atol=0.002)
        assert float(exact.std()) > 0


def test_a_weight_too_large_for_half_precision_is_refused() -> None:
    config = load_config(None, ["models.simple.channels=8"])
    spec, state = spec_of(config, "simple"), build_model(config, "simple").state_dict()
    state["heads.value.weight"][0, 0] = 1e6
    with pytest.raises(RequestError, match=r"'heads\.value\.weight' are too large"):
        packed(Checkpoint("simple", spec.class_path, spec.sizes, NUM_PLANES, state, state))
