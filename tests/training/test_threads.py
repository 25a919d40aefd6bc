"""The number of torch's threads is set only within the context."""

import torch

from alphapente.training.threads import torch_threads


def test_threads_are_set_back() -> None:
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
