"""A match's result as rows in the database: who the players were, exactly, and every game."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from alphapente.arena.lineup import ENGINE, WITHOUT_BUDGET, PlayerWord, parse_player
from alphapente.config import Config
from alphapente.records.model import Match, MatchGame, PlayerIdentity, Purpose

if TYPE_CHECKING:
    from alphapente.arena.match import MatchReport
    from alphapente.network.checkpoint import Checkpoint
    from alphapente.records.store import Store

_NOT_PLAY = {"cached_positions", "noise_concentration", "tree_reuse", "virtual_loss"}
"""Keys of `search` that do not change a match's moves, or do so only in self-play."""
_BY_CLOCK = {"tree_reuse", "virtual_loss"}
"""Those of them that do where a move has so many seconds: see `ClockPlayer`."""


def identify(word: str, config: Config, seed: int = 0) -> PlayerIdentity:
    """Who a player of the arena is: `word` is what `make_player` made it of, with this configuration and seed.

    A checkpoint is known by its weights, whatever its file is called; an engine by its command; a reference by its
    name. To these come the budget and the settings that decide how it plays. Raises RequestError for a wrong word,
    CheckpointError for a checkpoint that cannot be read.
    """
    told = parse_player(word)
    if word.startswith(ENGINE):
        return PlayerIdentity(word.removeprefix(ENGINE), "engine")
    if not told.policy and told.name in WITHOUT_BUDGET:
        return PlayerIdentity(told.name, "reference")
    if Path(told.name).is_file():
        from alphapente.network import checkpoint

        return of_checkpoint(checkpoint.read(Path(told.name)), told, config)
    simulations = _simulations(told, config)
    fresh = told.name == "fresh"
    model_type = config.generation.model_type
    return PlayerIdentity(
        name=(f"fresh {model_type} of seed {seed} " if fresh else told.name) + _budget(told, simulations),
        kind="reference",
        settings=_settings(told, config, has_network=fresh),
        model_type=model_type if fresh else None,
        network_step=0 if fresh else None,
        simulations=simulations,
        seconds=told.seconds,
    )


def of_checkpoint(stored: "Checkpoint", told: PlayerWord, config: Config) -> PlayerIdentity:
    """Who a checkpoint is as a player, with the budget and the precision of its word."""
    from alphapente.network.checkpoint import weights_digest

    simulations = _simulations(told, config)
    return PlayerIdentity(
        name=f"{stored.model_type} step {stored.step} {_budget(told, simulations)}",
        kind="checkpoint",
        digest=weights_digest(stored),
        settings=_settings(told, config, has_network=True),
        model_type=stored.model_type,
        network_step=stored.step,
        simulations=simulations,
        seconds=told.seconds,
    )


def _simulations(told: PlayerWord, config: Config) -> int | None:
    """Simulations a move: 0 without search, None where seconds are the budget."""
    if told.policy:
        return 0
    if told.seconds is not None:
        return None
    return config.generation.simulations if told.simulations is None else told.simulations


def _budget(told: PlayerWord, simulations: int | None) -> str:
    if simulations is None:
        return f"@{told.seconds:g}s"
    return f"@{simulations}" if simulations else "policy"


def _settings(told: PlayerWord, config: Config, has_network: bool) -> str:
    """JSON of what else decides the moves and differs from its default; "" where nothing does."""
    values = {}
    if _simulations(told, config) != 0:
        exclude = _NOT_PLAY if told.seconds is None else _NOT_PLAY - _BY_CLOCK
        values = config.search.model_dump(mode="json", exclude_defaults=True, exclude=exclude)
    precision = told.precision or config.network.precision
    if has_network and precision != "auto":
        values["precision"] = precision
    return json.dumps(values, sort_keys=True) if values else ""


def store_match(
    store: "Store",
    report: "MatchReport",
    players: tuple[PlayerIdentity, PlayerIdentity],
    purpose: Purpose,
    settings_id: int | None = None,
) -> int:
    """Stores the match that `play_match` reports, between players A and B; returns its id. Raises DatabaseError."""
    games = tuple(
        MatchGame(
            first=cast(Literal["a", "b"], game.first),
            moves=tuple(game.moves),
            opening_plies=game.opening_plies,
            winner=game.winner,
            won_by=game.won_by,
        )
        for game in report.games
    )
    match = Match(*players, report.variant, report.size, report.seed, purpose, games, settings_id)
    return store.add_match(match)
