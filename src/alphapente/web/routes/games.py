"""Games as text, from the database, and in play."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from alphapente.config import Variant
from alphapente.rules.gametext import GameText, read_game, write_game
from alphapente.rules.position import MAX_SIZE, MIN_SIZE
from alphapente.web.parts import PartsOf
from alphapente.web.schemas import (
    FormatRequest,
    GameSummary,
    LiveGames,
    ParsedGame,
    StoredGameAnswer,
    TextAnswer,
    TextRequest,
)
from alphapente.web.views import names, played

router = APIRouter(prefix="/games", tags=["games"])

_MAX_ID = 2**63 - 1


@router.post("/parse")
def parse(asked: TextRequest) -> ParsedGame:
    """Parses a game text, with headers or as a bare move list, and checks its moves by the rules."""
    return parsed(read_game(asked.text, asked.variant, asked.board_size))


def parsed(text: GameText) -> ParsedGame:
    """A game text as the API's response."""
    return ParsedGame.model_validate(
        {
            "headers": text.headers,
            "variant": text.variant,
            "board_size": text.size,
            "moves": names(text.moves, text.size),
            "comments": text.comments,
            "notes": text.notes,
            "result": text.result,
        }
    )


@router.post("/format")
def format_(asked: FormatRequest) -> TextAnswer:
    """Writes a game as pente.org text, with comments in braces after their moves."""
    game = played(asked)
    text = GameText(dict(asked.headers), game.moves, asked.result, game.variant, game.size, dict(asked.comments))
    return TextAnswer(text=write_game(text))


@router.get("")
def newest(
    parts: PartsOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
    before: Annotated[int | None, Query(ge=0, le=_MAX_ID, description="Only games older than this id.")] = None,
    variant: Variant | None = None,
    board_size: Annotated[int | None, Query(ge=MIN_SIZE, le=MAX_SIZE)] = None,
) -> list[GameSummary]:
    """The games in the database, newest first."""
    return parts.games.newest(limit, before, variant, board_size)


@router.get("/live")
def live(parts: PartsOf) -> LiveGames:
    """The games that self-play plays now."""
    return parts.games.live()


@router.get("/{game_id}")
def one(parts: PartsOf, game_id: Annotated[int, Path(ge=0, le=_MAX_ID)]) -> StoredGameAnswer:
    """One game of the database."""
    return parts.games.one(game_id)
