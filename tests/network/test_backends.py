"""The backends agree: float32 within 1e-4; bf16 policy probabilities and values within 0.03 of float32."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from alphapente.config import Config
from alphapente.errors import RequestError
from alphapente.network import openvino_backend
from alphapente.network.device import choose_device
from alphapente.network.evaluator import Evaluator
from alphapente.network.load import playable
from alphapente.network.models import build_model, value_of
from alphapente.network.openvino_backend import OpenVinoEvaluator, PortableNetwork, convert
from alphapente.network.planes import NUM_PLANES, encode_batch
from alphapente.network.torch_backend import TorchEvaluator, torch_precision
from alphapente.records.positions import positions_of
from alphapente.rules.position import Positions
from alphapente.training.measure import random_records

FP32_TOLERANCE = 1e-4
BF16_TOLERANCE = 0.03
BATCH = 8


def trained(name: str) -> torch.nn.Module:
    """A network that has learned a little: to play where plane 6 is set, and whether plane 0 or 1 has more stones."""
    model = build_model(Config(), name, seed=3)
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    rng = np.random.default_rng(0)
    for _ in range(60):
        seen = torch.from_numpy((rng.random((16, NUM_PLANES, 7, 7)) < 0.2).astype(np.float32))
        logits, z = model(seen)
        target = seen[:, 6].flatten(1) / seen[:, 6].sum((1, 2)).clamp_min(1)[:, None]
        label = 2 * (seen[:, 0].sum((1, 2)) <= seen[:, 1].sum((1, 2))).long()
        loss = -(target * logits.log_softmax(1)).sum(1).mean()
        loss = loss + torch.nn.functional.cross_entropy(z, label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


@pytest.fixture(scope="module", params=["simple", "resnet"])
def network(request: pytest.FixtureRequest) -> tuple[torch.nn.Module, PortableNetwork]:
    torch.set_num_threads(1)
    model = trained(request.param)
    return model, convert(model)


def positions(size: int) -> Positions:
    return positions_of(random_records(BATCH, size))


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    found: NDArray[np.float32] = powers / powers.sum(1, keepdims=True)
    return found


@pytest.mark.parametrize("size", [9, 19])
def test_backends_agree(network: tuple[torch.nn.Module, PortableNetwork], size: int) -> None:
    model, portable = network
    seen = positions(size)
    with torch.no_grad():
        logits, z = model.eval()(torch.from_numpy(encode_batch(seen)))
    policy, value = softmax(logits.numpy()), value_of(z).numpy()
    assert np.ptp(value) > 0.1  # it distinguishes positions
    exact: list[Evaluator] = [
        OpenVinoEvaluator(portable, BATCH, size, precision="fp32"),
        TorchEvaluator(model, BATCH, size, precision="fp32"),
    ]
    rough: list[Evaluator] = [TorchEvaluator(model, BATCH, size, precision="bf16")]
    if openvino_backend.computes_bf16():
        rough.append(OpenVinoEvaluator(portable, BATCH, size, precision="bf16"))
    for tolerance, evaluators in ((FP32_TOLERANCE, exact), (BF16_TOLERANCE, rough)):
        for evaluator in evaluators:
            found_logits, found_value = evaluator.evaluate(seen)
            np.testing.assert_allclose(softmax(found_logits), policy, atol=tolerance, err_msg=evaluator.name)
            np.testing.assert_allclose(found_value, value, atol=tolerance, err_msg=evaluator.name)
            if tolerance == FP32_TOLERANCE:
                np.testing.assert_allclose(found_logits, logits.numpy(), atol=tolerance, err_msg=evaluator.name)


@pytest.mark.parametrize("backend", ["openvino", "cpu"])
def test_its_own_input_other_arrays_and_short_batches_are_evaluated_alike(
    network: tuple[torch.nn.Module, PortableNetwork], backend: str
) -> None:
    evaluator = playable(network[0], Config(), backend).evaluator(BATCH, 9)
    seen = positions(9)
    policy, value = (array.copy() for array in evaluator.evaluate(seen))
    evaluator.input[:] = seen
    evaluator.input["last"] = 0
    again, value_again = evaluator.evaluate(evaluator.input)
    np.testing.assert_array_equal(again, policy)
    np.testing.assert_array_equal(value_again, value)
    short, short_value = evaluator.evaluate(seen[:3])
    np.testing.assert_allclose(short, policy[:3], atol=1e-6)
    np.testing.assert_allclose(short_value, value[:3], atol=1e-6)
    wanted = np.arange(BATCH, dtype=np.int8) % 2
    some, some_values = evaluator.evaluate(seen[::-1], wanted)
    np.testing.assert_allclose(some[1::2], policy[::-1][1::2], atol=1e-5)
    np.testing.assert_allclose(some_values[1::2], value[::-1][1::2], atol=1e-5)
    with pytest.raises(RequestError, match="do not fit"):
        evaluator.evaluate(positions(19))


def test_weights_are_reloaded_without_a_restart(network: tuple[torch.nn.Module, PortableNetwork]) -> None:
    other = build_model(Config(), "simple", seed=9)
    seen = positions(9)
    for evaluator in (
        OpenVinoEvaluator(network[1], BATCH, 9, precision="fp32"),
        TorchEvaluator(network[0], BATCH, 9),
    ):
        before = evaluator.evaluate(seen)[0].copy()
        evaluator.load_weights(other)
        after = evaluator.evaluate(seen)[0]
        assert not np.allclose(before, after, atol=1e-3)
        np.testing.assert_allclose(after, TorchEvaluator(other, BATCH, 9).evaluate(seen)[0], atol=FP32_TOLERANCE)


def test_playing_does_not_change_the_model_in_training(network: tuple[torch.nn.Module, PortableNetwork]) -> None:
    model = network[0].train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    TorchEvaluator(model, BATCH, 9).evaluate(positions(9))
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_a_converted_network_is_loaded_without_torch(tmp_path: Path) -> None:
    network = convert(build_model(Config(), "simple"))
    (tmp_path / "xml").write_bytes(network.xml)
    (tmp_path / "bin").write_bytes(network.weights)
    code = (
        "import sys, pathlib\n"
        "from alphapente.config import Config\n"
        "from alphapente.network.load import PlayableNetwork\n"
        "from alphapente.network.openvino_backend import PortableNetwork\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "network = PortableNetwork((folder / 'xml').read_bytes(), (folder / 'bin').read_bytes())\n"
        "evaluator = PlayableNetwork(network, 'openvino', Config().network).evaluator(2, 9)\n"
        "policy, value = evaluator.evaluate(evaluator.input)\n"
        "assert policy.shape == (2, 81) and 'torch' not in sys.modules, sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_signals_are_survived_whatever_order_networks_go_in(
    network: tuple[torch.nn.Module, PortableNetwork], tmp_path: Path
) -> None:
    """OpenVINO moves the stack of signal handlers: if it were freed with the network, a signal would be a crash."""
    (tmp_path / "network.xml").write_bytes(network[1].xml)
    (tmp_path / "network.bin").write_bytes(network[1].weights)
    program = (
        "import os, pathlib, signal, threading\n"
        "from alphapente.network.openvino_backend import OpenVinoEvaluator, PortableNetwork\n"
        "folder = pathlib.Path(os.environ['FOLDER'])\n"
        "stored = PortableNetwork((folder / 'network.xml').read_bytes(), (folder / 'network.bin').read_bytes())\n"
        "alive = [OpenVinoEvaluator(stored, 2, 9) for _ in range(3)]\n"
        "alive[2].load_weights(stored)\n"
        "del alive[0]\n"
        "other = threading.Thread(target=alive.clear)\n"
        "other.start()\n"
        "other.join()\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('handled'))\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    environment = os.environ | {"FOLDER": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (0, "handled\n"), run.stderr


def test_devices_are_chosen_and_refused_with_a_reason() -> None:
    choice = choose_device("auto")
    assert choice.device == ("cuda" if torch.cuda.is_available() else "openvino")
    assert choose_device("cpu").device == "cpu"
    if not torch.cuda.is_available():
        with pytest.raises(RequestError, match="sees no GPU"):
            choose_device("cuda")
    assert torch_precision("fp32", "cpu") == "fp32"


def test_refusing_bf16_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_backend, "computes_bf16", lambda: False)
    with pytest.raises(RequestError, match="bf16"):
        OpenVinoEvaluator(PortableNetwork(b"", b""), 1, 9, precision="bf16")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_gpu_agrees(network: tuple[torch.nn.Module, PortableNetwork]) -> None:
    seen = positions(19)
    exact = TorchEvaluator(network[0], BATCH, 19).evaluate(seen)
    for precision, tolerance in (("fp32", 1e-2), ("bf16", BF16_TOLERANCE)):  # float32 may be tf32 there
        policy, value = TorchEvaluator(network[0], BATCH, 19, "cuda", precision).evaluate(seen)
        np.testing.assert_allclose(softmax(policy), softmax(exact[0]), atol=tolerance)
        np.testing.assert_allclose(value, exact[1], atol=tolerance)
