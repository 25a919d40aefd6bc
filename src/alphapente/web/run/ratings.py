"""Ratings for the Run room: all players of the stored matches, and the place of the run's networks in the run."""

from functools import lru_cache
from pathlib import Path

from alphapente.arena.ratings.ratings import RatedPlayer, rate_matches, warnings
from alphapente.config import Config
from alphapente.errors import AlphaPenteError, RequestError
from alphapente.events import KeptNetwork
from alphapente.network.paths import HISTORY
from alphapente.pipeline.history import end_to_end, read_history
from alphapente.web.database import open_records
from alphapente.web.run.schemas import RatedView, RatingsAnswer


def ratings(config: Config, board_size: int) -> RatingsAnswer:
    """The ratings on one board size. Raises DatabaseError for a database that cannot be read."""
    variant = config.game.variant
    try:
        with open_records(config) as store:
            found = rate_matches(store.matches(variant, board_size), variant, board_size)
    except RequestError as error:  # no database, or no matches in it
        return RatingsAnswer(
            variant=variant,
            board_size=board_size,
            games=0,
            first_player_elo=None,
            players=[],
            warnings=[],
            message=str(error),
        )
    kept = _by_digest(config.pipeline.checkpoint_folder)
    return RatingsAnswer(
        variant=variant,
        board_size=board_size,
        games=found.games,
        first_player_elo=found.fit.first_player_elo,
        players=[_view(player, found.anchors, kept.get(player.identity.digest)) for player in found.players],
        warnings=warnings(found),
        message="",
    )


def _view(player: RatedPlayer, anchors: dict[str, float], kept: KeptNetwork | None) -> RatedView:
    identity = player.identity
    return RatedView(
        name=player.label,
        kind=identity.kind,
        elo=player.elo,
        low=player.low,
        high=player.high,
        spread=player.spread,
        held=player.label in anchors,
        games=player.games,
        score=player.score,
        simulations=identity.simulations,
        seconds=identity.seconds,
        step=identity.network_step,
        records=kept.records if kept else None,
        elapsed_s=kept.elapsed_s if kept else None,
    )


def _by_digest(folder: Path) -> dict[str, KeptNetwork]:
    """The networks that a run has kept, by the digest of their weights, as matches know them."""
    found = {}
    for kept in end_to_end(read_history(folder)):
        path = folder / HISTORY / kept.checkpoint
        try:
            found[_digest(path, path.stat().st_mtime_ns)] = kept
        except (OSError, AlphaPenteError):  # deleted or damaged meanwhile: omitted from the curve
            continue
    return found


@lru_cache(maxsize=4096)
def _digest(path: Path, _written_ns: int) -> str:
    from alphapente.network import checkpoint

    return checkpoint.weights_digest(checkpoint.read(path))
