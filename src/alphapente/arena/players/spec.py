"""Parses a player specification, a word of the command line, and makes the player that it describes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alphapente.arena.players.base import Player, PolicyPlayer, RandomPlayer, SearchPlayer
from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.config import Config, SearchSettings
from alphapente.errors import RequestError
from alphapente.network.device import num_cores
from alphapente.network.evaluator import Evaluator
from alphapente.rules.position import new_positions
from alphapente.search import Forest, search_position

if TYPE_CHECKING:
    from alphapente.network.load import PlayableNetwork

BATCH_SIZE = 32
"""Positions that a player with a fixed number of simulations searches in parallel."""
MOST_SIMULATIONS = 1_000_000
MOST_SECONDS = 3600.0
PRECISIONS = ("fp32", "bf16", "int8")
ENGINE = "gtp:"
POLICY = "policy:"
WITHOUT_BUDGET = ("random", "tactical")
"""Players without search."""
FRESH = "fresh"
WITHOUT_NETWORK = (*WITHOUT_BUDGET, "rollouts", "heuristic")
REFERENCES = (*WITHOUT_NETWORK, FRESH)
"""Names of players that need no file. Any other word is a checkpoint's file or an engine's command."""
_BUDGET = re.compile(r"(?P<name>.*)@(?:(?P<simulations>[0-9]+)|(?P<seconds>[0-9]*\.?[0-9]+)s)")


@dataclass(frozen=True, slots=True)
class PlayerSpec:
    """A parsed specification: a name or a file, and at most one of simulations and seconds a move."""

    name: str
    simulations: int | None = None
    seconds: float | None = None
    precision: str | None = None
    policy: bool = False


@dataclass(frozen=True, slots=True)
class PlayerOptions:
    """Options of a player that do not depend on its specification.

    `at_once`: maximum number of parallel games; a player that searches one game at a time has a thread or a process
    for each. `engine_timeout_s`: seconds that an external engine has for a move. `note`: settings that differ from
    the configuration; they become part of the player's name.
    """

    at_once: int = 1
    seed: int = 0
    engine_timeout_s: float = 60.0
    note: str = ""


def games_at_once(words: Sequence[str], games: int, alone: int) -> int:
    """Number of a match's `games` to play in parallel: `alone` if a player searches one at a time, else all.

    Raises RequestError for a wrong word.
    """
    specs = [parse_player(word) for word in words]
    one_at_a_time = any(spec.seconds is not None or spec.name.startswith(ENGINE) for spec in specs)
    return max(1, min(alone, games) if one_at_a_time else games)


def parse_player(word: str) -> PlayerSpec:
    """Parses a player's word. Raises RequestError for an invalid budget, or one that the player does not use."""
    if word.startswith(ENGINE):
        return PlayerSpec(word)
    match = _BUDGET.fullmatch(word)
    name = match["name"] if match else word
    simulations = int(match["simulations"]) if match and match["simulations"] else None
    seconds = float(match["seconds"]) if match and match["seconds"] else None
    if simulations is not None and simulations > MOST_SIMULATIONS:
        raise RequestError(f"player {word!r}: choose 0 to {MOST_SIMULATIONS} simulations a move")
    if seconds is not None and not 0 < seconds <= MOST_SECONDS:
        raise RequestError(f"player {word!r}: choose a number of seconds above 0, up to {MOST_SECONDS:g}")
    precision, colon, rest = name.partition(":")
    if colon and precision in PRECISIONS:
        name = rest
    policy = name.startswith(POLICY)
    prefixed = policy or bool(colon and precision in PRECISIONS)
    name = name.removeprefix(POLICY)
    if not name:
        raise RequestError(f"player {word!r} has no name: write a checkpoint's file or one of the names of --help")
    if match and (policy or name in WITHOUT_BUDGET):
        raise RequestError(f"player {word!r}: {name} does not search: remove the @ and what follows it")
    if prefixed and name in WITHOUT_NETWORK:
        raise RequestError(f"player {word!r}: {name} has no network, so write its name without a prefix")
    return PlayerSpec(name, simulations, seconds, precision if colon and precision in PRECISIONS else None, policy)


def make_player(word: str, config: Config, options: PlayerOptions = PlayerOptions()) -> Player:
    """Makes the player of a word; without a budget it has `generation.simulations` a move. Close it after use.

    Raises RequestError for a wrong word, an engine's command that cannot be run, or `int8:` if that is not available;
    CheckpointError for a checkpoint that cannot be used, EngineError for an engine that does not start.
    """
    spec = parse_player(word)
    if word.startswith(ENGINE):
        from alphapente.arena.players.gtp_player import GtpPlayer

        command, size = word.removeprefix(ENGINE), config.game.board_size
        return GtpPlayer(command, size, processes=options.at_once, timeout_s=options.engine_timeout_s)
    reference = _reference(word, spec, config, options)
    if reference is not None:
        return reference
    if spec.precision:
        network = config.network.model_copy(update={"precision": spec.precision})
        config = config.model_copy(update={"network": network})
    return _searcher(word, spec, config, options)


