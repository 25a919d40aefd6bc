"""The learner: it learns, updates its EMA, resumes to the same weights, and stops if a loss is not finite."""

import numba
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from alphapente.config import AuxiliarySettings, Config, TrainingSettings
from alphapente.network.inputs import PLANES, InputForm
from alphapente.network.models import ModelSpec, build
from alphapente.network.patterns import LINES
from alphapente.training.batches import Batch, make_batch, samples_of
from alphapente.training.learner import SMALLEST_PART, Learner, TrainingError
from alphapente.training.losses import Targets, losses
from alphapente.training.measure import measure_training, random_records
from alphapente.training.mixnet_training import KernelMixnet
from alphapente.training.winograd import WinogradConv2d


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def small(**settings: float) -> Learner:
    spec = ModelSpec("simple", "alphapente.network.models:Simple", {"channels": 16, "layers": 3, "stem_kernel": 3})
    return Learner(build(spec, seed=2), TrainingSettings(**{"warmup_steps": 0, "learning_rate": 0.01, **settings}))  # type: ignore[arg-type]


def some_batch(count: int = 16, seed: int = 1, form: InputForm = PLANES) -> Batch:
    samples = samples_of(random_records(count, 9, seed), 1.0)
    return make_batch(samples, np.arange(count), np.zeros(count, np.int64), form=form)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_it_overfits_a_few_positions(precision: str) -> None:
    spec = ModelSpec("resnet", "alphapente.network.models:Resnet", {"channels": 32, "blocks": 1, "stem_kernel": 3})
    learner = Learner(build(spec, seed=2), TrainingSettings(warmup_steps=0, learning_rate=0.01), "cpu", precision)
    batch = some_batch(8)
    found = [learner.learn(batch) for _ in range(120)]
    first, last = found[0], found[-1]
    assert float(first.policy) > 4.0  # log(81) is 4.39
    assert float(last.policy - last.target_entropy) < 0.15
    assert float(last.square_error) < 0.02 < float(first.square_error)


def course(learner: Learner) -> NDArray[np.float64]:
    """Policy losses of 30 steps over two batches."""
    batches = [some_batch(16, seed) for seed in range(2)]
    return np.array([float(learner.learn(batches[step % 2]).policy) for step in range(30)])


def wide(precision: str, threads: int = 1) -> Learner:
    spec = ModelSpec("resnet", "alphapente.network.models:Resnet", {"channels": 32, "blocks": 2, "stem_kernel": 3})
    settings = TrainingSettings(warmup_steps=0, learning_rate=0.01)
    return Learner(build(spec, seed=3), settings, "cpu", precision, threads)


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="tiles are LLVM vectors: not in Python")
def test_the_loss_falls_alike_by_tiles_by_plain_bf16_and_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphapente.training.winograd.pays", lambda *_: False)
    exact = course(wide("fp32"))
    assert exact[-2:].mean() < 0.85 * exact[:2].mean()
    for precision, tiled in (("bf16", False), ("bf16", True), ("fp32", True)):
        monkeypatch.setattr("alphapente.training.winograd.pays", lambda *_, tiled=tiled: tiled)
        learner = wide(precision)
        assert any(isinstance(module, WinogradConv2d) for module in learner.model.modules()) == tiled
        np.testing.assert_allclose(course(learner), exact, rtol=0.03)


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="its kernels are LLVM vectors: not in Python")
def test_a_mixnet_learns_by_kernels_what_it_learns_by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with several threads, and with auxiliary heads, which only torch computes."""
    spec = ModelSpec("mixnet", "alphapente.network.mixnet:Mixnet", {"channels": 16})
    batch = some_batch(form=LINES)

    def learned(by_kernels: bool, threads: int, plies_left: float) -> NDArray[np.float64]:
        if not by_kernels:
            monkeypatch.setattr("alphapente.training.learner.use_kernels", lambda *_: False)
        settings = TrainingSettings(
            warmup_steps=0, learning_rate=0.01, auxiliary=AuxiliarySettings(plies_left=plies_left)
        )
        learner = Learner(build(spec, seed=3), settings, threads=threads)
        monkeypatch.undo()
        assert isinstance(learner.model, KernelMixnet) == by_kernels
        course = [float(learner.learn(batch).policy) for _ in range(4)]
        return np.concatenate([course, learner.judge(batch)[1]])

    for threads, plies_left in ((1, 0.0), (2, 0.0), (1, 0.1)):
        mine, its = learned(True, threads, plies_left), learned(False, threads, plies_left)
        np.testing.assert_allclose(mine, its, rtol=1e-3, atol=1e-3)


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="tiles are LLVM vectors: not in Python")
def test_a_training_begun_without_tiles_continues_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The optimizer's state belongs to the same weights, although their order in memory differs."""
    monkeypatch.setattr("alphapente.training.winograd.pays", lambda *_: False)
    plain = wide("fp32")
    course(plain)
    monkeypatch.setattr("alphapente.training.winograd.pays", lambda *_: True)
    tiled = wide("fp32")
    tiled.model.load_state_dict(plain.weights())
    tiled.resume(plain.averaged_weights(), plain.optimizer_state(), plain.step)
    before = plain.weights()
    for learner in (plain, tiled):
        learner.learn(some_batch(16, 0))
    for name in ("trunk.1.first.0.weight", "trunk.2.second.0.weight"):
        ours, theirs = (learner.weights()[name] - before[name] for learner in (tiled, plain))
        assert float((ours - theirs).norm()) < 0.05 * float(theirs.norm())


