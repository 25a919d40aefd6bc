"""Quantization for int8: calibrated on the positions of the records."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from alphapente.config import Config, load_config
from alphapente.network.load import playable
from alphapente.network.models import build_model
from alphapente.network.openvino_backend import PortableNetwork, computes_bf16, computes_int8
from alphapente.network.planes import NUM_PLANES
from alphapente.network.quantization import BATCH, NUM_POSITIONS
from alphapente.records.calibration import calibration_planes
from alphapente.records.model import GameRecord
from alphapente.records.store import Store
from tests.records.samples import random_game

FLOATING = "bf16" if computes_bf16() else "fp32"


def config_of(precision: str, variant: str = "pente") -> Config:
    return load_config(None, [f"network.precision={precision}", f"game.variant={variant}", "game.board_size=7"])


def stored(folder: Path, games: list[GameRecord]) -> Store:
    store = Store(folder / "records.db")
    for game in games:
        store.add_game(game)
    return store


def test_planes_are_drawn_from_all_records_and_are_reproducible(tmp_path: Path) -> None:
    with stored(tmp_path, [random_game(seed, size=7) for seed in range(12)]) as store:
        assert store.num_records("pente", 7) > NUM_POSITIONS
        first, again = (calibration_planes(store, config_of("int8")) for _ in range(2))
        assert calibration_planes(store, config_of("auto")) is None
    assert first is not None
    assert again is not None
    assert first.shape == (NUM_POSITIONS, NUM_PLANES, 7, 7)
    np.testing.assert_array_equal(first, again)


def test_too_few_records_give_no_planes(tmp_path: Path) -> None:
    with stored(tmp_path, [random_game(0, size=7, max_records=BATCH - 1)]) as store:
        assert calibration_planes(store, config_of("int8")) is None
        store.add_game(random_game(1, size=7, max_records=1))
        assert calibration_planes(store, config_of("int8")) is not None


@pytest.mark.skipif(
    not computes_int8() or importlib.util.find_spec("nncf") is None, reason="needs NNCF and a processor with int8"
)
def test_the_network_has_the_requested_precision_and_the_log_names_it() -> None:
    model = build_model(config_of("int8"), "simple")
    planes = np.zeros((BATCH, NUM_PLANES, 7, 7), np.float32)
    for precision, given, expected in (
        ("int8", planes, "int8"),
        ("int8", None, f"{FLOATING} (int8 once there are 32 records to quantize it on)"),
        ("auto", None, FLOATING),
        ("fp32", None, "fp32"),
    ):
        network = playable(model, config_of(precision), "openvino").in_precision(given)
        assert isinstance(network.form, PortableNetwork)
        assert network.form.quantized == (expected == "int8")
        assert network.precision_note == expected
        assert network.precision == expected.partition(" ")[0]
        assert network.evaluator(1, 7).name == f"openvino {network.precision}"


def test_with_torch_int8_is_not_quantized_and_the_log_says_why() -> None:
    config = config_of("int8")
    planes = np.zeros((BATCH, NUM_PLANES, 7, 7), np.float32)
    network = playable(build_model(config, "simple"), config, "cpu").in_precision(planes)
    assert isinstance(network.form, torch.nn.Module)
    assert network.precision_note == f"{network.precision} (int8 is for OpenVINO)"
