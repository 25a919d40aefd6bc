"""The settings of the search that decide a player's moves in a match. They are part of its identity.

An identity lists the settings that differ from BASELINE, which never changes: if a default in `config` changes, a
stored identity still means the values of its matches, and a player with the new value is a new player.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from alphapente.config import SearchSettings
from alphapente.records.model import PlayerIdentity

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
"""Keys of `search` that decide moves, each with the value of an identity without this key. Never change a value here.

A new key of `search` gets the value with which players move as before it existed.
"""

NOT_PLAY: Mapping[str, str] = {
    "cached_positions": "a cached evaluation equals, number by number, what the network would compute",
    "noise_concentration": "players of a match search without noise",
    "noise_shaped": "players of a match search without noise",
    "root_policy_temperature": "it applies only where there is noise",
    "root_policy_temperature_final": "it applies only where there is noise",
    "root_policy_temperature_half_life": "it applies only where there is noise",
    "forced_playouts": "it applies only where there is noise",
}
"""Keys of `search` that cannot change a move in a match, each with the reason."""

BY_CLOCK_ONLY: Mapping[str, str] = {
    "leaves_at_once": "with simulations each position has one place of the batch",
    "virtual_loss": "with simulations a tree has one leaf in flight",
    "tree_reuse": "with simulations each position gets a new tree",
}
"""Keys of BASELINE that decide moves only with a time limit, each with the reason."""

BASELINE_MODELS: Mapping[str, Mapping[str, object]] = {
    "simple": {"class": "alphapente.network.models:Simple", "channels": 64, "layers": 3, "stem_kernel": 3},
    "resnet": {"class": "alphapente.network.models:Resnet", "channels": 64, "blocks": 6, "stem_kernel": 3},
}
"""The models of `fresh` if the identity has no model. Never change a value here."""

ROLLOUTS = "rollouts"


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


def as_text(values: Mapping[str, Any]) -> str:
    """The settings of an identity: JSON, "" for none."""
    return json.dumps(values, sort_keys=True) if values else ""


def canonical_identity(identity: PlayerIdentity) -> PlayerIdentity:
    """The identity as `player_identity` returns it now.

    Older versions stored settings that decide no move; they are removed.
    """
    if not identity.settings:
        return identity
    try:
        values = json.loads(identity.settings)
    except ValueError:
        return identity
    if not isinstance(values, dict):
        return identity
    if identity.name.startswith(ROLLOUTS + "@") and identity.kind == "reference":
        values = {}
    unused = _without_effect(by_clock=identity.seconds is not None)
    return replace(identity, settings=as_text({key: value for key, value in values.items() if key not in unused}))
