"""Quantized networks: they compute in int8, play nearly as before, and need nothing further to play."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from alphapente.config import Config
from alphapente.errors import FailureError, RequestError
from alphapente.network import openvino_backend, quantization
from alphapente.network.load import PlayableNetwork
from alphapente.network.models import build_model
from alphapente.network.openvino_backend import (
    OpenVinoEvaluator,
    PortableNetwork,
    computes_bf16,
    computes_int8,
    convert,
    openvino_core,
    openvino_precision,
)
from alphapente.network.planes import NUM_PLANES
from alphapente.network.quantization import quantize

POLICY_TOLERANCE, VALUE_TOLERANCE = 0.05, 0.1
FLOATING = "bf16" if computes_bf16() else "fp32"

needs_int8 = pytest.mark.skipif(
    not computes_int8() or importlib.util.find_spec("nncf") is None, reason="needs NNCF and a processor with int8"
)


def planes(count: int, size: int) -> NDArray[np.float32]:
    return (np.random.default_rng(count + size).random((count, NUM_PLANES, size, size)) < 0.2).astype(np.float32)


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    found: NDArray[np.float32] = powers / powers.sum(1, keepdims=True)
    return found


def telling(name: str) -> torch.nn.Module:
    """A network with clear outputs: the last layers of the heads, which start near 0, have larger weights."""
    model = build_model(Config(), name, seed=4)
    with torch.no_grad():
        model.get_parameter("heads.policy.weight").mul_(20)
        model.get_parameter("heads.value.weight").mul_(60)
    return model


@pytest.fixture(scope="module", params=["simple", "resnet"])
def networks(request: pytest.FixtureRequest) -> tuple[PortableNetwork, PortableNetwork]:
    floating = convert(telling(request.param))
    return floating, quantize(floating, planes(64, 9))


@needs_int8
@pytest.mark.parametrize(("batch", "size"), [(8, 9), (3, 19)])
def test_a_quantized_network_plays_nearly_the_same(
    networks: tuple[PortableNetwork, PortableNetwork], batch: int, size: int
) -> None:
    floating, quantized = networks
    seen = planes(batch, size)
    policy, value = OpenVinoEvaluator(floating, batch, size, precision="fp32").evaluate_planes(seen)
    evaluator = OpenVinoEvaluator(quantized, batch, size, precision="int8")
    assert evaluator.name == "openvino int8"
    found_policy, found_value = evaluator.evaluate_planes(seen)
    assert np.ptp(policy) > 0.5, "it distinguishes points"
    assert np.ptp(value) > 0.1, "it distinguishes positions"
    assert not np.array_equal(found_policy, policy)
    np.testing.assert_allclose(probabilities(found_policy), probabilities(policy), atol=POLICY_TOLERANCE)
    np.testing.assert_allclose(found_value, value, atol=VALUE_TOLERANCE)


@needs_int8
def test_every_convolution_but_the_last_computes_in_int8(networks: tuple[PortableNetwork, PortableNetwork]) -> None:
    core = openvino_core()
    for network, expected in zip(networks, (set(), {"i8", "u8"}), strict=True):
        model = core.read_model(network.xml, network.weights)
        model.reshape([8, NUM_PLANES, 9, 9])
        running = core.compile_model(model, "CPU").get_runtime_model()
        layers = [layer for layer in running.get_ordered_ops() if layer.get_rt_info()["layerType"] == "Convolution"]
        numbers = [layer.get_rt_info()["runtimePrecision"].astype(str) for layer in layers]
        assert len(numbers) >= 5
        assert all((number in expected) == network.quantized for number in numbers[:-1]), numbers
        assert numbers[-1] not in expected


@needs_int8
def test_quantizing_is_silent_and_its_bars_are_back_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    import rich

    quantize(convert(build_model(Config(), "simple")), planes(32, 9))
    printed = capfd.readouterr()
    assert printed.out == printed.err == ""
    rich.get_console().print("heard")
    assert capfd.readouterr().out == "heard\n"


@needs_int8
def test_an_evaluator_switches_to_a_quantized_network_and_back() -> None:
    floating = convert(telling("simple"))
    evaluator = OpenVinoEvaluator(floating, 4, 9, precision="int8")
    assert evaluator.name == f"openvino {FLOATING}"
    seen = planes(4, 9)
    before = evaluator.evaluate_planes(seen)[0].copy()
    evaluator.load_weights(quantize(floating, planes(32, 9)))
    assert evaluator.name == "openvino int8"
    assert not np.array_equal(evaluator.evaluate_planes(seen)[0], before)
    evaluator.load_weights(floating)
    assert evaluator.name == f"openvino {FLOATING}"
    np.testing.assert_array_equal(evaluator.evaluate_planes(seen)[0], before)


@needs_int8
def test_a_quantized_network_is_loaded_without_torch_and_without_nncf(tmp_path: Path) -> None:
    network = quantize(convert(build_model(Config(), "simple")), planes(32, 9))
    (tmp_path / "xml").write_bytes(network.xml)
    (tmp_path / "bin").write_bytes(network.weights)
    code = (
        "import sys, pathlib\n"
        "from alphapente.config import load_config\n"
        "from alphapente.network.load import PlayableNetwork\n"
        "from alphapente.network.openvino_backend import PortableNetwork\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "network = PortableNetwork((folder / 'xml').read_bytes(), (folder / 'bin').read_bytes(), True)\n"
        "settings = load_config(None, ['network.precision=int8']).network\n"
        "evaluator = PlayableNetwork(network, 'openvino', settings).evaluator(2, 9)\n"
        "policy, value = evaluator.evaluate(evaluator.input)\n"
        "assert evaluator.name == 'openvino int8' and policy.shape == (2, 81), evaluator.name\n"
        "assert not {'torch', 'nncf'} & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@needs_int8
def test_no_usage_is_reported() -> None:
    """In another process: within pytest NNCF would be quiet anyway."""
    code = (
        "import socket, subprocess, os, sys\n"
        "def refuse(*_, **__):\n"
        "    os._exit(3)\n"
        "socket.socket.connect = socket.getaddrinfo = os.fork = subprocess.Popen.__init__ = refuse\n"
        "import numpy as np\n"
        "from alphapente.config import Config\n"
        "from alphapente.network.models import build_model\n"
        "from alphapente.network.openvino_backend import convert\n"
        "from alphapente.network.quantization import quantize\n"
        "quantize(convert(build_model(Config(), 'simple')), np.zeros((32, 12, 9, 9), np.float32))\n"
        "assert not [name for name in sys.modules if name.startswith('openvino_telemetry.')]\n"
        "import nncf.telemetry.wrapper as wrapper\n"
        "assert wrapper.telemetry.__class__.__name__ == 'MagicMock'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@needs_int8
def test_a_network_that_nncf_rejects_is_reported_in_a_line() -> None:
    network = convert(build_model(Config(), "simple"))
    with pytest.raises(FailureError, match=r"NNCF cannot quantize .* set network\.precision to auto"):
        quantize(network, np.zeros((32, 5, 9, 9), np.float32))  # planes that do not fit it


@needs_int8
def test_a_network_that_int8_changes_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import nncf

    other = convert(build_model(Config(), "simple"))
    read = openvino_core().read_model(other.xml, other.weights)
    monkeypatch.setattr(nncf, "quantize", lambda *_, **__: read)
    with pytest.raises(FailureError, match=r"too much \(on 32 positions mean divergence .* value error"):
        quantize(convert(telling("simple")), planes(32, 9))


def test_without_nncf_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_backend, "computes_int8", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(RequestError, match=r"pip install 'alphapente\[int8\]'"):
        quantization.quantize(PortableNetwork(b"", b""), planes(32, 9))


def test_int8_is_refused_where_the_processor_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_backend, "computes_int8", lambda: False)
    with pytest.raises(RequestError, match="int8, which this processor does not compute in"):
        PlayableNetwork(PortableNetwork(b"", b""), "openvino", precision_int8().network).evaluator(1, 9)
    with pytest.raises(RequestError, match="int8"):
        quantize(PortableNetwork(b"", b""), planes(32, 9))


def precision_int8() -> Config:
    return Config.model_validate({"network": {"precision": "int8"}})


@pytest.mark.parametrize(
    ("requested", "quantized", "capabilities", "expected"),
    [
        ("auto", False, {"FP32", "BF16", "INT8"}, "bf16"),
        ("auto", False, {"FP32", "INT8"}, "fp32"),
        ("fp32", False, {"FP32", "BF16", "INT8"}, "fp32"),
        ("bf16", False, {"FP32", "BF16"}, "bf16"),
        ("int8", False, {"FP32", "BF16", "INT8"}, "bf16"),
        ("int8", False, {"FP32", "INT8"}, "fp32"),
        ("int8", True, {"FP32", "INT8"}, "int8"),
        ("auto", True, {"FP32", "BF16", "INT8"}, "int8"),
    ],
)
def test_the_precision_follows_the_capabilities_of_the_runtime(
    monkeypatch: pytest.MonkeyPatch, requested: str, quantized: bool, capabilities: set[str], expected: str
) -> None:
    monkeypatch.setattr(openvino_backend, "_capabilities", lambda: frozenset(capabilities))
    assert openvino_precision(requested, quantized) == expected
