"""Replicas: one memory of weights, the sum of the gradients, the mean of the statistics."""

import threading

import pytest
import torch
from torch import Tensor, nn

from alphapente.training.replicas import Replicas


def test_parts_together_have_the_gradient_of_the_whole() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    inputs = torch.randn(9, 3)
    replicas = Replicas(model, 3)

    def teach(replica: nn.Module, part: int) -> str:
        replica(inputs[3 * part : 3 * part + 3]).square().sum().backward()
        return threading.current_thread().name

    for _ in range(2):
        model.zero_grad()
        names = replicas.run(teach, 3)
        found = [parameter.grad for parameter in model.parameters()]
        assert names[0] == threading.current_thread().name
        assert len({*names}) > 1
        expected = torch.autograd.grad(model(inputs).square().sum(), list(model.parameters()))
        torch.testing.assert_close(found, list(expected))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(0.5)  # the copies change as well


def test_statistics_start_as_the_models_and_end_as_the_mean() -> None:
    model = nn.BatchNorm1d(1, momentum=0.5)
    replicas = Replicas(model, 2)
    with torch.no_grad():
        assert isinstance(model.running_mean, Tensor)
        model.running_mean.fill_(8.0)  # as when a checkpoint is loaded

    def teach(replica: nn.Module, part: int) -> None:
        replica(torch.full((4, 1), 2.0 + 4 * part)).sum().backward()

    replicas.run(teach, 2)
    assert model.running_mean.item() == pytest.approx(0.5 * 8 + 0.5 * (2 + 6) / 2)
    assert int(model.num_batches_tracked or 0) == 1
    replicas.run(teach, 1)
    assert model.running_mean.item() == pytest.approx(0.5 * 6 + 0.5 * 2)


def test_what_goes_wrong_in_a_part_is_raised_when_all_have_ended() -> None:
    ended = []

    def teach(_replica: nn.Module, part: int) -> None:
        if part == 1:
            raise ZeroDivisionError("part 1")
        ended.append(part)

    with pytest.raises(ZeroDivisionError, match="part 1"):
        Replicas(nn.Linear(1, 1), 3).run(teach, 3)
    assert sorted(ended) == [0, 2]
