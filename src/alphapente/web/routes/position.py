"""The available choices, and positions."""

from typing import cast

from fastapi import APIRouter

from alphapente import __version__
from alphapente.config import Variant
from alphapente.rules.gametext import GAME_NAMES
from alphapente.rules.position import MAX_SIZE, MIN_SIZE
from alphapente.web.parts import Parts, PartsOf
from alphapente.web.schemas import (
    Defaults,
    GameMoves,
    Limits,
    Meta,
    PositionAnswer,
    StrengthInfo,
    VariantInfo,
)
from alphapente.web.strengths import DEFAULT_STRENGTH, STRENGTHS
from alphapente.web.views import played, view_position

router = APIRouter(tags=["game"])

_TOURNAMENT = "Player 1's first stone is on the centre, the second outside the 5x5 around it."
_OPENING_RULES = {
    "gomoku": "Free: no point is forbidden.",
    "gpente": f"{_TOURNAMENT[:-1]}, and not 3 or 4 points from the centre on its row or column.",
}


@router.get("/meta")
def meta(parts: PartsOf) -> Meta:
    """The variants, board sizes, strengths and limits, and the initial choices of the page."""
    return Meta(
        version=__version__,
        variants=[
            VariantInfo(name=cast("Variant", name), title=title, opening_rule=_OPENING_RULES.get(name, _TOURNAMENT))
            for name, title in GAME_NAMES.items()
        ],
        board_sizes=list(range(MIN_SIZE, MAX_SIZE + 1)),
        default=Defaults(
            variant=parts.config.game.variant,
            board_size=parts.config.game.board_size,
            network=parts.networks.default_id(),
            strength=DEFAULT_STRENGTH,
        ),
        strengths=[StrengthInfo(id=one.id, title=one.title, simulations=one.simulations) for one in STRENGTHS],
        limits=_limits(parts),
    )


def _limits(parts: Parts) -> Limits:
    web = parts.config.web
    return Limits(
        simulations=web.max_simulations,
        seconds=web.max_seconds,
        searches=web.max_searches,
        body_bytes=web.max_body_bytes,
    )


@router.post("/position")
def position(asked: GameMoves) -> PositionAnswer:
    """The position after the moves: stones, captures, forbidden points, threats, and how the game ended."""
    return view_position(played(asked))
