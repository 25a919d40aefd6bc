"""Auxiliary heads: they learn, change the trunk, and are not part of the network that plays."""

import re
from collections import Counter

import numpy as np
import pytest
import torch

from alphapente.config import Config, TrainingSettings
from alphapente.errors import RequestError
from alphapente.network.models import ModelSpec, build
from alphapente.network.openvino_backend import convert
from alphapente.training.auxiliary import weights_of
from alphapente.training.batches import Batch, make_batch, samples_of
from alphapente.training.learner import Learner
from alphapente.training.losses import AUXILIARY, SOFT_TEMPERATURE, Targets, auxiliary_losses
from alphapente.training.measure import random_records

SPEC = ModelSpec("resnet", "alphapente.network.models:Resnet", {"channels": 16, "blocks": 1, "stem_kernel": 3})
ALL = {"reply": 0.15, "soft_policy": 2.0, "captured": 0.5, "plies_left": 0.5}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def learner(auxiliary: dict[str, float] | None = None, threads: int = 1) -> Learner:
    values = {"warmup_steps": 0, "learning_rate": 0.01, "auxiliary": auxiliary or {}}
    return Learner(build(SPEC, seed=2), TrainingSettings.model_validate(values), threads=threads)


def some_batch(count: int = 24, seed: int = 1) -> Batch:
    everyone = np.arange(count)
    return make_batch(samples_of(random_records(count, 9, seed), 1.0), everyone, np.zeros(count, np.int64), True)


def test_the_settings_name_the_targets() -> None:
    assert set(Config().training.auxiliary.model_dump()) == set(AUXILIARY)
    assert weights_of(learner({"reply": 0.5, "captured": 1.0})._settings.auxiliary) == {"reply": 0.5, "captured": 1.0}


@pytest.mark.parametrize("threads", [1, 2])
def test_every_target_is_learned_in_one_part_and_in_two(threads: int) -> None:
    taught, batch = learner(ALL, threads), some_batch()
    found = [taught.learn(batch) for _ in range(60)]
    soft = torch.from_numpy(batch.policy).pow(1 / SOFT_TEMPERATURE)
    least = {"soft_policy": float(torch.special.entr(soft / soft.sum(1, keepdim=True)).sum(1).mean())}
    for name in AUXILIARY:
        first, last = (float(getattr(losses, name)) - least.get(name, 0.0) for losses in (found[0], found[-1]))
        assert 0 < last < 0.8 * first, name
    assert float(found[0].reply) == pytest.approx(np.log(81), rel=1e-5)  # heads start at 0


def test_what_is_off_costs_nothing_and_changes_nothing() -> None:
    """Weight 0: no head, no parameter, exactly the same step; with a weight the head alone changes the trunk too."""
    plain, off = learner(), learner({"reply": 0.0})
    assert not off.auxiliary_weights()
    assert set(off._parameters) == {name for name, _ in plain.model.named_parameters()}
    assert [float(loss) for loss in plain.learn(some_batch())] == [float(loss) for loss in off.learn(some_batch())]
    for name in ALL:
        one = learner({name: ALL[name]})
        assert {key.partition(".")[0] for key in one.auxiliary_weights()} == {name}
        one.learn(some_batch())
        one.learn(some_batch())  # the first step changes only the head, which starts at 0
        two = learner()
        two.learn(some_batch())
        two.learn(some_batch())
        assert not torch.equal(one.weights()["trunk.0.0.weight"], two.weights()["trunk.0.0.weight"]), name


def test_the_network_that_plays_has_no_such_heads() -> None:
    taught = learner(ALL)
    taught.learn(some_batch())
    assert set(taught.weights()) == set(build(SPEC).state_dict())
    layers = [Counter(re.findall(rb' type="(\w+)"', convert(model).xml)) for model in (taught.model, build(SPEC))]
    assert layers[0][b"MatMul"] >= 3
    assert all(layers[0][kind] == layers[1][kind] for kind in (b"Convolution", b"MatMul", b"Result"))


