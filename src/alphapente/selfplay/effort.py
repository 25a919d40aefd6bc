"""The effort of each search of a game: its simulations, its noise, and the weight of its policy target.

Most moves are played well without a full search; policy targets need one more than values do (playout cap
randomization: Wu 2019, section 3.1). A decided game teaches less (KataGo's `reduceVisits`), a proven one nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alphapente.config import GenerationSettings
from alphapente.records.model import SearchRecord
from alphapente.search import Exploration, falling
from alphapente.selfplay.game import GameInPlay


@dataclass(frozen=True, slots=True)
class Effort:
    """The simulations and exploration of a search, and its weight in training. `policy_weight` None: not recorded."""

    simulations: int
    exploration: Exploration
    policy_weight: float | None


ONE_EVALUATION = Effort(1, Exploration(), None)
"""Only evaluates the position; nothing is recorded."""


def temperature_at(settings: GenerationSettings, ply: int) -> float:
    """The move temperature at a ply: from `mcts_temperature` half-way to `temperature_final` each half-life."""
    final = min(settings.temperature_final, settings.mcts_temperature)
    return falling(settings.mcts_temperature, final, settings.temperature_half_life, ply)


def effort_at(game: GameInPlay, settings: GenerationSettings) -> Effort:
    """The effort of the search of the game's current position; draws from the game's generator.

    The winner of a proven game searches in full, so that it wins; a proof found again ends the search at once.
    """
    if game.opening_left:
        return ONE_EVALUATION
    if game.proven_winner:
        wins = int(game.position["to_move"]) == game.proven_winner
        return Effort(settings.simulations, Exploration(), None) if wins else ONE_EVALUATION
    cheap = min(settings.cheap_simulations, settings.simulations)
    temperature = temperature_at(settings, len(game.moves))
    decided = decidedness(game.records, settings)
    if settings.full_search_share < 1.0 and game.rng.random() >= settings.full_search_share:
        return Effort(cheap, Exploration(0.0, temperature), 0.0)
    simulations = round(settings.simulations + decided * (cheap - settings.simulations))
    weight = 1.0 + decided * (settings.decided_weight - 1.0)
    return Effort(simulations, Exploration(settings.mcts_random, temperature), weight)


def decidedness(records: Sequence[SearchRecord], settings: GenerationSettings) -> float:
    """From 0 for an open game to 1 for a decided one, by the last `decided_turns` searched values.

    If all of them favour the same player, their minimum is scaled from `decided_value`..1 to 0..1 and squared
    (KataGo, `reduceVisits`).
    """
    last = records[-settings.decided_turns :]
    if settings.decided_value >= 1.0 or len(last) < settings.decided_turns:
        return 0.0
    values = [record.search_value if record.to_move == 1 else -record.search_value for record in last]
    least = max(min(values), -max(values))
    return max(0.0, (least - settings.decided_value) / (1.0 - settings.decided_value)) ** 2
