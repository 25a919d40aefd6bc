"""How much each search of a game is worth: its simulations, its noise, and how much its policy target will count.

Most moves need no full search to be played well, and a policy target needs one more than a value does (playout-cap
randomization: Wu 2019, section 3.1). Where a game is decided there is less to learn (KataGo's `reduceVisits`), and
where it is proven, nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alphapente.config import GenerationSettings
from alphapente.records.model import SearchRecord
from alphapente.search.forest import Exploration
from alphapente.search.noise import falling
from alphapente.selfplay.game import GameInPlay


@dataclass(frozen=True, slots=True)
class Effort:
    """What a search may cost and what becomes of it. `policy_weight` None: it is not recorded."""

    simulations: int
    exploration: Exploration
    policy_weight: float | None


UNRECORDED_LOOK = Effort(1, Exploration(), None)
"""Shows a position to the network, and no more."""


def temperature_at(settings: GenerationSettings, ply: int) -> float:
    """The move temperature at a ply: from `mcts_temperature` half-way to `temperature_final` each half-life."""
    final = min(settings.temperature_final, settings.mcts_temperature)
    return falling(settings.mcts_temperature, final, settings.temperature_half_life, ply)


def effort_at(game: GameInPlay, settings: GenerationSettings) -> Effort:
    """The effort of the search of the game's current position; draws from the game's generator.

    The winner of a proven game searches in full (a proof found again ends the search at once), so that he does win.
    """
    if game.opening_left:
        return UNRECORDED_LOOK
    if game.proven_winner:
        wins = int(game.position["to_move"]) == game.proven_winner
        return Effort(settings.simulations, Exploration(), None) if wins else UNRECORDED_LOOK
    cheap = min(settings.cheap_simulations, settings.simulations)
    temperature = temperature_at(settings, len(game.moves))
    decided = decidedness(game.records, settings)
    if settings.full_search_share < 1.0 and game.rng.random() >= settings.full_search_share:
        return Effort(cheap, Exploration(0.0, temperature), 0.0)
    simulations = round(settings.simulations + decided * (cheap - settings.simulations))
    weight = 1.0 + decided * (settings.decided_weight - 1.0)
    return Effort(simulations, Exploration(settings.mcts_random, temperature), weight)


def decidedness(records: Sequence[SearchRecord], settings: GenerationSettings) -> float:
    """0 for a game that is open to 1 for one that is wholly decided, by the last `decided_turns` searched values.

    The square of how far, between `decided_value` and 1, the least of them lies that are all for the same player
    (KataGo, `reduceVisits`).
    """
    last = records[-settings.decided_turns :]
    if settings.decided_value >= 1.0 or len(last) < settings.decided_turns:
        return 0.0
    values = [record.search_value if record.to_move == 1 else -record.search_value for record in last]
    least = max(min(values), -max(values))
    return max(0.0, (least - settings.decided_value) / (1.0 - settings.decided_value)) ** 2