def test_two_threads_learn_as_one_does() -> None:
    """Not exactly equal: each half of a batch is normalised by itself."""
    np.testing.assert_allclose(course(wide("fp32", 2)), course(wide("fp32")), rtol=0.05)


def test_parts_are_not_so_small_that_normalisation_is_lost() -> None:
    learner = wide("fp32", 8)
    whole = wide("fp32")
    batch = some_batch(2 * SMALLEST_PART - 1)
    assert float(learner.learn(batch).policy) == float(whole.learn(batch).policy)
    for name, tensor in learner.weights().items():
        assert torch.equal(tensor, whole.weights()[name])


def targets(policy: Tensor, legal: Tensor, value: Tensor) -> Targets:
    """Targets of one position without auxiliary ones."""
    return Targets(
        policy, legal, value, torch.ones(1), torch.zeros(1, 0), torch.zeros(1), torch.zeros(1, 3), torch.zeros(1)
    )


def test_losses_by_hand() -> None:
    logits, z = torch.tensor([[0.0, 0.0, 50.0]]), torch.tensor([[1.0, 0.0, -1.0]])
    policy, legal = torch.tensor([[0.25, 0.75, 0.0]]), torch.tensor([[1.0, 1.0, 0.0]])
    found = losses((logits, z), targets(policy, legal, torch.tensor([[0.5, 0.2, 0.3]])))
    assert float(found.reply) == float(found.soft_policy) == float(found.captured) == float(found.plies_left) == 0
    assert float(found.policy) == pytest.approx(np.log(2))  # the illegal point with the largest logit is masked
    assert float(found.policy_entropy) == pytest.approx(np.log(2))
    assert float(found.target_entropy) == pytest.approx(-0.25 * np.log(0.25) - 0.75 * np.log(0.75))
    win, draw, loss = np.exp([1, 0, -1]) / np.exp([1, 0, -1]).sum()
    expected = -0.5 * np.log(win) - 0.2 * np.log(draw) - 0.3 * np.log(loss)
    assert float(found.value) == pytest.approx(expected, rel=1e-5)
    assert float(found.square_error) == pytest.approx((win - loss - 0.2) ** 2, rel=1e-5)


def test_the_value_gradient_does_not_vanish_where_the_network_is_sure_and_wrong() -> None:
    z = torch.tensor([[9.0, 0.0, -9.0]], requires_grad=True)
    lost = targets(torch.full((1, 2), 0.5), torch.ones(1, 2), torch.tensor([[0.0, 0.0, 1.0]]))
    losses((torch.zeros(1, 2), z), lost).value.backward()  # type: ignore[no-untyped-call]
    assert z.grad is not None
    np.testing.assert_allclose(z.grad, [[1, 0, -1]], atol=1e-3)


