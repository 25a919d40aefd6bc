"""Self-play in int8: the network is quantized on positions of real games, taken from the records."""

from typing import TYPE_CHECKING

import numpy as np

from alphapente.config import Config
from alphapente.network.mixnet_kernels import Weights
from alphapente.network.openvino_backend import PortableNetwork, openvino_precision
from alphapente.network.planes import Planes, encode_batch
from alphapente.network.quantization import BATCH, NUM_POSITIONS, quantize, require_int8
from alphapente.records.positions import positions_of
from alphapente.records.store import Store

if TYPE_CHECKING:
    from alphapente.network.load import Prepared


def calibration_planes(store: Store, config: Config) -> Planes | None:
    """Planes float32[n, NUM_PLANES, S, S] of up to NUM_POSITIONS records.

    They have this variant and board size and are drawn from all records, always the same ones for the same database.
    None if `network.precision` is not int8, or if there are fewer than BATCH records.
    """
    if config.network.precision != "int8":
        return None
    variant, size = config.game.variant, config.game.board_size
    if store.num_records(variant, size) < BATCH:
        return None
    records = store.sample("random", NUM_POSITIONS, np.random.default_rng(0), variant, size)
    return encode_batch(positions_of(records))


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
