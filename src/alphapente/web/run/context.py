"""The server's state behind the Run room: snapshots of runs, start and stop requests, curves, the doctor."""

from typing import Annotated, Literal, cast

from fastapi import Depends, Query, Request

from alphapente.config import Variant
from alphapente.rules.game import Game
from alphapente.rules.notation import parse_point
from alphapente.rules.position import stones
from alphapente.web.database import records_of
from alphapente.web.games import GamesReader
from alphapente.web.run.configs import Configs, Named
from alphapente.web.run.control import Control
from alphapente.web.run.curves import Curves
from alphapente.web.run.doctor import Doctor
from alphapente.web.run.schemas import BoardsAnswer, BoardView, RunGame
from alphapente.web.run.watch import Run, Watch, read_run
from alphapente.web.schemas import LiveGame
from alphapente.web.views import names


class RunContext:
    """The state of the Run room in one running server."""

    def __init__(self, configs: Configs, control: Control | None = None) -> None:
        self.configs = configs
        self.control = control or Control()
        self.watch = Watch(self.control, configs)
        self.curves = Curves()
        self.doctor = Doctor()


def run_context_of(request: Request) -> RunContext:
    """The RunContext of the app that received a request."""
    return cast(RunContext, request.app.state.run_context)


RunContextOf = Annotated[RunContext, Depends(run_context_of)]


def config_of(
    context: RunContextOf,
    config: Annotated[str | None, Query(max_length=64, description="One of GET /configs.")] = None,
) -> Named:
    """The configuration that a request names, else the default."""
    return context.configs.default() if config is None else context.configs.named(config)


ConfigOf = Annotated[Named, Depends(config_of)]


def run_of(one: ConfigOf) -> Run:
    """The run of the configuration that a request names."""
    return read_run(one)


RunOf = Annotated[Run, Depends(run_of)]


def newest_games(run: Run, limit: int, before: int | None) -> list[RunGame]:
    """Up to `limit` games of the run's variant in its database, newest first; none if there is no database."""
    with records_of(run.config) as store:
        games = [] if store is None else store.page_of_games(limit, before, run.config.game.variant, None)
        return [
            RunGame(
                id=game.game_id,
                variant=cast("Variant", game.variant),
                board_size=game.board_size,
                moves=names(game.moves, game.board_size),
                winner=cast("Literal[0, 1, 2] | None", game.winner),
                won_by=game.won_by,
                created_at=game.created_at,
                model_type=game.model_type,
                step=game.network_step,
            )
            for game in games
        ]


def boards(run: Run) -> BoardsAnswer:
    """The games that a run's self-play plays now."""
    live = GamesReader(run.config).live()
    found = []
    if live.variant is not None and live.board_size is not None:
        found = [_board(game, live.variant, live.board_size) for game in live.games]
    return BoardsAnswer(**live.model_dump(exclude={"games"}), games=found)


def _board(live_game: LiveGame, variant: str, size: int) -> BoardView:
    game = Game.from_moves([parse_point(name, size) for name in live_game.moves], variant, size)
    board = stones(game.position)
    first, second = game.captures
    return BoardView(
        seed=live_game.seed,
        moves=live_game.moves,
        stones={str(p): names((point for point, stone in enumerate(board) if stone == p), size) for p in (1, 2)},
        captured={"1": first // 2, "2": second // 2},
    )
