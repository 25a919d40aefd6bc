"""A match's result as rows in the database: who the players were, exactly, and every game."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from alphapente.config import Config
from alphapente.records.model import Match, MatchGame, PlayerIdentity, Purpose

if TYPE_CHECKING:
    from alphapente.arena.match import MatchReport
    from alphapente.records.store import Store

_WORD = re.compile(r"(?:(?P<precision>fp32|bf16|int8):)?(?P<policy>policy:)?(?P<path>.+?)(?:@(?P<budget>[\d.]+s?))?")
_NOT_PLAY = {"cached_positions", "tree_reuse", "noise_concentration", "virtual_loss"}
"""Keys of `search` that do not change a match's moves, or do so only in self-play."""


def identify(word: str, name: str, config: Config, seed: int = 0) -> PlayerIdentity:
    """Who a player of the arena is: `word` is what named it on the command line, `name` what it calls itself.

    Raises CheckpointError for a checkpoint that cannot be read.
    """
    found = _WORD.fullmatch(word)
    if found is None or not Path(found["path"]).is_file():
        return _without_checkpoint(word, name, config, seed)
    from alphapente.network import checkpoint

    stored = checkpoint.read(Path(found["path"]))
    simulations, seconds = _budget(found["budget"], 0 if found["policy"] else config.generation.simulations)
    budget = "policy" if simulations == 0 else f"@{simulations}" if seconds is None else f"@{seconds:g}s"
    return PlayerIdentity(
        name=f"{stored.model_type} step {stored.step} {budget}",
        kind="checkpoint",
        digest=checkpoint.weights_digest(stored),
        settings=_settings(config, found["precision"], searches=simulations != 0),
        model_type=stored.model_type,
        network_step=stored.step,
        simulations=simulations,
        seconds=seconds,
    )


def _without_checkpoint(word: str, name: str, config: Config, seed: int) -> PlayerIdentity:
    """A reference, a network made from a seed, or an engine."""
    if word == "fresh":
        simulations, model_type = config.generation.simulations, config.generation.model_type
        return PlayerIdentity(
            name=f"fresh {model_type}, seed {seed} @{simulations}",
            kind="reference",
            settings=_settings(config, None, searches=True),
            model_type=model_type,
            network_step=0,
            simulations=simulations,
        )
    if word == "heuristic":
        simulations = config.generation.simulations
        settings = _settings(config, None, searches=True)
        return PlayerIdentity(f"heuristic @{simulations}", "reference", settings=settings, simulations=simulations)
    return PlayerIdentity(word if word == "random" else name, "reference")


def _budget(text: str | None, simulations: int) -> tuple[int | None, float | None]:
    """Simulations and seconds a move, by what stands after the "@" of a player's word."""
    if text is None:
        return simulations, None
    return (None, float(text[:-1])) if text.endswith("s") else (int(text), None)


def _settings(config: Config, precision: str | None, searches: bool) -> str:
    """JSON of what else decides the moves and differs from its default; "" where nothing does."""
    values = config.search.model_dump(mode="json", exclude_defaults=True, exclude=_NOT_PLAY) if searches else {}
    precision = precision or config.network.precision
    if precision != "auto":
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
