"""What self-play hands over to be kept, a game with its searched positions, and what training and people read back.

Points are ``row * size + column`` from the top left; players are 1 and 2; every value is in [-1, 1] as the player to
move sees it.
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

    ``board`` int8[S*S] holds 0 or the player whose stone it is; ``captured`` the stones captured by player 1 and 2.
    The policy target gives ``targets[i]`` to ``points[i]`` and spreads ``unlisted`` evenly over the legal points that are
    not listed; together they make 1. ``points`` int16[k], ``visits`` int32[k], ``targets`` float32[k].
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
    """The search's value, as this record's player sees it, at the first later ply played at random; None: none was."""
    policy_weight: float = 1.0
    """How much the policy counts as a target, 0 to 1 (0: too cheap a search); the value counts in full."""
    surprise: float | None = None
    """Kullback-Leibler divergence of the policy target from the network's own policy, in nats; None: not known."""


@dataclass(frozen=True, slots=True, eq=False)
class GameRecord:
    """One finished game of self-play: its moves, how it ended, how it was made, and its searched positions."""

    variant: str
    board_size: int
    moves: list[int]
    winner: int
    """1, 2, or 0 for a draw."""
    won_by: WonBy
    opening_plies: int
    """How many plies at the start were played at random, to make games differ."""
    random_plies: tuple[int, ...]
    """The plies (0 is the first move) played at random instead of by the search."""
    seed: int
    """The game's own seed, within a signed 64-bit integer."""
    model_type: str
    network_step: int
    simulations: int
    records: list[SearchRecord] = field(default_factory=list)
    settings_id: int | None = None
    """What `Store.settings_id` gave for the configuration that the game was played with."""


@dataclass(frozen=True, slots=True)
class ImportedGame:
    """A game read from text: no searched positions, only moves and headers. `winner` None: the text does not say."""

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
    """One row of the games table, as `Store.games` yields it. `created_at` is in seconds since 1970, UTC."""

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
    """The number of its first record in the pool; its records are ``first_seq .. first_seq + num_records - 1``."""
    num_records: int
    source: Source
    headers: dict[str, str]
    comments: dict[int, str]
    """Of an imported game, by the number of moves before them."""


@dataclass(frozen=True, slots=True)
class PlayerIdentity:
    """Who played a match, told so exactly that two matches are of the same player if all of this is equal.

    `digest` is that of a checkpoint's weights ("" for others), `settings` JSON of whatever else decides how it plays
    and differs from the defaults ("" for nothing).
    """

    name: str
    """What people call it, its budget included: "resnet step 1200 @200", "random"."""
    kind: PlayerKind
    digest: str = ""
    settings: str = ""
    model_type: str | None = None
    network_step: int | None = None
    simulations: int | None = None
    """Simulations a move; 0 for a network without search; None where that means nothing."""
    seconds: float | None = None
    """Seconds a move, where the budget is time."""


@dataclass(frozen=True, slots=True)
class MatchGame:
    """One game of a match. `first` is the player who was player 1, "a" or "b"; `winner` is 1, 2 or 0 for a draw.

    `won_by` is "five", "captures", "draw", or "forfeit" where the loser broke the rules, gave up or came to no answer.
    """

    first: Literal["a", "b"]
    moves: tuple[int, ...]
    opening_plies: int
    winner: int
    won_by: str
    number: int = field(default=-1, compare=False)
    """Its place in the match, from 0; set by the store. An interrupted match has gaps in these numbers."""


@dataclass(frozen=True, slots=True)
class Match:
    """A match of two players over openings that each plays with both colours."""

    player_a: PlayerIdentity
    player_b: PlayerIdentity
    variant: str
    board_size: int
    seed: int
    purpose: Purpose
    games: tuple[MatchGame, ...]
    settings_id: int | None = None
    """What `Store.settings_id` gave for the configuration that it was played with."""
    created_at: int = 0
    """When it was stored, in seconds since 1970, UTC; set by the store."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordBatch:
    """n records as arrays, oldest first: what training reads.

    The policies are in CSR form: record i's entries are ``points[offsets[i]:offsets[i + 1]]``, and so on.
    """

    variant: str
    board_size: int
    ids: NDArray[np.int64]  # [n] database keys
    game_ids: NDArray[np.int64]  # [n]
    boards: NDArray[np.int8]  # [n, S*S] 0, or the player whose stone it is
    captured: NDArray[np.int16]  # [n, 2] stones captured by player 1 and 2
    ply: NDArray[np.int16]  # [n]
    to_move: NDArray[np.int8]  # [n] 1 or 2
    search_value: NDArray[np.float32]  # [n] the search's own value
    outcome: NDArray[np.float32]  # [n] 1 win, 0 draw, -1 loss
    random_value: NDArray[np.float32]  # [n] see SearchRecord.random_value; NaN when there is none
    offsets: NDArray[np.int64]  # [n + 1]
    points: NDArray[np.int16]  # [m]
    targets: NDArray[np.float32]  # [m] probabilities; with `unlisted` they make 1 for each record
    visits: NDArray[np.int32]  # [m] at most 65,535 each
    unlisted: NDArray[np.float32]  # [n] probability spread evenly over the legal points not listed
    simulations: NDArray[np.int32]  # [n]
    policy_weight: NDArray[np.float32]  # [n] see SearchRecord.policy_weight
    surprise: NDArray[np.float32]  # [n] see SearchRecord.surprise; NaN where it is not known
    next_point: NDArray[np.int16]  # [n] where the opponent then played; -1 where he did not, or it is not known
    plies_left: NDArray[np.int16]  # [n] plies from here to the end of the game; -1 where it is not known
    end_captured: NDArray[np.int16]  # [n, 2] as `captured`, at the end of the game; -1 where it is not known
    requested: int = 0
    """Number of records requested; more than n when fewer were available."""
    available: int = 0
    """Number of records of this variant and size in the database."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class PoolStats:
    """What one pool (the records of one variant and board size) holds. Self-play's games and imported ones alike."""

    variant: str
    board_size: int
    records: int
    games: int
    imported_games: int
    parked_games: int
    mean_plies: float
    wins_by_player: dict[str, int]  # keys "1", "2", "draw", and "unknown" where a text did not say
    won_by: dict[str, int]  # keys "five", "captures", "draw", "unfinished"
    newest_game_at: int | None  # seconds since 1970, UTC
    newest_step: dict[str, int]  # model type -> the highest network step that played


@dataclass(frozen=True, slots=True)
class StoreStats:
    """What a database holds. `size_bytes` counts the file and its write-ahead log (a server: the database)."""

    database: str
    schema_version: int
    size_bytes: int
    pools: list[PoolStats]
    matches: int = 0
    match_games: int = 0

    @property
    def records(self) -> int:
        """Records of every pool together."""
        return sum(pool.records for pool in self.pools)

    @property
    def games(self) -> int:
        """Games of every pool together."""
        return sum(pool.games for pool in self.pools)


@dataclass(frozen=True, slots=True)
class GameWindow:
    """Some games on end: when the last was stored (seconds since 1970, UTC), and averages over them."""

    at: int
    games: int
    records: int
    """Records stored up to and with these games."""
    plies: float
    by_five: float
    """Share of the games; as are those below."""
    by_captures: float
    draws: float
    won_by_player_1: float
