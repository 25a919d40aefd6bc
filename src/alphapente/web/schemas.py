"""What the API takes and gives: the shapes of its JSON.

Points are names ("K10"), players 1 and 2, and every `value` is in [-1, 1] as player 1 sees it.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alphapente.config import Variant
from alphapente.rules.position import MAX_PLIES, MAX_SIZE, MIN_SIZE

PointName = Annotated[str, Field(min_length=2, max_length=3, examples=["K10"])]
NetworkId = Annotated[str, Field(min_length=1, max_length=200, description="One of GET /networks.")]
Player = Literal[1, 2]


class RequestModel(BaseModel):
    """Something that we take: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ResponseModel(BaseModel):
    """Something that we give."""

    model_config = ConfigDict(frozen=True)


class Error(ResponseModel):
    """What went wrong: a code for programs, a line for people."""

    code: str
    message: str


class ErrorAnswer(ResponseModel):
    """The answer to every request that fails."""

    error: Error


# The game


class GameMoves(RequestModel):
    """A game: its rules, its board, its moves so far."""

    variant: Variant = "pente"
    board_size: int = Field(MAX_SIZE, ge=MIN_SIZE, le=MAX_SIZE)
    moves: list[PointName] = Field(default_factory=list, max_length=MAX_PLIES)


class VariantInfo(ResponseModel):
    """A variant of the game."""

    name: str
    title: str
    opening_rule: str


class StrengthInfo(ResponseModel):
    """How strongly the engine may be asked to play."""

    id: str
    title: str
    simulations: int = Field(description="Simulations a move; 0: the network alone.")


class Defaults(ResponseModel):
    """What a new page begins with."""

    variant: str
    board_size: int
    network: str
    strength: str


class Limits(ResponseModel):
    """What may be asked for at most."""

    simulations: int
    seconds: float
    searches: int
    body_bytes: int
    plies: int = MAX_PLIES


class Meta(ResponseModel):
    """What there is to choose from."""

    version: str
    variants: list[VariantInfo]
    board_sizes: list[int]
    default: Defaults
    strengths: list[StrengthInfo]
    limits: Limits


class Forbidden(ResponseModel):
    """An empty point that the opening rule forbids, and why."""

    point: str
    reason: str


class Capture(ResponseModel):
    """A point, and the stones that a stone there would take off."""

    point: str
    takes: list[str]


class Result(ResponseModel):
    """How a game ended: winner 0 is a draw; `line` has the stones of the five."""

    winner: Literal[0, 1, 2]
    by: Literal["five", "captures", "draw", "resignation"]
    line: list[str] = []


class LastMove(ResponseModel):
    """The move played last, and the stones that it took off."""

    point: str
    captured: list[str]


class Threats(ResponseModel):
    """What hangs in the air, as the player to move sees it."""

    wins: list[str] = Field(description="Points where the player to move wins at once.")
    must_answer: list[str] = Field(description="Points where the opponent would win at once if it were his turn.")
    captures: list[Capture] = Field(description="Captures of the player to move.")
    in_danger: list[Capture] = Field(description="Captures that the opponent could make if it were his turn.")


class PositionAnswer(ResponseModel):
    """A position, with all that a board needs to be drawn and played on."""

    to_move: Player
    ply: int
    stones: dict[str, list[str]] = Field(description='Points by player, "1" and "2".')
    captured: dict[str, int] = Field(description="Pairs captured by each player.")
    captured_stones: dict[str, int] = Field(description="Stones captured by each player.")
    stones_to_win: int | None = Field(description="Captured stones that win; null where nothing is captured.")
    forbidden: list[Forbidden]
    legal_count: int
    result: Result | None
    last: LastMove | None
    threats: Threats


# Game texts and stored games


class TextRequest(RequestModel):
    """A game text, as pente.org writes them or as a bare move list."""

    text: str = Field(min_length=1)
    variant: Variant = Field("pente", description="Where the text names none.")
    board_size: int = Field(MAX_SIZE, ge=MIN_SIZE, le=MAX_SIZE, description="Where the text names none.")


class ParsedGame(ResponseModel):
    """A game read from text. `comments` are by ply: "0" is what was said before the first move."""

    headers: dict[str, str]
    variant: str
    board_size: int
    moves: list[str]
    comments: dict[int, str]
    notes: list[str] = Field(description="What the reader skipped, such as variations: one sentence each.")
    result: Literal["1-0", "0-1", "1/2-1/2"] | None


class FormatRequest(GameMoves):
    """A game to be written as text."""

    comments: dict[int, Annotated[str, Field(max_length=2_000)]] = {}
    headers: dict[str, Annotated[str, Field(max_length=500)]] = Field(default={}, max_length=64)
    result: Literal["1-0", "0-1", "1/2-1/2"] | None = Field(None, description="Where the board does not tell it.")


class TextAnswer(ResponseModel):
    """A game text."""

    text: str


