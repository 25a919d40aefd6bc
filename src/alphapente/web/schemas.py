"""Request and response models of the API.

Points are names ("K10"), players are 1 and 2, and every `value` is in [-1, 1] from the view of player 1.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alphapente.config import Variant
from alphapente.rules.position import MAX_PLIES, MAX_SIZE, MIN_SIZE

PointName = Annotated[str, Field(min_length=2, max_length=3, examples=["K10"])]
NetworkId = Annotated[str, Field(min_length=1, max_length=200, description="One of GET /networks.")]
Player = Literal[1, 2]


class RequestModel(BaseModel):
    """Base of request models: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ResponseModel(BaseModel):
    """Base of response models: responses have all keys, also those with their defaults."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class Error(ResponseModel):
    """An error: a code for programs and a message for people."""

    code: str
    message: str


class ErrorAnswer(ResponseModel):
    """The response to every request that fails."""

    error: Error


# The game


class GameMoves(RequestModel):
    """A game: its variant, board size and moves."""

    variant: Variant = "pente"
    board_size: int = Field(MAX_SIZE, ge=MIN_SIZE, le=MAX_SIZE)
    moves: list[PointName] = Field(default_factory=list, max_length=MAX_PLIES)


class VariantInfo(ResponseModel):
    """A variant of the game."""

    name: Variant
    title: str
    opening_rule: str


class StrengthInfo(ResponseModel):
    """A playing strength of the engine."""

    id: str
    title: str
    simulations: int = Field(description="Simulations a move; 0: the policy alone.")


class Defaults(ResponseModel):
    """The initial choices of the page."""

    variant: Variant
    board_size: int
    network: str
    strength: str


class Limits(ResponseModel):
    """Maximum values of requests."""

    simulations: int
    seconds: float
    searches: int
    body_bytes: int
    plies: int = MAX_PLIES


class Meta(ResponseModel):
    """The available choices."""

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
    """A point, and the stones that a move there captures."""

    point: str
    takes: list[str]


class Result(ResponseModel):
    """How a game ended: winner 0 is a draw; `line` has the stones of the five."""

    winner: Literal[0, 1, 2]
    by: Literal["five", "captures", "draw", "resignation"]
    line: list[str] = []


class LastMove(ResponseModel):
    """The last move, and the stones that it captured."""

    point: str
    captured: list[str]


class Threats(ResponseModel):
    """Threats, from the view of the player to move."""

    wins: list[str] = Field(description="Points where the player to move wins at once.")
    must_answer: list[str] = Field(description="Points where the opponent would win at once if it were their turn.")
    captures: list[Capture] = Field(description="Captures of the player to move.")
    in_danger: list[Capture] = Field(description="Captures that the opponent could make if it were their turn.")


class PositionAnswer(ResponseModel):
    """A position, with everything that a board needs to show it and to accept moves."""

    to_move: Player
    ply: int
    stones: dict[str, list[str]] = Field(description='Points by player, "1" and "2".')
    captured: dict[str, int] = Field(description="Pairs captured by each player.")
    captured_stones: dict[str, int] = Field(description="Stones captured by each player.")
    stones_to_win: int | None = Field(description="Captured stones that win; null in a variant without captures.")
    forbidden: list[Forbidden]
    legal_count: int
    result: Result | None
    last: LastMove | None
    threats: Threats


# Game texts and stored games


class TextRequest(RequestModel):
    """A game text in the format of pente.org or as a bare move list."""

    text: str = Field(min_length=1)
    variant: Variant = Field("pente", description="If the text names none.")
    board_size: int = Field(MAX_SIZE, ge=MIN_SIZE, le=MAX_SIZE, description="If the text names none.")


class ParsedGame(ResponseModel):
    """A game parsed from text. `comments` are by ply: "0" is the comment before the first move."""

    headers: dict[str, str]
    variant: Variant
    board_size: int
    moves: list[str]
    comments: dict[int, str]
    notes: list[str] = Field(description="What the parser skipped, such as variations: one sentence each.")
    result: Literal["1-0", "0-1", "1/2-1/2"] | None


class FormatRequest(GameMoves):
    """A game to write as text."""

    comments: dict[int, Annotated[str, Field(max_length=2_000)]] = {}
    headers: dict[str, Annotated[str, Field(max_length=500)]] = Field(default={}, max_length=64)
    result: Literal["1-0", "0-1", "1/2-1/2"] | None = Field(None, description="If the moves do not decide it.")


class TextAnswer(ResponseModel):
    """A game text."""

    text: str


class MadeBy(ResponseModel):
    """The origin of a stored game."""

    model_type: str
    step: int
    seed: str = Field(description="Its own seed, a whole number: too long a one for JavaScript.")
    simulations: int


class GameSummary(ResponseModel):
    """A game in the database, without its moves."""

    id: int
    variant: Variant
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
    """A game in play."""

    seed: str = Field(description="Its own seed, a whole number: too long a one for JavaScript.")
    moves: list[str]


class LiveGames(ResponseModel):
    """Games that self-play plays now; none if no self-play runs."""

    variant: Variant | None
    board_size: int | None
    model_type: str | None
    step: int | None
    updated_at: float | None = Field(description="Seconds since 1970, UTC.")
    games: list[LiveGame]


# Networks


class Rating(ResponseModel):
    """Elo with its 95% interval, and the simulations a move at which it was measured."""

    elo: float
    low: float
    high: float
    simulations: int | None = None


class NetworkInfo(ResponseModel):
    """A network; requests name its id."""

    id: str
    title: str
    kind: Literal["shipped", "checkpoint", "history"]
    model_type: str
    step: int
    rating: Rating | None
    default: bool


# Searches


class SearchRequest(GameMoves):
    """A position to search. Budget: `simulations`, `seconds`, the first of both, or a `strength` to play."""

    network: NetworkId | None = Field(None, description="One of GET /networks; omitted: the default.")
    simulations: int | None = Field(None, ge=1)
    seconds: float | None = Field(None, gt=0)
    strength: str | None = Field(None, max_length=40, description="An id of GET /meta; for purpose play.")
    purpose: Literal["play", "analyse"] = "analyse"
    every_ms: int = Field(250, ge=50, le=60_000, description="Interval of progress events in milliseconds.")

    @model_validator(mode="after")
    def _one_budget(self) -> "SearchRequest":
        if self.strength is not None and (self.simulations is not None or self.seconds is not None):
            raise ValueError("strength and simulations or seconds were both given: choose one of them")
        if self.strength is not None and self.purpose != "play":
            raise ValueError("a strength is for purpose play: give simulations or seconds to analyse")
        return self


class Share(ResponseModel):
    """A point and its share, 0 to 1."""

    point: str
    share: float


class Candidate(ResponseModel):
    """A move that the search considered. `line` begins with the move itself."""

    point: str
    visits: int
    policy: float = Field(description="Its share in the search's policy, 0 to 1.")
    value: float
    line: list[str]


class Forced(ResponseModel):
    """A forced win found by the threat solver. `line` has all moves: those of `winner` and the best replies."""

    winner: Player
    plies: int
    line: list[str]


class SearchView(ResponseModel):
    """The progress of a search and its current result."""

    simulations: int
    simulations_per_s: float
    elapsed_s: float
    value: float
    proven: Literal["win", "loss", "draw"] | None = Field(description="Proven for the player to move.")
    best: str
    policy: list[Share] = Field(description="The network's policy, from 0.1%, largest first.")
    visits: list[Share]
    candidates: list[Candidate] = Field(description="Best first, up to ten.")
    forced: Forced | None


class Queued(ResponseModel):
    """A search was accepted; `ahead` other searches are active."""

    ahead: int


class SearchEvents(ResponseModel):
    """The events of a search, by name: `queued`, then `progress` at intervals and finally `done`; or `error`."""

    queued: Queued
    progress: SearchView
    done: SearchView
    error: Error


# Review


class ReviewRequest(RequestModel):
    """A game to review: a text, or a variant, board size and moves."""

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
    """The review of a move. `ply` 1 is the first move; `loss` is the value that the move lost for its player."""

    ply: int
    move: str
    value_before: float
    value_after: float
    best: str = Field(description="The engine's move instead.")
    best_line: list[str]
    loss: float = Field(ge=0)
    verdict: Verdict
    comment: str


class ReviewDone(ResponseModel):
    """The end of a review. Accuracy in percent by player; null for a player without moves."""

    accuracy: dict[str, float | None]


class ReviewEvents(ResponseModel):
    """The events of a review, by name: `game`, a `move` for each and finally `done`; or `error`."""

    game: ParsedGame
    move: ReviewedMove
    done: ReviewDone
    error: Error
