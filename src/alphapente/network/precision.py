"""The precision that a network computes in: what is requested, and what the device and the network allow."""

from typing import TYPE_CHECKING

from alphapente.config import Config
from alphapente.network.mixnet_kernels import Weights
from alphapente.network.openvino_backend import PortableNetwork, openvino_precision
from alphapente.network.planes import Planes
from alphapente.network.quantization import BATCH, quantize, require_int8

if TYPE_CHECKING:
    from alphapente.network.load import Prepared


def in_precision(network: "Prepared", config: Config, planes: Planes | None) -> "Prepared":
    """The network in the requested precision: quantized if that is int8, OpenVINO plays, and there are planes.

    Raises RequestError if int8 is requested and not available, FailureError for a network that NNCF cannot quantize.
    """
    if config.network.precision != "int8" or not isinstance(network, PortableNetwork):
        return network
    require_int8()
    return network if planes is None else quantize(network, planes)


def precision_in_use(network: "Prepared", config: Config, device: str) -> str:
    """The precision that the network computes in on this device, for the log: "bf16".

    Raises RequestError for a precision that the device lacks.
    """
    requested = config.network.precision
    if isinstance(network, Weights):
        return "int16"
    if isinstance(network, PortableNetwork):
        numbers = openvino_precision(requested, network.quantized)
        why = f"int8 once there are {BATCH} records to quantize it on"
    else:
        from alphapente.network.torch_backend import torch_precision

        numbers = torch_precision(requested, device)
        why = "int8 is for OpenVINO"
    return f"{numbers} ({why})" if requested == "int8" != numbers else numbers
