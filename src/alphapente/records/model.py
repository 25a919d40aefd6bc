"""The data of the database: games and records as self-play stores them and as training and reports read them.

Points are ``row * size + column`` from the top left. Players are 1 and 2. Every value is in [-1, 1], for the player to
move.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

WonBy = Literal["five", "captures", "draw", "unfinished"]
Source = Literal["selfplay", "import"]
PlayerKind = Literal["checkpoint", "reference", "engine"]
Purpose = Literal["arena", "rate", "promotion"]


@dataclass(frozen=True, slots=True, eq=False)
class SearchRecord:
    """One searched position of a game.

    ``board`` int8[S*S] is 0 for an empty point, else the player of the stone; ``captured`` counts stones captured by
    player 1 and 2. The policy target gives ``targets[i]`` to ``points[i]`` and divides ``unlisted`` evenly among the
    legal points that are not listed; the sum is 1. ``points`` int16[k], ``visits`` int32[k], ``targets`` float32[k].
    """

    ply: int
    board: NDArray[np.int8]
    captured: tuple[int, int]
    to_move: int
    points: NDArray[np.int16]
    visits: NDArray[np.int32]
    targets: NDArray[np.float32]
    unlisted: float
    search_value: float
    simulations: int
    random_value: float | None = None
    """The search's value for this record's player at the first later ply played at random; None: no such ply."""
    policy_weight: float = 1.0
    """Weight of the policy target, 0 to 1 (0: the search was too small). The value target always has full weight."""
    surprise: float | None = None
    """Kullback-Leibler divergence of the policy target from the network's own policy, in nats; None: unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class GameRecord:
    """One finished game of self-play: moves, outcome, how it was played, and the records of its positions."""

    variant: str
    board_size: int
    moves: list[int]
    winner: int
    """1, 2 or DRAW."""
    won_by: WonBy
    opening_plies: int
    """Number of plies at the start that were played at random, so that games differ."""
    random_plies: tuple[int, ...]
    """The plies (0 is the first move) that were played at random instead of by the search."""
    seed: int
    """The seed of this game, a signed 64-bit integer."""
    model_type: str
    network_step: int
    simulations: int
    records: list[SearchRecord] = field(default_factory=list)
    settings_id: int | None = None
    """`Store.settings_id` of the configuration that the game was played with."""


@dataclass(frozen=True, slots=True)
class ImportedGame:
    """A game read from text: moves and headers, without records. `winner` None: unknown."""

    variant: str
    board_size: int
    moves: list[int]
    winner: int | None
    won_by: WonBy
    headers: dict[str, str]
    comments: dict[int, str] = field(default_factory=dict)
    """Comments by the number of moves before them."""


@dataclass(frozen=True, slots=True)
class StoredGame:
    """One row of the games table. `created_at` is in seconds since 1970, UTC."""

    game_id: int
    created_at: int
    variant: str
    board_size: int
    moves: list[int]
    winner: int | None
    won_by: WonBy
    opening_plies: int
    random_plies: tuple[int, ...]
    seed: int
    model_type: str
    network_step: int
    simulations: int
    settings_id: int | None
    first_seq: int
    """The number of its first record in the pool. Its records are ``first_seq .. first_seq + num_records - 1``."""
    num_records: int
    source: Source
    headers: dict[str, str]
    comments: dict[int, str]
    """Of an imported game, by the number of moves before them."""


@dataclass(frozen=True, slots=True)
class PlayerIdentity:
    """Identifies a player: two matches have the same player if and only if all these fields are equal.

    `digest` is the hash of a checkpoint's weights ("" for other players). `settings` is JSON of all other settings that
    affect its moves and differ from the defaults ("" for none).
    """

    name: str
    """The displayed name with the budget: "resnet step 1200 @200", "random"."""
    kind: PlayerKind
    digest: str = ""
    settings: str = ""
    model_type: str | None = None
    network_step: int | None = None
    simulations: int | None = None
    """Simulations per move; 0 for a network without search; None where it does not apply."""
    seconds: float | None = None
    """Seconds per move, if the budget is time."""


