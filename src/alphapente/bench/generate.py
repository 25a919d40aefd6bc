"""Self-play compared with the bare network: the network's share of the time, and where the rest is spent.

The network's speed does not depend on its weights, but tree reuse and the cache do: self-play uses the configured
model's checkpoint if there is one, else fresh weights.
"""

from dataclasses import replace

from alphapente.bench.memory import bench_memory
from alphapente.bench.report import Result, Row, median
from alphapente.bench.worker import Played, on_cpu, play_beside_bare
from alphapente.bench.workers import measure_threads, measure_workers
from alphapente.config import BUILT_IN_CLASSES, Config
from alphapente.errors import RequestError
from alphapente.network.device import choose_device, num_cores
from alphapente.network.load import PlayableNetwork, load_network_of_type, playable
from alphapente.network.mixnet_kernels import Weights
from alphapente.network.models import ModelSpec, build
from alphapente.network.openvino_backend import PortableNetwork
from alphapente.network.planes import encode_batch
from alphapente.network.quantization import NUM_POSITIONS, quantize, require_int8
from alphapente.records.positions import positions_of
from alphapente.training.measure import random_records

SHARES = {"rates": 0.6, "workers": 0.25, "memory": 0.15}
"""How the seconds are divided."""
WORKER_TURNS = 2
_RESNET_SIZES = {"channels": 32, "blocks": 4, "stem_kernel": 5}
GPU_THREADS = 2
"""Threads over one GPU: two batches are in flight."""


def bench_generate(
    config: Config,
    seconds: float,
    model_types: tuple[str, ...] = ("simple", "resnet", "mixnet"),
    memory_minutes: float = 0.0,
) -> Result:
    """All rows of generation, in about `seconds` plus the preparation; with a GPU, its rows too.

    `memory_minutes` (default: a share of the seconds) is how long a worker's memory is watched.
    """
    device = choose_device(config.network.device).device
    rows: list[Row] = []
    breakdown: dict[str, float] = {}
    for model_type in model_types:
        networks = _networks(config, model_type)
        found = play_beside_bare(config, networks, SHARES["rates"] * seconds / len(model_types))
        for played in found:
            rows.append(played.row)
            breakdown |= played.breakdown
        if model_type == "mixnet" and len(found) > 1:
            rows.append(_speedup(*found))
        elif device == "cuda":
            rows += measure_threads(config, model_type, GPU_THREADS, SHARES["workers"] * seconds).rows
        if model_type == model_types[0]:
            rows.append(_simulations_per_evaluation(found[0]))
            if model_type != "mixnet":
                rows += [_int8_games(found[0], int8) for int8 in found[1:]]
            rows += _two_workers(config, model_type, SHARES["workers"] * seconds)
            rows += bench_memory(
                config, next(iter(networks.values())), 60 * memory_minutes or SHARES["memory"] * seconds
            )
    return Result(rows, breakdown)


def _networks(config: Config, model_type: str) -> dict[str, PlayableNetwork]:
    """By row name: the model as it plays, and if this machine has int8, the network that it is compared with.

    That is the model itself in int8; for mixnet it is a `resnet` of 4 blocks of 32 channels, the earlier CPU network.
    """
    network = load_network_of_type(config, model_type, "openvino", seed=1)
    if isinstance(network.form, Weights):
        own = {f"generate.{model_type}": network}
        resnet = build(ModelSpec("resnet", BUILT_IN_CLASSES["resnet"], _RESNET_SIZES))
        other = playable(resnet, config, "openvino")
        name = "generate.resnet_4x32.int8"
    else:
        own = {f"generate.{model_type}.{network.precision}": network}
        other, name = network, f"generate.{model_type}.int8"
    try:
        require_int8()
    except RequestError:
        return own
    assert isinstance(other.form, PortableNetwork)
    records = random_records(NUM_POSITIONS, config.game.board_size, variant=config.game.variant)
    return own | {name: replace(other, form=quantize(other.form, encode_batch(positions_of(records))))}


def _speedup(mixnet: Played, resnet: Played) -> Row:
    """Simulations per second of mixnet over those of `resnet` 4x32 in int8, both on one core, in turns."""
    value, floor = (played.simulations / played.elapsed_s for played in (mixnet, resnet))
    return Row("generate.mixnet_speedup", value, "simulations/s", floor, value / floor)


def _int8_games(floating: Played, eight_bit: Played) -> Row:
    """Games per second of int8 over those of bf16, measured in plies.

    A ply takes the same number of evaluations in both. This number is averaged over both, since in a few seconds it
    varies with the games in play.
    """
    plies = sum(played.plies_per_s * played.elapsed_s for played in (floating, eight_bit))
    evaluations_a_ply = (floating.evaluations + eight_bit.evaluations) / plies
    value, floor = (played.evaluations / played.elapsed_s / evaluations_a_ply for played in (eight_bit, floating))
    return Row("generate.int8_games", value, "plies/s", floor, value / floor)


def _two_workers(config: Config, model_type: str, seconds: float) -> list[Row]:
    """One worker process and two, in turns; no row on a machine of one core."""
    if num_cores() < 2:
        return []
    each_s = seconds / (2 * WORKER_TURNS)
    turns = [
        [measure_workers(on_cpu(config), model_type, count, each_s) for count in (1, 2)] for _ in range(WORKER_TURNS)
    ]
    one, two = (median(list(rates)) for rates in zip(*turns, strict=True))
    return [Row("generate.workers_2", two, "evaluations/s", one, two / one)]


def _simulations_per_evaluation(played: Played) -> Row:
    """Simulations over evaluations. Tree reuse, cached positions, and finished and proven leaves need no evaluation."""
    value, floor = played.simulations / played.elapsed_s, played.evaluations / played.elapsed_s
    return Row("generate.simulations_per_evaluation", value, "simulations/s", floor, value / floor)
