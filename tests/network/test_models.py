"""Models: shapes on every board, seeds, user-defined classes, clear error messages."""

from pathlib import Path

import pytest
import torch

from alphapente.config import load_config
from alphapente.errors import RequestError
from alphapente.network.evaluator import Evaluator, UniformEvaluator
from alphapente.network.models import ModelSpec, build, build_model, num_parameters, spec_of, value_of
from alphapente.network.planes import NUM_PLANES
from alphapente.rules.position import new_positions


def config(tmp_path: Path, *overrides: str):  # type: ignore[no-untyped-def]
    file = tmp_path / "config.json"
    file.write_text("{}")
    return load_config(file, overrides)


@pytest.mark.parametrize("name", ["simple", "resnet"])
def test_one_network_plays_every_board_size(tmp_path: Path, name: str) -> None:
    model = build_model(config(tmp_path), name).eval()
    for size in (7, 9, 12, 19):
        policy, value = model(torch.rand(3, NUM_PLANES, size, size))
        assert policy.shape == (3, size * size)
        assert value.shape == (3, 3)


def test_simple_is_three_convolutions_and_resnet_six_blocks(tmp_path: Path) -> None:
    found = config(tmp_path)
    simple, resnet = build_model(found, "simple"), build_model(found, "resnet")
    squares = [
        sum(isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3) for m in x.modules()) for x in (simple, resnet)
    ]
    assert squares == [3, 13]
    assert num_parameters(simple) < num_parameters(resnet)


def test_sizes_come_from_the_configuration(tmp_path: Path) -> None:
    found = config(tmp_path, "models.resnet.blocks=2", "models.resnet.channels=16", "models.resnet.stem_kernel=5")
    model = build_model(found, "resnet")
    first = next(m for m in model.modules() if isinstance(m, torch.nn.Conv2d))
    assert first.weight.shape == (16, NUM_PLANES, 5, 5)


def test_a_seed_fixes_the_weights_and_leaves_the_global_generator_alone(tmp_path: Path) -> None:
    found = config(tmp_path)
    before = torch.random.get_rng_state()
    models = [build_model(found, "simple", seed) for seed in (1, 1, 2)]
    assert torch.equal(torch.random.get_rng_state(), before)
    first, same, other = (torch.cat([p.flatten() for p in model.parameters()]) for model in models)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_a_fresh_network_is_nearly_uniform_and_even(tmp_path: Path) -> None:
    model = build_model(config(tmp_path), "resnet", 5).eval()
    with torch.no_grad():
        policy, value = model((torch.rand(8, NUM_PLANES, 19, 19) < 0.2).float())
    assert float(torch.softmax(policy, 1).amax()) < 3 / 361
    assert float(value_of(value).abs().amax()) < 0.3


class Own(torch.nn.Module):
    """A user-defined network."""

    def __init__(self, num_planes: int, width: int = 4) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(num_planes, width, 1)

    def forward(self, planes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.conv(planes)
        return found[:, 0].flatten(1), found[:, :3].mean((2, 3))


class OneValue(Own):
    """Returns one value logit, as in version 1 of the interface."""

    def forward(self, planes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        policy, value = super().forward(planes)
        return policy, value[:, 0]


class WrongShape(Own):
    """Returns a value for each point."""

    def forward(self, planes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.conv(planes)
        return found[:, 0].flatten(1), found[:, 0]


class NoModule:
    """Is not a network."""


def test_a_class_of_the_users_own(tmp_path: Path) -> None:
    found = config(tmp_path, f'models.mine={{"class": "{__name__}:Own", "width": 6}}')
    model = build_model(found, "mine")
    assert isinstance(model, Own)
    assert model.conv.out_channels == 6


@pytest.mark.parametrize(
    ("path", "sizes", "words"),
    [
        ("no.such_module:Net", {}, "cannot be imported"),
        (f"{__name__}:Owm", {}, "did you mean 'Own'"),
        (f"{__name__}:NoModule", {}, "no subclass of torch.nn.Module"),
        (f"{__name__}:Own", {"depth": 3}, "cannot be built"),
        (f"{__name__}:Own", {"width": -1}, "cannot be built"),
        (f"{__name__}:WrongShape", {}, "must return policy logits"),
        (f"{__name__}:OneValue", {}, "value logits (2, 3): win, draw, loss"),
        ("nonsense", {}, "package.module:Class"),
    ],
)
def test_a_wrong_class_is_explained(path: str, sizes: dict[str, int], words: str) -> None:
    with pytest.raises(RequestError, match=r"models\.mine") as caught:
        build(ModelSpec("mine", path, sizes))
    assert words in str(caught.value)


def test_an_unknown_model_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="did you mean 'simple'"):
        spec_of(config(tmp_path), "simpel")


def test_the_uniform_evaluator() -> None:
    evaluator = UniformEvaluator(4, 9)
    assert isinstance(evaluator, Evaluator)
    policy, value = evaluator.evaluate(new_positions(3, "pente", 9))
    assert policy.shape == (3, 81)
    assert value.shape == (3,)
    assert not policy.any()
    with pytest.raises(RequestError, match="up to 4 positions"):
        evaluator.evaluate(new_positions(5, "pente", 9))
    with pytest.raises(RequestError, match=r"7x7 do not fit .* of 9x9"):
        evaluator.evaluate(new_positions(3, "pente", 7))


def test_the_value_is_the_chance_to_win_less_the_chance_to_lose() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.2, 0.3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    torch.testing.assert_close(value_of(logits), torch.tensor([0.2, 1.0, 0.0]))