@dataclass(frozen=True, slots=True)
class MatchGame:
    """One game of a match. `first` is the player who was player 1, "a" or "b"; `winner` is 1, 2 or DRAW.

    `won_by` is "five", "captures", "draw", or "forfeit" if the loser broke the rules, resigned or did not answer.
    """

    first: Literal["a", "b"]
    moves: tuple[int, ...]
    opening_plies: int
    winner: int
    won_by: str
    number: int = field(default=-1, compare=False)
    """Its place in the match, from 0; set by the store. The numbers of an interrupted match have gaps."""


@dataclass(frozen=True, slots=True)
class Match:
    """A match of two players, who play each opening with both colours."""

    player_a: PlayerIdentity
    player_b: PlayerIdentity
    variant: str
    board_size: int
    seed: int
    purpose: Purpose
    games: tuple[MatchGame, ...]
    settings_id: int | None = None
    """`Store.settings_id` of the configuration that it was played with."""
    created_at: int = 0
    """When it was stored, in seconds since 1970, UTC; set by the store."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordBatch:
    """n records as arrays, oldest first: the columns of `columns.COLUMNS`.

    The policies are in CSR form: record i has the entries ``points[offsets[i]:offsets[i + 1]]``, and so on.
    """

    variant: str
    board_size: int
    ids: NDArray[np.int64]  # [n] database keys
    game_ids: NDArray[np.int64]  # [n]
    boards: NDArray[np.int8]  # [n, S*S] 0: empty; 1 and 2: stones of the players
    captured: NDArray[np.int16]  # [n, 2] stones captured by player 1 and 2
    ply: NDArray[np.int16]  # [n]
    to_move: NDArray[np.int8]  # [n] 1 or 2
    search_value: NDArray[np.float32]  # [n] value of the search
    outcome: NDArray[np.int8]  # [n] 1 win, 0 draw, -1 loss
    random_value: NDArray[np.float32]  # [n] see SearchRecord.random_value; NaN if there is none
    offsets: NDArray[np.int64]  # [n + 1]
    points: NDArray[np.int16]  # [m]
    targets: NDArray[np.float32]  # [m] probabilities; the sum with `unlisted` is 1 for each record
    visits: NDArray[np.int32]  # [m] at most 65,535 each
    unlisted: NDArray[np.float32]  # [n] probability divided evenly among the legal points not listed
    simulations: NDArray[np.int32]  # [n]
    policy_weight: NDArray[np.float32]  # [n] see SearchRecord.policy_weight
    surprise: NDArray[np.float32]  # [n] see SearchRecord.surprise; NaN if unknown
    next_point: NDArray[np.int16]  # [n] the opponent's reply; -1: none, or unknown
    plies_left: NDArray[np.int16]  # [n] plies from here to the end of the game; -1: unknown
    end_captured: NDArray[np.int16]  # [n, 2] as `captured`, at the end of the game; -1: unknown
    requested: int = 0
    """Number of records requested; more than n when fewer were available."""
    available: int = 0
    """Number of records of this variant and size in the database."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class PoolStats:
    """Statistics of one pool (the records of one variant and board size), over games of self-play and imported ones."""

    variant: str
    board_size: int
    records: int
    games: int
    imported_games: int
    parked_games: int
    mean_plies: float
    wins_by_player: dict[str, int]  # keys "1", "2", "draw", and "unknown" for imported games without a result
    won_by: dict[str, int]  # keys "five", "captures", "draw", "unfinished"
    newest_game_at: int | None  # seconds since 1970, UTC
    newest_step: dict[str, int]  # model type -> the highest network step that played


@dataclass(frozen=True, slots=True)
class StoreStats:
    """Statistics of a database. `size_bytes` includes the write-ahead log (server: the whole database)."""

    database: str
    schema_version: int
    size_bytes: int
    pools: list[PoolStats]
    matches: int = 0
    match_games: int = 0

    @property
    def records(self) -> int:
        """Number of records in all pools."""
        return sum(pool.records for pool in self.pools)

    @property
    def games(self) -> int:
        """Number of games in all pools."""
        return sum(pool.games for pool in self.pools)


@dataclass(frozen=True, slots=True)
class GameWindow:
    """Consecutive games: when the last was stored (seconds since 1970, UTC), and averages over all of them."""

    at: int
    games: int
    records: int
    """Number of records stored up to the end of this window."""
    plies: float
    by_five: float
    """Share of the games, as are the fields below."""
    by_captures: float
    draws: float
    won_by_player_1: float
