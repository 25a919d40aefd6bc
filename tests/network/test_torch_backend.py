"""Evaluators that share a network: concurrent, with newer weights, and the GPU's calls on a stand-in."""

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from alphapente.config import Config, load_config
from alphapente.network import torch_backend
from alphapente.network.load import playable
from alphapente.network.models import build_model
from alphapente.network.torch_backend import SharedNetwork, TorchEvaluator, cuda_graph
from alphapente.records.positions import positions_of
from alphapente.training.measure import random_records

BATCH, SIZE = 8, 7


@pytest.fixture
def config() -> Config:
    small = ["models.simple.channels=8", "models.resnet.channels=8", "models.resnet.blocks=1"]
    return load_config(None, ["network.precision=fp32", *small])


def answer(evaluator: TorchEvaluator, seed: int) -> NDArray[np.float32]:
    policy, value = evaluator.evaluate(positions_of(random_records(BATCH, SIZE, seed)))
    return np.concatenate([policy, value[:, None]], 1)


def test_two_evaluators_over_one_network_work_at_the_same_time(config: Config) -> None:
    model = build_model(config, "simple", seed=1)
    alone = TorchEvaluator(model, BATCH, SIZE)
    expected = [answer(alone, seed) for seed in (0, 1)]
    first, second = playable(model, config, "cpu").evaluators(BATCH, SIZE, 2)
    assert isinstance(first, TorchEvaluator)
    assert isinstance(second, TorchEvaluator)
    assert first.network is second.network
    wrong: list[int] = []

    def work(evaluator: TorchEvaluator, seed: int) -> None:
        same = (np.allclose(answer(evaluator, seed), expected[seed], atol=1e-5) for _ in range(50))
        wrong.extend(seed for right in same if not right)

    workers = [threading.Thread(target=work, args=pair) for pair in ((first, 0), (second, 1))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_newer_weights_go_into_the_memory_of_the_old_and_reach_all_that_share(config: Config) -> None:
    network = SharedNetwork(build_model(config, "simple", seed=1))
    first, second = (TorchEvaluator(network, BATCH, SIZE) for _ in range(2))
    places = [tensor.data_ptr() for tensor in network.module.state_dict().values()]
    newer = build_model(config, "simple", seed=2)
    first.load_weights(newer)
    assert [tensor.data_ptr() for tensor in network.module.state_dict().values()] == places
    np.testing.assert_array_equal(answer(second, 0), answer(TorchEvaluator(newer, BATCH, SIZE), 0))


def test_a_network_of_another_shape_takes_the_place_of_the_old(config: Config) -> None:
    network = SharedNetwork(build_model(config, "simple", seed=1))
    first, second = (TorchEvaluator(network, BATCH, SIZE) for _ in range(2))
    other = build_model(config, "resnet", seed=2)
    first.load_weights(other)
    np.testing.assert_array_equal(answer(second, 0), answer(TorchEvaluator(other, BATCH, SIZE), 0))


def test_weights_are_replaced_only_while_nobody_computes(config: Config) -> None:
    network = SharedNetwork(build_model(config, "simple", seed=1))
    busy = network.new_user()
    loader = threading.Thread(target=network.load, args=(build_model(config, "simple", seed=2),))
    before = [tensor.clone() for tensor in network.module.state_dict().values()]
    with busy:
        loader.start()
        loader.join(0.3)
        assert loader.is_alive()
        assert all(map(torch.equal, before, network.module.state_dict().values()))
    loader.join(30)
    assert not all(map(torch.equal, before, network.module.state_dict().values()))


class StandIn:
    """Replaces torch.cuda's streams, events and graphs, and records their calls."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuses = False
        self.device = torch.device("cpu")

    @contextlib.contextmanager
    def graph(self, _graph: "StandInGraph", *, stream: Any, capture_error_mode: str) -> Iterator[None]:
        assert stream is self
        self.asked.append(f"capture {capture_error_mode}")
        yield
        if self.refuses:
            raise RuntimeError("operation not permitted when stream is capturing")

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: self.asked.append(name)


class StandInGraph:
    """A graph that replays by computing again."""

    compute_fn: Callable[[], None]

    def replay(self) -> None:
        self.compute_fn()


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = StandIn()
    monkeypatch.setattr(torch.cuda, "Stream", lambda _: stand_in)
    monkeypatch.setattr(torch.cuda, "Event", lambda **_: stand_in)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", StandInGraph)
    monkeypatch.setattr(torch.cuda, "graph", stand_in.graph)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: None)
    monkeypatch.setattr(torch_backend, "pinned", torch.clone)
    return stand_in


def on_gpu(model: torch.nn.Module, monkeypatch: pytest.MonkeyPatch) -> TorchEvaluator:
    network = SharedNetwork(model)
    network.on_gpu = True
    evaluator = TorchEvaluator(network, BATCH, SIZE)
    evaluator._there = [torch.zeros_like(tensor) for tensor in evaluator._host]  # the device's own memory
    monkeypatch.setattr(StandInGraph, "compute_fn", staticmethod(evaluator._compute), raising=False)
    return evaluator


def test_the_calls_for_a_gpu_copy_in_replay_copy_out_and_wait(
    config: Config, gpu: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build_model(config, "simple", seed=1)
    evaluator = on_gpu(model, monkeypatch)
    assert gpu.asked == ["wait_stream", "synchronize", "capture thread_local"]
    gpu.asked.clear()
    for seed in (0, 1):
        np.testing.assert_array_equal(answer(evaluator, seed), answer(TorchEvaluator(model, BATCH, SIZE), seed))
    assert gpu.asked == ["record", "synchronize"] * 2


def test_another_shape_is_captured_again(config: Config, gpu: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluator = on_gpu(build_model(config, "simple", seed=1), monkeypatch)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _: None)
    for model, captures in ((build_model(config, "simple", seed=2), 0), (build_model(config, "resnet", seed=2), 1)):
        gpu.asked.clear()
        evaluator.load_weights(model)
        np.testing.assert_array_equal(answer(evaluator, 0), answer(TorchEvaluator(model, BATCH, SIZE), 0))
        assert gpu.asked.count("capture thread_local") == captures


def test_what_cannot_be_captured_is_called_directly_with_a_warning(gpu: StandIn) -> None:
    gpu.refuses = True
    calls: list[int] = []

    def compute() -> None:
        calls.append(1)

    with pytest.warns(UserWarning, match="not captured in a CUDA graph"):
        call = cuda_graph(compute, gpu)
    before = len(calls)
    call()
    assert len(calls) == before + 1
    gpu.refuses = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cuda_graph(compute, gpu) is not compute
