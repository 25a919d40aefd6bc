"""The number of workers and of games at once in each: as configured, or chosen for the device."""

from dataclasses import dataclass

from alphapente.config import Config
from alphapente.errors import RequestError
from alphapente.network.device import Choice, num_cores

RECORDS_A_GAME = 25
"""A low estimate of a game's records. It limits the games at once: further games would not finish in a generation."""

GAMES_ON_CPU = 64
"""Measured, processor time per evaluation by `simple`: self-play with 32 games takes 4% more, with 96 another 2% less.
With more games at once, each takes longer to end."""

GAMES_ON_GPU = 1024
"""A GPU needs batches of a thousand or more."""

MOST_THREADS = 4
"""Threads over one GPU: two keep it busy, more compensate for the moves, which hold the interpreter lock."""


@dataclass(frozen=True, slots=True)
class PoolSize:
    """The number of workers (processes, or threads over a GPU), the games at once in each, and the device."""

    workers: int
    games: int
    device: str
    reason: str
    """Why this device, for the log."""

    def __str__(self) -> str:
        title = "thread" if self.device == "cuda" else "worker"
        return f"{self.workers} {title}{'s' * (self.workers > 1)}, {self.games:,} games at once in each"


def games_at_once(config: Config, device: str) -> int:
    """`generation.games_per_worker`, or if that is 0 the default of the device."""
    return config.generation.games_per_worker or (GAMES_ON_GPU if device == "cuda" else GAMES_ON_CPU)


def pool_size(config: Config, choice: Choice) -> PoolSize:
    """As configured, but no more games than the limits need."""
    settings = config.generation
    most = min(num_cores(), MOST_THREADS) if choice.device == "cuda" else num_cores()
    wanted = max(1, settings.record_limit // RECORDS_A_GAME)
    if settings.games is not None:
        wanted = min(wanted, settings.games)
    workers = settings.workers or max(1, min(most, wanted // 4))
    games = max(1, min(games_at_once(config, choice.device), -(-wanted // workers)))
    return PoolSize(workers, games, choice.device, choice.reason)


def require_memory(config: Config, size: PoolSize) -> None:
    """Raises RequestError if trees and cached evaluations would need more than the machine's memory."""
    import psutil

    from alphapente.search import cache_bytes, most_nodes, tree_bytes

    games, simulations = size.workers * size.games, config.generation.simulations
    points, cached = config.game.board_size**2, config.search.cached_positions
    needed = games * tree_bytes(most_nodes(simulations), points) + size.workers * cache_bytes(cached, points)
    total = psutil.virtual_memory().total
    if needed > total:
        raise RequestError(
            f"{games:,} games at once at {simulations:,} simulations may need {needed / 2**30:,.0f} GiB for "
            f"their trees and {cached:,} cached positions per worker, and this machine has "
            f"{total / 2**30:,.0f}: lower generation.games_per_worker (now {size.games:,}), generation.workers, "
            "generation.simulations or search.cached_positions"
        )
