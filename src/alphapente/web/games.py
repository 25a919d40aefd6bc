"""The games in the database and those in play. Each request reads them again: other processes add games."""

from typing import Any, cast

from alphapente.config import Config, Variant
from alphapente.pipeline.run_view import view_run
from alphapente.records.model import StoredGame
from alphapente.web.database import records_of
from alphapente.web.errors import WebError
from alphapente.web.schemas import GameSummary, LiveGame, LiveGames, MadeBy, StoredGameAnswer
from alphapente.web.views import names


class GamesReader:
    """The games of the configured database, and of the configured run."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def newest(
        self, limit: int, before_id: int | None, variant: str | None, board_size: int | None
    ) -> list[GameSummary]:
        """Up to `limit` games, newest first; none if there is no database."""
        with records_of(self._config) as store:
            if store is None:
                return []
            return [
                GameSummary(**_summary(game)) for game in store.page_of_games(limit, before_id, variant, board_size)
            ]

    def one(self, game_id: int) -> StoredGameAnswer:
        """The game of this id. Raises WebError if there is none."""
        with records_of(self._config) as store:
            game = None if store is None else store.game(game_id)
        if game is None:
            raise WebError(404, "no_game", f"there is no game {game_id}: choose an id that GET /api/v1/games has")
        return StoredGameAnswer(
            **_summary(game),
            moves=names(game.moves, game.board_size),
            headers=game.headers,
            comments=game.comments,
            random_plies=list(game.random_plies),
            opening_plies=game.opening_plies,
        )

    def live(self) -> LiveGames:
        """The games that self-play plays now; none if no self-play runs."""
        view = view_run(self._config)
        found = view.games_in_play()
        if found is None:
            return LiveGames(variant=None, board_size=None, model_type=None, step=None, updated_at=None, games=[])
        return LiveGames(
            variant=cast("Variant", found.variant),
            board_size=found.board_size,
            model_type=found.model_type,
            step=found.step,
            updated_at=view.games_at,
            games=[LiveGame(seed=str(seed), moves=names(moves, found.board_size)) for seed, moves in found.games],
        )


def _summary(game: StoredGame) -> dict[str, Any]:
    return {
        "id": game.game_id,
        "variant": game.variant,
        "board_size": game.board_size,
        "plies": len(game.moves),
        "winner": game.winner,
        "won_by": game.won_by,
        "created_at": game.created_at,
        "source": game.source,
        "made_by": MadeBy(
            model_type=game.model_type, step=game.network_step, seed=str(game.seed), simulations=game.simulations
        ),
    }
