"""Copies of a model that share its weights: each learns from a part of a batch, in its own thread.

Threads within one operation wait for each other at its end, hundreds of times a step; replicas wait once. So they lose
little if the operations are small, or if another program keeps a core busy.
"""

import copy
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import torch
from torch import nn

Result = TypeVar("Result")


class Replicas:
    """A model and `count - 1` copies of it with the same memory of weights: they see every change of them."""

    def __init__(self, model: nn.Module, count: int) -> None:
        self.models = [model, *(_sharing(model) for _ in range(count - 1))]
        self._parameters = [list(replica.parameters()) for replica in self.models]
        self._statistics = [
            [buffer for buffer in replica.buffers() if buffer.is_floating_point()] for replica in self.models
        ]
        self._pool = ThreadPoolExecutor(max(1, count - 1), "learner", torch.set_num_threads, (1,))

    def __len__(self) -> int:
        return len(self.models)

    def run(self, work: Callable[[nn.Module, int], Result], count: int) -> list[Result]:
        """Runs work(replica, index) for the first `count` replicas at once, the model itself in the calling thread.

        Afterwards the model has the sum of their gradients and the mean of their statistics. Raises the exception of
        one of them, after all have ended.
        """
        statistics = self._statistics[:count] if self._statistics[0] else []
        for its in statistics[1:]:
            torch._foreach_copy_(its, statistics[0])
        others = [self._pool.submit(work, self.models[index], index) for index in range(1, count)]
        try:
            first = work(self.models[0], 0)
        finally:
            wait(others)
        results = [first, *(other.result() for other in others)]
        for index in range(1, count):
            self._add_gradients(index)
        for its in statistics[1:]:
            torch._foreach_add_(statistics[0], its)
        if len(statistics) > 1:
            torch._foreach_div_(statistics[0], len(statistics))
        return results

    def _add_gradients(self, index: int) -> None:
        pairs = zip(self._parameters[0], self._parameters[index], strict=True)
        taught = [(mine.grad, its.grad) for mine, its in pairs if mine.grad is not None and its.grad is not None]
        torch._foreach_add_([mine for mine, _ in taught], [its for _, its in taught])
        for parameter in self._parameters[index]:
            parameter.grad = None


def _sharing(model: nn.Module) -> nn.Module:
    replica = copy.deepcopy(model)
    for its, mine in zip(replica.parameters(), model.parameters(), strict=True):
        its.data = mine.data
    return replica
