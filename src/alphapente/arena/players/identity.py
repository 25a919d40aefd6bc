"""The identity of a player in the database: equal if and only if everything that decides its moves is equal."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphapente.arena.players.play_settings import BASELINE_MODELS, ROLLOUTS, as_text, search_values
from alphapente.arena.players.spec import ENGINE, FRESH, REFERENCES, WITHOUT_BUDGET, PlayerSpec, parse_player
from alphapente.config import Config
from alphapente.records.model import PlayerIdentity

if TYPE_CHECKING:
    from alphapente.network.checkpoint import Checkpoint


def player_identity(word: str, config: Config, seed: int = 0) -> PlayerIdentity:
    """The identity of the player that `make_player` makes from `word` with this configuration and seed.

    A checkpoint is identified by its weights, not by its file name; an engine by its command; a reference player by
    its name. The budget and the settings that decide its moves are part of the identity. Raises RequestError for a
    wrong word, CheckpointError for a checkpoint that cannot be read.
    """
    parsed = parse_player(word)
    if word.startswith(ENGINE):
        return PlayerIdentity(word.removeprefix(ENGINE), "engine")
    if parsed.name in WITHOUT_BUDGET:
        return PlayerIdentity(parsed.name, "reference")
    if parsed.name not in REFERENCES:
        from alphapente.network import checkpoint

        return of_checkpoint(checkpoint.read(Path(parsed.name)), parsed, config)
    simulations = _simulations(parsed, config)
    fresh = parsed.name == FRESH
    model_type = config.generation.model_type
    return PlayerIdentity(
        name=(f"fresh {model_type} of seed {seed} " if fresh else parsed.name) + _budget(parsed, simulations),
        kind="reference",
        settings=_settings(parsed, config, has_network=fresh),
        model_type=model_type if fresh else None,
        network_step=0 if fresh else None,
        simulations=simulations,
        seconds=parsed.seconds,
    )


def of_checkpoint(stored: "Checkpoint", parsed: PlayerSpec, config: Config) -> PlayerIdentity:
    """The identity of a checkpoint as a player, with the budget and the precision of `parsed`."""
    from alphapente.network.checkpoint import weights_digest

    simulations = _simulations(parsed, config)
    return PlayerIdentity(
        name=f"{stored.model_type} step {stored.step} {_budget(parsed, simulations)}",
        kind="checkpoint",
        digest=weights_digest(stored),
        settings=_settings(parsed, config, has_network=True),
        model_type=stored.model_type,
        network_step=stored.step,
        simulations=simulations,
        seconds=parsed.seconds,
    )


def _simulations(parsed: PlayerSpec, config: Config) -> int | None:
    """Simulations a move: 0 without search, None if the budget is in seconds."""
    if parsed.policy:
        return 0
    if parsed.seconds is not None:
        return None
    return config.generation.simulations if parsed.simulations is None else parsed.simulations


def _budget(parsed: PlayerSpec, simulations: int | None) -> str:
    if simulations is None:
        return f"@{parsed.seconds:g}s"
    return f"@{simulations}" if simulations else "policy"


def _settings(parsed: PlayerSpec, config: Config, has_network: bool) -> str:
    """JSON of the other settings that decide the moves and differ from BASELINE; "" for none."""
    values: dict[str, Any] = {}
    if _simulations(parsed, config) != 0 and parsed.name != ROLLOUTS:
        values = search_values(config.search, by_clock=parsed.seconds is not None)
    precision = parsed.precision or config.network.precision
    if has_network and precision != "auto":
        values["precision"] = precision
    if parsed.name == FRESH:
        model = config.models[config.generation.model_type].model_dump(mode="json", by_alias=True)
        if model != BASELINE_MODELS.get(config.generation.model_type):
            values["model"] = model
    return as_text(values)