class MadeBy(ResponseModel):
    """How a stored game came to be."""

    model_type: str
    step: int
    seed: str = Field(description="Its own seed, a whole number: too long a one for JavaScript.")
    simulations: int


class GameSummary(ResponseModel):
    """A game in the database, without its moves."""

    id: int
    variant: str
    board_size: int
    plies: int
    winner: Literal[0, 1, 2] | None
    won_by: str
    created_at: int = Field(description="Seconds since 1970, UTC.")
    source: Literal["selfplay", "import"]
    made_by: MadeBy


class StoredGameAnswer(GameSummary):
    """A game in the database."""

    moves: list[str]
    headers: dict[str, str]
    comments: dict[int, str] = Field(description="Of an imported game, by the number of moves before them.")
    random_plies: list[int] = Field(description="Plies (0 is the first move) played at random.")
    opening_plies: int


class LiveGame(ResponseModel):
    """A game in play now."""

    seed: str = Field(description="Its own seed, a whole number: too long a one for JavaScript.")
    moves: list[str]


class LiveGames(ResponseModel):
    """Games that self-play has on its boards now; none where nothing runs."""

    variant: str | None
    board_size: int | None
    model_type: str | None
    step: int | None
    updated_at: float | None = Field(description="Seconds since 1970, UTC.")
    games: list[LiveGame]


# Networks


class Rating(ResponseModel):
    """Elo with its 95% interval, and the effort that it was measured with."""

    elo: float
    low: float
    high: float
    simulations: int | None = None


class NetworkInfo(ResponseModel):
    """A network that can be asked; its id is what requests name."""

    id: str
    title: str
    kind: Literal["shipped", "checkpoint", "history"]
    model_type: str
    step: int
    rating: Rating | None
    default: bool


# Searches


class SearchRequest(GameMoves):
    """A position to search, with a budget: `simulations`, `seconds` (or the first of both), or to play a `strength`."""

    network: NetworkId | None = Field(None, description="One of GET /networks; the default one where left out.")
    simulations: int | None = Field(None, ge=1)
    seconds: float | None = Field(None, gt=0)
    strength: str | None = Field(None, max_length=40, description="An id of GET /meta; for purpose play.")
    purpose: Literal["play", "analyse"] = "analyse"
    every_ms: int = Field(250, ge=50, le=60_000, description="How often progress is told, in milliseconds.")

    @model_validator(mode="after")
    def _one_budget(self) -> "SearchRequest":
        if self.strength is not None and (self.simulations is not None or self.seconds is not None):
            raise ValueError("strength and simulations or seconds were both given: choose one of them")
        if self.strength is not None and self.purpose != "play":
            raise ValueError("a strength is for purpose play: give simulations or seconds to analyse")
        return self


class Share(ResponseModel):
    """A point's share, 0 to 1."""

    point: str
    share: float


class Candidate(ResponseModel):
    """A move that the search looked at: `line` begins with the move itself."""

    point: str
    visits: int
    policy: float = Field(description="Its share by the search, 0 to 1.")
    value: float
    line: list[str]


class Forced(ResponseModel):
    """A forced win found by the threat solver: `line` is the whole of it, `winner`'s moves and the best replies."""

    winner: Player
    plies: int
    line: list[str]


class SearchView(ResponseModel):
    """How far a search is, and what it thinks."""

    simulations: int
    simulations_per_s: float
    elapsed_s: float
    value: float
    proven: Literal["win", "loss", "draw"] | None = Field(description="Certain for the player to move.")
    best: str
    policy: list[Share] = Field(description="The network's own, from 0.1%, largest first.")
    visits: list[Share]
    candidates: list[Candidate] = Field(description="Best first, up to ten.")
    forced: Forced | None


class Queued(ResponseModel):
    """A search was accepted; so many others share the machine with it."""

    ahead: int


# Review


class ReviewRequest(RequestModel):
    """A game to look over: a text, or a variant, board and moves."""

    text: str | None = None
    variant: Variant = "pente"
    board_size: int = Field(MAX_SIZE, ge=MIN_SIZE, le=MAX_SIZE)
    moves: list[PointName] | None = Field(None, max_length=MAX_PLIES)
    network: NetworkId | None = None
    simulations: int = Field(200, ge=1)

    @model_validator(mode="after")
    def _one_game(self) -> "ReviewRequest":
        if (self.text is None) == (self.moves is None):
            raise ValueError("give either a text or moves")
        return self


Verdict = Literal["good", "inaccuracy", "mistake", "blunder", "missed win"]


class ReviewedMove(ResponseModel):
    """The engine's opinion of a move; `ply` 1 is the first one, `loss` how much of the mover's value it gave away."""

    ply: int
    move: str
    value_before: float
    value_after: float
    best: str = Field(description="The engine's move there.")
    best_line: list[str]
    loss: float = Field(ge=0)
    verdict: Verdict
    comment: str


class ReviewDone(ResponseModel):
    """The end of a review. Accuracy in percent by player, null for one without a move of his own."""

    accuracy: dict[str, float | None]
