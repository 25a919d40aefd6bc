"""Self-play in int8: the network is quantized on positions of real games, those that the records hold."""

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
    """Planes float32[n, NUM_PLANES, S, S] of up to NUM_POSITIONS records, or None: int8 is not asked for, or not yet.

    They are of this variant and board size, drawn from all records, always the same for the same database; there must
    be BATCH of them.
    """
    if config.network.precision != "int8":
        return None
    variant, size = config.game.variant, config.game.board_size
    if store.num_records(variant, size) < BATCH:
        return None
    records = store.sample("random", NUM_POSITIONS, np.random.default_rng(0), variant, size)
    return encode_batch(positions_of(records))


def in_precision(network: "Prepared", config: Config, planes: Planes | None) -> "Prepared":
    """The network as `network.precision` wants it: int8 if that is asked for, OpenVINO plays, and there are planes.

    Raises RequestError where int8 is asked for and cannot be had, FailureError for a network that NNCF cannot quantize.
    """
    if config.network.precision != "int8" or not isinstance(network, PortableNetwork):
        return network
    require_int8()
    return network if planes is None else quantize(network, planes)


def told(network: "Prepared", config: Config, device: str) -> str:
    """What the network computes in on this device, for the log: "bf16". Raises RequestError for what is not there."""
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