def _reference(word: str, spec: PlayerSpec, config: Config, options: PlayerOptions) -> Player | None:
    """The player of a word if it needs no evaluator, else None."""
    from alphapente.arena.players.references import RolloutPlayer, TacticalPlayer

    size = config.game.board_size
    if spec.name == "random":
        return RandomPlayer()
    if spec.name == "tactical":
        return TacticalPlayer(size)
    if spec.name != "rollouts":
        return None
    simulations = config.generation.simulations if spec.simulations is None else spec.simulations
    if simulations == 0:
        raise RequestError(f"player {word!r}: choose simulations from 1")
    threads = min(num_cores(), options.at_once)
    if spec.seconds is not None:
        return RolloutPlayer(size, seconds=spec.seconds, threads=options.at_once)
    return RolloutPlayer(size, simulations=simulations, threads=threads)


def _searcher(word: str, spec: PlayerSpec, config: Config, options: PlayerOptions) -> Player:
    """A player with an evaluator: with a time limit, with simulations, or without search."""
    described, network = _network(spec.name, config, options.seed)
    by_clock = spec.seconds is not None
    batch_size, count = (
        (config.search.leaves_at_once, options.at_once) if by_clock else (min(BATCH_SIZE, options.at_once), 1)
    )
    size = config.game.board_size
    if network is None:
        evaluators: list[Evaluator] = [HeuristicEvaluator(batch_size, size) for _ in range(count)]
    else:
        evaluators = network.evaluators(batch_size, size, count)
    for evaluator in evaluators:
        _warm_up(evaluator, config.search)
    described += f" ({evaluator.name})" if network is not None else ""
    note = f", {options.note}" if options.note else ""
    simulations = config.generation.simulations if spec.simulations is None else spec.simulations
    if spec.seconds is not None:
        from alphapente.arena.players.clock import ClockPlayer

        return ClockPlayer(evaluators, config.search, spec.seconds, f"{described}, {spec.seconds:g} s{note}")
    if spec.policy or simulations == 0:
        if network is None:
            raise RequestError(f"player {word!r} has no network to play without search: choose simulations from 1")
        return PolicyPlayer(evaluator, f"policy of {described}{note}")
    return SearchPlayer(evaluator, config.search, simulations, f"{described}, {simulations} simulations{note}")


def _network(name: str, config: Config, seed: int) -> "tuple[str, PlayableNetwork | None]":
    """The name of a player's network, and the network; None for the hand-made evaluator."""
    if name == "heuristic":
        return name, None
    from alphapente.network.load import load_network, playable
    from alphapente.network.mixnet_kernels import Weights

    if name == FRESH:
        from alphapente.network.models import build_model

        model_type = config.generation.model_type
        return f"fresh {model_type} of seed {seed}", playable(build_model(config, model_type, seed), config)
    network = load_network(config, Path(name))
    quantize = config.network.precision == "int8" and not isinstance(network.form, Weights)  # those are int16 already
    return f"{Path(name)} at step {network.step:,}", _in_int8(network, config) if quantize else network


def _warm_up(evaluator: Evaluator, settings: SearchSettings) -> None:
    """Runs a short search, so that no game includes the time of loading and compiling at first use."""
    forest = Forest(evaluator, settings, num_trees=1, simulations=32, first_nodes=8)  # the tree grows too
    search_position(forest, new_positions(1, "gomoku", evaluator.board_size)[0], np.random.default_rng(0))


def _in_int8(network: "PlayableNetwork", config: Config) -> "PlayableNetwork":
    """The network quantized on records of `records.database`.

    Raises RequestError where int8 is not available: no OpenVINO, no NNCF, a processor without int8, too few records.
    """
    from alphapente.network.openvino_backend import PortableNetwork
    from alphapente.network.quantization import BATCH
    from alphapente.records.calibration import calibration_planes
    from alphapente.records.store import Store

    if not isinstance(network.form, PortableNetwork):
        raise RequestError("int8 is for OpenVINO: set network.device to openvino")
    with Store(config.records.database, config.records.busy_timeout_s, read_only=True) as store:
        planes = calibration_planes(store, config)
    if planes is None:
        raise RequestError(
            f"int8 needs {BATCH} records of {config.game.variant} {config.game.board_size}x{config.game.board_size} "
            f"to quantize on, and {config.records.database} holds fewer: name another by --set records.database=FILE"
        )
    return network.in_precision(planes)
