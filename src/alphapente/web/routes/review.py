"""The review of a game, streamed move by move."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from alphapente.rules.game import Game
from alphapente.rules.gametext import GameText, read_game, result_of
from alphapente.rules.notation import parse_point
from alphapente.web.errors import WebError
from alphapente.web.networks import Loaded
from alphapente.web.parts import Parts, PartsOf
from alphapente.web.reviewing import accuracy, review_move
from alphapente.web.routes.analysis import check_simulations
from alphapente.web.routes.games import parsed
from alphapente.web.schemas import GameMoves, ReviewDone, ReviewedMove, ReviewEvents, ReviewRequest
from alphapente.web.searches import Search, SearchSnapshot, SearchSpec
from alphapente.web.streams import EventStream, Mailbox, described, event
from alphapente.web.views import played

router = APIRouter(tags=["searches"])

SHARE_OF_SEARCHES = 4
"""A review uses at most the allowed searches divided by this number; the rest remain for other clients."""
_BUSY_WAIT_S = 0.2
"""Wait until a search is tried again after too many were active."""


@router.post("/review", response_class=StreamingResponse, responses=described(ReviewEvents))
async def review(asked: ReviewRequest, parts: PartsOf) -> EventStream:
    """Searches every position of a game and reports the value that each move lost."""
    check_simulations(asked.simulations, parts.config.web.max_simulations)
    game_text = await run_in_threadpool(_requested_game, asked)
    network = await run_in_threadpool(lambda: parts.networks.load(parts.networks.find(asked.network)))
    reviewer = _Reviewer(parts, network, asked.simulations, game_text)
    return EventStream(reviewer.events(), reviewer.stop)


def _requested_game(asked: ReviewRequest) -> GameText:
    """The game of a request, with its moves checked."""
    if asked.text is not None:
        game_text = read_game(asked.text, asked.variant, asked.board_size)
    else:
        moves = asked.moves or []
        game = played(GameMoves(variant=asked.variant, board_size=asked.board_size, moves=moves))
        points = [parse_point(name, game.size) for name in moves]
        game_text = GameText({}, points, result_of(game.position), game.variant, game.size)
    if not game_text.moves:
        raise WebError(400, "no_moves", "the game has no moves: there is nothing to review")
    return game_text


class _Reviewer:
    """One review. Several searches are active at once, so that no core waits; events follow the order of the moves."""

    def __init__(self, parts: Parts, network: Loaded, simulations: int, game_text: GameText) -> None:
        self._parts = parts
        self._network = network
        self._simulations = simulations
        self._game_text = game_text
        self._searches: list[Search] = []
        share = parts.config.web.max_searches // SHARE_OF_SEARCHES
        self._at_once = max(1, min(parts.engines.num_threads, share))

    def stop(self) -> None:
        """Ends all searches of the review."""
        for search in self._searches:
            search.cancel()

    async def events(self) -> AsyncIterator[str]:
        """The events of the stream."""
        yield event("game", parsed(self._game_text))
        asked: deque[tuple[Game, Mailbox[SearchSnapshot | Exception] | None]] = deque()
        moves: list[ReviewedMove] = []
        before: SearchSnapshot | None = None
        num_moves, next_ply = len(self._game_text.moves), 0
        while len(moves) < num_moves:
            while len(asked) < self._at_once and next_ply <= num_moves:
                game = await run_in_threadpool(self._after, next_ply)
                asked.append((game, await self._ask(game)))
                next_ply += 1
            game, mailbox = asked.popleft()
            snapshot = None if mailbox is None else await _finished(mailbox)
            if before is not None:
                moves.append(await run_in_threadpool(review_move, game, before, snapshot))
                yield event("move", moves[-1])
            before = snapshot
        accuracies = {str(player): accuracy(moves, player) for player in (1, 2)}
        yield event("done", ReviewDone(accuracy=accuracies))

    def _after(self, plies: int) -> Game:
        text = self._game_text
        return Game.from_moves(text.moves[:plies], text.variant, text.size)

    async def _ask(self, game: Game) -> Mailbox[SearchSnapshot | Exception] | None:
        """Starts the search of a position; None if the game is over."""
        if game.winner is not None:
            return None
        mailbox: Mailbox[SearchSnapshot | Exception] = Mailbox()
        spec = SearchSpec(self._network, game, self._simulations, every_s=3600.0, reuse=False)
        while True:
            try:
                search, _ = self._parts.engines.submit(spec, mailbox.put)
            except WebError as error:
                if error.status != 429:
                    raise
                await asyncio.sleep(_BUSY_WAIT_S)
                continue
            self._searches.append(search)
            return mailbox


async def _finished(mailbox: Mailbox[SearchSnapshot | Exception]) -> SearchSnapshot:
    report = await mailbox.get()
    if isinstance(report, Exception):
        raise report
    return report