def test_heads_are_resumed_with_their_optimizer_and_others_begin_afresh() -> None:
    first = learner({"reply": 1.0, "captured": 1.0})
    for step in range(3):
        first.learn(some_batch(seed=step))

    def resumed(**auxiliary: float) -> tuple[Learner, list[str]]:
        second = learner(auxiliary)
        second.model.load_state_dict(first.weights())
        second.resume(first.averaged_weights(), first.optimizer_state(), first.step)
        return second, second.resume_auxiliary(first.auxiliary_weights())

    same, fresh = resumed(reply=1.0, captured=1.0)
    assert fresh == []
    for learning in (first, same):
        learning.learn(some_batch(seed=9))
    assert all(torch.equal(tensor, first.weights()[name]) for name, tensor in same.weights().items())
    assert all(torch.equal(head, first.auxiliary_weights()[name]) for name, head in same.auxiliary_weights().items())
    other, fresh = resumed(reply=1.0, plies_left=1.0)
    assert fresh == ["plies_left"]
    assert not any(head.any() for name, head in other.auxiliary_weights().items() if name.startswith("plies_left"))
    other.learn(some_batch(seed=9))
    assert float(other.optimizer_state()["auxiliary.plies_left.bias"]["step"]) == 1
    assert float(other.optimizer_state()["auxiliary.reply.weight"]["step"]) == 5
    none, fresh = resumed()
    assert fresh == []
    none.learn(some_batch(seed=9))


def test_losses_by_hand() -> None:
    targets = Targets(
        policy=torch.tensor([[16 / 17, 1 / 17, 0.0]]),
        legal=torch.tensor([[1.0, 1.0, 0.0]]),
        value=torch.tensor([[1.0, 0.0, 0.0]]),
        policy_weight=torch.ones(1),
        reply=torch.tensor([[0.0, 0.25, 0.75]]),
        reply_weight=torch.ones(1),
        later=torch.tensor([[0.2, 0.4, 0.5]]),
        later_weight=torch.ones(1),
    )
    answers = {
        "reply": torch.log(torch.tensor([[0.5, 0.25, 0.25]])),
        "soft_policy": torch.tensor([[1.0, 0.0, 50.0]]),
        "captured": torch.tensor([[0.3, 0.4]]),
        "plies_left": torch.tensor([[0.1]]),
    }
    found = {name: float(loss) for name, loss in auxiliary_losses(answers, targets).items()}
    assert found["reply"] == pytest.approx(-np.log(0.25), rel=1e-5)
    chance = np.e / (1 + np.e)  # the fourth roots have the ratio 2 to 1; the illegal point has no share
    assert found["soft_policy"] == pytest.approx(-2 / 3 * np.log(chance) - 1 / 3 * np.log(1 - chance), rel=1e-5)
    assert found["captured"] == pytest.approx(0.5 * 0.01, rel=1e-4)
    assert found["plies_left"] == pytest.approx(0.5 * 0.16, rel=1e-4)
    unknown = targets._replace(reply_weight=torch.zeros(1), later_weight=torch.zeros(1))
    assert {name: float(loss) for name, loss in auxiliary_losses(answers, unknown).items()} == {
        "reply": 0,
        "soft_policy": found["soft_policy"],
        "captured": 0,
        "plies_left": 0,
    }


class Own(torch.nn.Module):
    """A network with its own heads."""

    def __init__(self, num_planes: int) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(num_planes, 3, 1)

    def forward(self, planes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.conv(planes)
        return found[:, 0].flatten(1), found.mean((2, 3))


def test_a_model_with_heads_of_its_own_learns_without_and_is_refused_with() -> None:
    own = ModelSpec("own", f"{__name__}:Own", {})
    Learner(build(own), TrainingSettings()).learn(some_batch())
    with pytest.raises(
        RequestError, match=r"Own has its own: derive it from .*TwoHeaded, or set .*training\.auxiliary"
    ):
        Learner(build(own), TrainingSettings.model_validate({"auxiliary": {"reply": 1.0}}))