def test_a_policy_of_no_weight_teaches_no_policy_and_its_value_all_the_same() -> None:
    """The policy loss is the mean over the records that count, also if the batch is divided into parts."""
    batch = some_batch(2 * SMALLEST_PART)
    weights = np.zeros(len(batch.value), np.float32)
    weights[[3, 9]] = 0.5, 1.0
    weighed = batch._replace(policy_weight=weights)
    by_parts, at_once = without_statistics(2).learn(weighed), without_statistics().learn(weighed)
    np.testing.assert_allclose([float(loss) for loss in by_parts], [float(loss) for loss in at_once], rtol=1e-4)
    rows = [batch.part(slice(row, row + 1)) for row in (3, 9)]
    one, other = (without_statistics().learn(row) for row in rows)
    assert float(at_once.policy) == pytest.approx((0.5 * float(one.policy) + float(other.policy)) / 1.5, rel=1e-4)
    silent = wide("fp32")
    before = silent.weights()
    found = silent.learn(batch._replace(policy_weight=np.zeros_like(weights)))
    assert float(found.policy) == 0
    assert not silent.model.get_parameter("heads.policy.weight").grad.any()
    assert not torch.equal(silent.weights()["heads.value.weight"], before["heads.value.weight"])


def without_statistics(threads: int = 1) -> Learner:
    """A learner whose normalisation does not mix the positions of a batch."""
    learner = wide("fp32", threads)
    for replica in learner._replicas.models:
        replica.eval()
    return learner


def test_the_average_forgets_the_random_start_at_once_and_then_follows_slowly() -> None:
    learner = small(average_decay=0.9)
    start = learner.weights()
    seen = []
    for step in range(6):
        learner.learn(some_batch(seed=step + 1))
        seen.append(learner.weights())
    shares = np.array([0.9 ** (5 - step) for step in range(6)])
    shares /= shares.sum()
    for name, tensor in learner.averaged_weights().items():
        if tensor.is_floating_point():
            expected = sum(share * weights[name] for share, weights in zip(shares, seen, strict=True))
            torch.testing.assert_close(tensor, expected, atol=1e-5, rtol=1e-4)
            assert tensor.numel() == 1 or not torch.equal(tensor, start[name])


def test_resuming_gives_the_same_weights_as_going_on() -> None:
    straight = small()
    for step in range(6):
        straight.learn(some_batch(seed=step))
    first = small()
    for step in range(3):
        first.learn(some_batch(seed=step))
    second = small()
    second.model.load_state_dict(first.weights())
    second.resume(first.averaged_weights(), first.optimizer_state(), first.step)
    for step in range(3, 6):
        second.learn(some_batch(seed=step))
    assert second.step == 6
    for ours, theirs in (
        (second.weights(), straight.weights()),
        (second.averaged_weights(), straight.averaged_weights()),
    ):
        assert all(torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


def test_a_resumed_optimizer_obeys_the_configuration_of_today() -> None:
    first = small()
    first.learn(some_batch())
    second = small(learning_rate=0.002, weight_decay=0.5)
    second.resume(first.averaged_weights(), first.optimizer_state(), 1)
    second.learn(some_batch())
    assert second.learning_rate == pytest.approx(0.002)
    assert second._optimizer.param_groups[0]["weight_decay"] == 0.5
    wrong = first.optimizer_state() | {"heads.value.bias": {"step": torch.tensor(1.0)}}
    with pytest.raises(TrainingError, match="does not fit"):
        small().resume(first.averaged_weights(), wrong, 1)


def test_the_rate_warms_up() -> None:
    learner = small(warmup_steps=4)
    rates = []
    for _ in range(6):
        learner.learn(some_batch(4), 0.5)
        rates.append(learner.learning_rate)
    np.testing.assert_allclose(rates, 0.005 * np.array([0.25, 0.5, 0.75, 1, 1, 1]))


def test_a_loss_that_is_no_number_stops_before_it_does_harm() -> None:
    learner = small()
    learner.learn(some_batch())
    before = learner.weights()
    batch = some_batch()
    batch.value[0] = np.nan
    with pytest.raises(TrainingError, match=r"learning_rate \(now 0.01\)"):
        learner.learn(batch)
    for name, parameter in learner.model.named_parameters():
        assert torch.equal(parameter, before[name])


def test_the_measurement_gives_rates() -> None:
    config = Config.model_validate({"game": {"board_size": 7}, "training": {"threads": 1}})
    rates = measure_training(config, "simple", 4, 0.3)
    assert rates.threads == 1
    assert rates.samples_per_s > 0
    assert rates.ratio == rates.samples_per_s / rates.plain_samples_per_s
    assert rates.waited_s >= 0
    assert 0 < rates.step_s < 1
