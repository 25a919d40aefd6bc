"""The search of one position, streamed while it runs."""

from collections.abc import AsyncIterator
from typing import cast

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from alphapente.rules.game import Game
from alphapente.rules.legality import describe_end
from alphapente.rules.notation import point_name
from alphapente.rules.tactics import DRAWS, LOSES, WINS
from alphapente.web.errors import WebError
from alphapente.web.networks import Loaded
from alphapente.web.parts import Parts, PartsOf
from alphapente.web.schemas import Candidate, Forced, Player, Queued, SearchEvents, SearchRequest, SearchView, Share
from alphapente.web.searches import SearchSnapshot, SearchSpec
from alphapente.web.streams import EventStream, Mailbox, described, event
from alphapente.web.strengths import strength_named
from alphapente.web.views import names, played, rounded

router = APIRouter(tags=["searches"])

DEFAULT_SIMULATIONS = 400
MAX_CANDIDATES = 10
LEAST_SHARE = 0.001
_PROVEN = {WINS: "win", LOSES: "loss", DRAWS: "draw"}


@router.post("/analysis", response_class=StreamingResponse, responses=described(SearchEvents))
async def analysis(asked: SearchRequest, parts: PartsOf) -> EventStream:
    """Searches a position and streams the results, for an analysis or for a move to play.

    The search ends with its budget, or when the client disconnects. The default budget is 400 simulations.
    """
    game = await run_in_threadpool(played, asked)
    require_play(game)
    network = await run_in_threadpool(lambda: parts.networks.load(parts.networks.find(asked.network)))
    mailbox: Mailbox[SearchSnapshot | Exception] = Mailbox()
    search, ahead = parts.engines.submit(_spec_of(asked, game, network, parts), mailbox.put)
    return EventStream(_events(mailbox, ahead), search.cancel)


async def _events(mailbox: Mailbox[SearchSnapshot | Exception], ahead: int) -> AsyncIterator[str]:
    yield event("queued", Queued(ahead=ahead))
    while True:
        report = await mailbox.get()
        if isinstance(report, Exception):
            raise report
        yield event("done" if report.finished else "progress", await run_in_threadpool(view, report))
        if report.finished:
            return


def require_play(game: Game) -> None:
    """Raises WebError if the game is over."""
    if game.winner is not None:
        raise WebError(400, "game_over", f"the game is over: {describe_end(game.position)}; take a move back")


def _spec_of(asked: SearchRequest, game: Game, network: Loaded, parts: Parts) -> SearchSpec:
    """The search of a request. Raises WebError for a budget above the limits."""
    web = parts.config.web
    every_s = asked.every_ms / 1000
    if asked.strength is not None:
        strength = strength_named(asked.strength)
        return SearchSpec(
            network,
            game,
            min(strength.simulations, web.max_simulations),
            analyse=False,
            temperature=strength.temperature,
            every_s=every_s,
        )
    simulations = asked.simulations
    if simulations is None:
        simulations = DEFAULT_SIMULATIONS if asked.seconds is None else web.max_simulations
    check_simulations(simulations, web.max_simulations)
    if asked.seconds is not None and asked.seconds > web.max_seconds:
        raise WebError(
            400, "too_much", f"{asked.seconds:g} seconds: ask for {web.max_seconds:g} at most (web.max_seconds)"
        )
    return SearchSpec(network, game, simulations, asked.seconds, analyse=asked.purpose == "analyse", every_s=every_s)


def check_simulations(simulations: int, most: int) -> None:
    """Raises WebError for more simulations than the settings allow."""
    if simulations > most:
        raise WebError(400, "too_much", f"{simulations:,} simulations: ask for {most:,} at most (web.max_simulations)")


def view(snapshot: SearchSnapshot) -> SearchView:
    """A snapshot as the API's response: points by name, values from the view of player 1."""
    game, result, size = snapshot.game, snapshot.result, snapshot.game.size
    sign = 1.0 if game.to_move == 1 else -1.0
    total = int(result.visits.sum())
    shares = {int(point): int(result.visits[point]) / total for point in result.visits.nonzero()[0]} if total else {}
    policy = {int(point): float(snapshot.policy[point]) for point in (snapshot.policy >= LEAST_SHARE).nonzero()[0]}
    return SearchView(
        simulations=result.simulations,
        simulations_per_s=round(result.simulations / max(snapshot.elapsed_s, 1e-3), 1),
        elapsed_s=round(snapshot.elapsed_s, 3),
        value=rounded(sign * result.value),
        proven=_PROVEN.get(result.proven),  # type: ignore[arg-type]
        best=point_name(result.point, size),
        policy=_largest_first(policy, size),
        visits=_largest_first(shares, size),
        candidates=[
            Candidate(
                point=point_name(one.point, size),
                visits=one.visits,
                policy=rounded(one.policy),
                value=rounded(sign * one.value),
                line=names(one.line, size),
            )
            for one in snapshot.candidates[:MAX_CANDIDATES]
        ],
        forced=None
        if snapshot.forced is None
        else Forced(
            winner=cast(Player, snapshot.forced.winner),
            plies=snapshot.forced.plies,
            line=names(snapshot.forced.line, size),
        ),
    )


def _largest_first(shares: dict[int, float], size: int) -> list[Share]:
    ordered = sorted(shares.items(), key=lambda one: -one[1])
    return [Share(point=point_name(point, size), share=rounded(share)) for point, share in ordered]
