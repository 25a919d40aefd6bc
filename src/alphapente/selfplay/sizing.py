"""How many players, and how many games at once for each: as configured, or what pays on the device."""

from dataclasses import dataclass

from alphapente.config import Config
from alphapente.errors import RequestError
from alphapente.network.device import Choice, num_cores

RECORDS_A_GAME = 25
"""A low guess of a game's records, to choose how many games to play side by side: more would only wait, unfinished."""

GAMES_ON_CPU = 64
"""Measured, in processor time for an evaluation by `simple`: self-play at 32 takes 4% more, at 96 another 2% less. More
games at once take longer to end."""

GAMES_ON_GPU = 1024
"""A GPU wants batches of a thousand and more."""

MOST_THREADS = 4
"""Threads over one GPU: two keep it busy, more make up for the moves, at which they take turns."""


@dataclass(frozen=True, slots=True)
class CrewSize:
    """So many players (worker processes, or threads over a GPU) of so many games at once, on a device."""

    players: int
    places: int
    device: str
    reason: str
    """Why this device, for the log."""

    def __str__(self) -> str:
        player = "thread" if self.device == "cuda" else "worker"
        return f"{self.players} {player}{'s' * (self.players > 1)}, {self.places:,} games at once in each"


def games_at_once(config: Config, device: str) -> int:
    """`generation.games_per_worker`, or for 0 what pays on the device."""
    return config.generation.games_per_worker or (GAMES_ON_GPU if device == "cuda" else GAMES_ON_CPU)


def crew_size(config: Config, choice: Choice) -> CrewSize:
    """As configured, but no more games than the limits ask for."""
    settings = config.generation
    most = min(num_cores(), MOST_THREADS) if choice.device == "cuda" else num_cores()
    wanted = max(1, settings.record_limit // RECORDS_A_GAME)
    if settings.games is not None:
        wanted = min(wanted, settings.games)
    players = settings.workers or max(1, min(most, wanted // 4))
    places = max(1, min(games_at_once(config, choice.device), -(-wanted // players)))
    return CrewSize(players, places, choice.device, choice.reason)


def require_memory(config: Config, size: CrewSize) -> None:
    """Raises RequestError when trees and remembered positions would need more than the machine's memory."""
    import psutil

    from alphapente.search.cache import cache_bytes
    from alphapente.search.forest import most_nodes
    from alphapente.search.tree import tree_bytes

    games, simulations = size.players * size.places, config.generation.simulations
    points, remembered = config.game.board_size**2, config.search.cached_positions
    needed = games * tree_bytes(most_nodes(simulations), points) + size.players * cache_bytes(remembered, points)
    total = psutil.virtual_memory().total
    if needed > total:
        raise RequestError(
            f"{games:,} games at once at {simulations:,} simulations may need {needed / 2**30:,.0f} GiB for "
            f"their trees and {remembered:,} remembered positions a worker, and this machine has "
            f"{total / 2**30:,.0f}: lower generation.games_per_worker (now {size.places:,}), generation.workers, "
            "generation.simulations or search.cached_positions"
        )
