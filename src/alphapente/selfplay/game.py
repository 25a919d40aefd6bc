"""One game of self-play: its opening, its records, and how it is packed to wait in the database."""

import json
import zlib
from dataclasses import dataclass, field, fields, replace
from typing import Any, cast

import numpy as np

from alphapente.config import Config
from alphapente.errors import FailureError
from alphapente.records.columns import ARRAYS, POLICY_ARRAYS
from alphapente.records.model import GameRecord, SearchRecord, WonBy
from alphapente.rules.kernels import is_legal, play
from alphapente.rules.near import near_points
from alphapente.rules.position import IN_PLAY, WON_BY, Position, new_positions, stones
from alphapente.search import SearchResult
from alphapente.selfplay.listing import list_points

_PACKED = {
    "rest" if entry.name == "unlisted" else entry.name: entry.name
    for entry in fields(SearchRecord)
    if entry.name not in ("board", "captured", "to_move", "random_value")
}
"""What a packed game holds of its records, by key: the fields that follow neither from its moves nor from its end."""


@dataclass(slots=True)
class GameInPlay:
    """A game in play. `position` is its current position; `records` has one entry for each recorded ply.

    `opening_left`: plies still to be drawn from the network's policy. `proven_winner`: 1 or 2 while a proven game is
    played to its end, else 0.
    """

    seed: int
    rng: np.random.Generator
    position: Position
    moves: list[int] = field(default_factory=list)
    opening_plies: int = 0
    opening_left: int = 0
    proven_winner: int = 0
    random_plies: list[int] = field(default_factory=list)
    records: list[SearchRecord] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether it is decided."""
        return bool(self.position["winner"] != IN_PLAY)

    def play(self, point: int) -> None:
        """Plays a legal point."""
        play(self.position, point)
        self.moves.append(point)


def new_game(config: Config, seed: int) -> GameInPlay:
    """A game with its opening played: the first stone on the centre, then 0 to `opening_plies` random ones near it.

    An opening that ends the game is drawn again. `opening_left` is the number of `policy_opening_plies` that follow;
    the caller, which has the network, plays them.
    """
    variant, size = config.game.variant, config.game.board_size
    rng = np.random.Generator(np.random.PCG64(seed))
    while True:
        game = GameInPlay(seed, rng, new_positions(1, variant, size)[0])
        if variant != "gomoku":
            game.play(size // 2 * (size + 1))  # the opening rule leaves no choice
        plies = int(rng.integers(0, config.generation.opening_plies + 1))
        while plies and not game.over:
            game.play(int(rng.choice(near_points(game.position))))
            plies -= 1
        if not game.over:
            break
    game.opening_plies = len(game.moves)
    if config.generation.policy_opening_plies:
        game.opening_left = int(rng.integers(0, config.generation.policy_opening_plies + 1))
    return game


def record_search(
    game: GameInPlay, result: SearchResult, policy_weight: float = 1.0, surprise: float | None = None
) -> None:
    """Records the search of the game's current position."""
    position = game.position
    points = list_points(result.policy, result.visits)
    targets = result.policy[points]
    captured = position["captured"]
    game.records.append(
        SearchRecord(
            ply=int(position["ply"]),
            board=stones(position),
            captured=(int(captured[0]), int(captured[1])),
            to_move=int(position["to_move"]),
            points=points,
            visits=result.visits[points],
            targets=targets,
            unlisted=max(0.0, 1.0 - float(targets.sum())),
            search_value=result.value,
            simulations=result.simulations,
            policy_weight=policy_weight,
            surprise=surprise,
        )
    )


def finished_record(game: GameInPlay, config: Config, network_step: int, settings_id: int | None) -> GameRecord:
    """The finished game as it is stored. Each record gets the search's value at the next random move, if any."""
    return GameRecord(
        variant=config.game.variant,
        board_size=config.game.board_size,
        moves=game.moves,
        winner=int(game.position["winner"]),
        won_by=cast(WonBy, WON_BY[int(game.position["won_by"])]),
        opening_plies=game.opening_plies,
        random_plies=tuple(game.random_plies),
        seed=game.seed,
        model_type=config.generation.model_type,
        network_step=network_step,
        simulations=config.generation.simulations,
        records=_with_random_values(game),
        settings_id=settings_id,
    )


def _with_random_values(game: GameInPlay) -> list[SearchRecord]:
    values = {record.ply: (record.to_move, record.search_value) for record in game.records}
    records = []
    for record in game.records:
        later = [ply for ply in game.random_plies if ply >= record.ply]
        if later:
            player, value = values[min(later)]
            record = replace(record, random_value=value if player == record.to_move else -value)
        records.append(record)
    return records


def pack(game: GameInPlay) -> bytes:
    """The game as bytes (compressed JSON), which `unpack` reads."""
    state: dict[str, Any] = {
        "seed": game.seed,
        "rng": game.rng.bit_generator.state,
        "moves": game.moves,
        "opening_plies": game.opening_plies,
        "opening_left": game.opening_left,
        "proven_winner": game.proven_winner,
        "random_plies": game.random_plies,
        "records": [
            {key: np.asarray(getattr(record, name)).tolist() for key, name in _PACKED.items()}
            for record in game.records
        ],
    }
    return zlib.compress(json.dumps(state).encode())


def unpack(payload: bytes, variant: str, size: int) -> GameInPlay:
    """The game that `pack` wrote. Raises FailureError for other bytes."""
    try:
        state = json.loads(zlib.decompress(payload))
        rng = np.random.Generator(np.random.PCG64())
        rng.bit_generator.state = state["rng"]
        game = GameInPlay(int(state["seed"]), rng, new_positions(1, variant, size)[0])
        game.opening_plies = int(state["opening_plies"])
        game.opening_left = int(state.get("opening_left", 0))  # missing in games of older versions
        game.proven_winner = int(state.get("proven_winner", 0))
        game.random_plies = [int(ply) for ply in state["random_plies"]]
        records = {int(entry["ply"]): entry for entry in state["records"]}
        for ply, point in enumerate([*state["moves"], None]):
            if ply in records:
                game.records.append(_unpack_record(game.position, records[ply]))
            if point is not None:
                if not is_legal(game.position, int(point)):
                    raise ValueError(f"move {point} at ply {ply} is not legal")
                game.play(int(point))
        if game.over:
            raise ValueError("it is over")
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise FailureError(f"a game kept in play cannot be read ({error}); it is omitted") from error
    return game


def seed_of(payload: bytes) -> int:
    """The seed of a game that `pack` wrote."""
    return int(json.loads(zlib.decompress(payload))["seed"])


def _unpack_record(position: Position, entry: dict[str, Any]) -> SearchRecord:
    """Entries that games of older versions lack get their defaults."""
    captured = position["captured"]
    return SearchRecord(
        board=stones(position).copy(),
        captured=(int(captured[0]), int(captured[1])),
        to_move=int(position["to_move"]),
        **{name: _unpack_value(name, entry[key]) for key, name in _PACKED.items() if key in entry},
    )


def _unpack_value(name: str, value: Any) -> Any:
    if name in POLICY_ARRAYS:
        return np.array(value, ARRAYS[name])
    if name == "surprise" and value is None:
        return None
    return int(value) if issubclass(ARRAYS[name], np.integer) else float(value)
