"""The network that is included with AlphaPente: it exists, is small and safe to read, and plays every board."""

from pathlib import Path

import numpy as np
import pytest

from alphapente.config import load_config
from alphapente.network import checkpoint
from alphapente.network.load import load_network
from alphapente.network.paths import SHIPPED, opponent_path

MOST_BYTES = 8_000_000


def test_it_is_small_and_a_resnet() -> None:
    assert 0 < SHIPPED.stat().st_size <= MOST_BYTES
    found = checkpoint.read(SHIPPED)
    assert found.model_type == "resnet"
    assert found.step > 0


@pytest.mark.parametrize("size", [9, 19])
def test_it_plays_every_board(size: int) -> None:
    config = load_config(None, [f"game.board_size={size}"])
    evaluator = load_network(config, SHIPPED).evaluator(2, size)
    logits, values = evaluator.evaluate(evaluator.input)
    assert logits.shape == (2, size * size)
    assert np.isfinite(logits).all()
    assert (np.abs(values) <= 1).all()


def test_your_own_comes_first_and_other_rules_have_none(tmp_path: Path) -> None:
    config = load_config(None, [f"pipeline.checkpoint_dir={tmp_path}"])
    assert opponent_path(config) == SHIPPED
    (tmp_path / "simple_model.pt").write_bytes(b"one of your own")
    assert opponent_path(config) == tmp_path / "simple_model.pt"
    keryo = load_config(None, [f"pipeline.checkpoint_dir={tmp_path / 'none'}", "game.variant=keryo"])
    assert opponent_path(keryo) != SHIPPED
