"""Who a player is in the database: two matches are of the same player if everything that decides its moves is equal.

The settings of an identity are those that differ from BASELINE, which is frozen: where a default in `config` changes, a
stored identity still means the values that its matches were played with, and the new value is a new player.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphapente.arena.lineup import ENGINE, FRESH, REFERENCES, WITHOUT_BUDGET, PlayerWord, parse_player
from alphapente.config import Config, SearchSettings
from alphapente.records.model import PlayerIdentity

if TYPE_CHECKING:
    from alphapente.network.checkpoint import Checkpoint

BASELINE: Mapping[str, object] = {
    "root": "gumbel",
    "considered_points": 16,
    "value_scale": 0.1,
    "visit_offset": 50,
    "exploration": 1.0,
    "exploration_log": 0.45,
    "exploration_base": 500,
    "first_play_reduction": 0.2,
    "root_solver_nodes": 16,
    "leaf_solver_nodes": 16,
    "leaves_at_once": 8,
    "tree_reuse": True,
    "virtual_loss": 1,
}
"""Keys of `search` that decide moves, each with the value that an identity without it means. Never change a value here.

A key that is new in `search` gets the value with which players move as they did before it existed.
"""

NOT_PLAY: Mapping[str, str] = {
    "cached_positions": "a remembered evaluation is, number by number, what the network would compute again",
    "noise_concentration": "players of a match search without noise",
    "noise_shaped": "players of a match search without noise",
    "root_policy_temperature": "it applies only where there is noise",
    "root_policy_temperature_final": "it applies only where there is noise",
    "root_policy_temperature_half_life": "it applies only where there is noise",
    "forced_playouts": "it applies only where there is noise",
}
"""Keys of `search` that cannot change a move in a match, each with the reason."""

BY_CLOCK_ONLY: Mapping[str, str] = {
    "leaves_at_once": "by simulations each position has one place of the batch",
    "virtual_loss": "by simulations a tree has one leaf in flight",
    "tree_reuse": "by simulations each position is searched afresh",
}
"""Keys of BASELINE that decide moves only where a move has a number of seconds, each with the reason."""

BASELINE_MODELS: Mapping[str, Mapping[str, object]] = {
    "simple": {"class": "alphapente.network.models:Simple", "channels": 64, "layers": 3, "stem_kernel": 3},
    "resnet": {"class": "alphapente.network.models:Resnet", "channels": 64, "blocks": 6, "stem_kernel": 3},
}
"""The models of `fresh` that an identity without a model means. Never change a value here."""

_ROLLOUTS = "rollouts"


def identify(word: str, config: Config, seed: int = 0) -> PlayerIdentity:
    """Who a player of the arena is: `word` is what `make_player` made it of, with this configuration and seed.

    A checkpoint is known by its weights, whatever its file is called; an engine by its command; a reference by its
    name. To these come the budget and the settings that decide how it plays. Raises RequestError for a wrong word,
    CheckpointError for a checkpoint that cannot be read.
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


def of_checkpoint(stored: "Checkpoint", parsed: PlayerWord, config: Config) -> PlayerIdentity:
    """Who a checkpoint is as a player, with the budget and the precision of what `parse_player` returned."""
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


def canonical(identity: PlayerIdentity) -> PlayerIdentity:
    """The identity as `identify` gives it now: settings that older versions stored and that decide no move are gone."""
    if not identity.settings:
        return identity
    try:
        values = json.loads(identity.settings)
    except ValueError:
        return identity
    if not isinstance(values, dict):
        return identity
    if identity.name.startswith(_ROLLOUTS + "@") and identity.kind == "reference":
        values = {}
    unused = _without_effect(by_clock=identity.seconds is not None)
    return replace(identity, settings=_as_text({key: value for key, value in values.items() if key not in unused}))


def _simulations(parsed: PlayerWord, config: Config) -> int | None:
    """Simulations a move: 0 without search, None where seconds are the budget."""
    if parsed.policy:
        return 0
    if parsed.seconds is not None:
        return None
    return config.generation.simulations if parsed.simulations is None else parsed.simulations


def _budget(parsed: PlayerWord, simulations: int | None) -> str:
    if simulations is None:
        return f"@{parsed.seconds:g}s"
    return f"@{simulations}" if simulations else "policy"


def _settings(parsed: PlayerWord, config: Config, has_network: bool) -> str:
    """JSON of what else decides the moves and differs from BASELINE; "" where nothing does."""
    values: dict[str, Any] = {}
    if _simulations(parsed, config) != 0 and parsed.name != _ROLLOUTS:
        values = search_values(config.search, by_clock=parsed.seconds is not None)
    precision = parsed.precision or config.network.precision
    if has_network and precision != "auto":
        values["precision"] = precision
    if parsed.name == FRESH:
        model = config.models[config.generation.model_type].model_dump(mode="json", by_alias=True)
        if model != BASELINE_MODELS.get(config.generation.model_type):
            values["model"] = model
    return _as_text(values)


def search_values(search: SearchSettings, by_clock: bool) -> dict[str, Any]:
    """The settings of a search that decide moves in a match and differ from BASELINE."""
    unused = _without_effect(by_clock)
    values = search.model_dump(mode="json")
    return {
        key: value
        for key, value in values.items()
        if key not in unused and not (key in BASELINE and BASELINE[key] == value)
    }


def _without_effect(by_clock: bool) -> frozenset[str]:
    return frozenset(NOT_PLAY) if by_clock else frozenset(NOT_PLAY) | frozenset(BY_CLOCK_ONLY)


def _as_text(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True) if values else ""
