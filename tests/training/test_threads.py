"""Threads of torch are set for a while only."""

import torch

from alphapente.training.threads import torch_threads


def test_threads_are_set_back() -> None:
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
