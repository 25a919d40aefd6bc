"""Games for the tests of records: random legal moves, with invented search results."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np

from alphapente.records.model import GameRecord, SearchRecord, WonBy
from alphapente.records.parking import Parking
from alphapente.records.store import Store


def random_game(seed: int, variant: str = "pente", size: int = 9, max_records: int = 1000) -> GameRecord:
    """A complete random game with a record for each of its first plies; one ply in twenty is marked as random."""
    from alphapente.rules.kernels import legal_points, play
    from alphapente.rules.position import IN_PLAY, WON_BY, new_positions, stones

    rng = np.random.default_rng(seed)
    position = new_positions(1, variant, size)[0]
    legal = np.zeros(size * size, np.int16)
    moves: list[int] = []
    records: list[SearchRecord] = []
    while position["winner"] == IN_PLAY:
        points = legal[: legal_points(position, legal)]
        if len(records) < max_records:
            captured = (int(position["captured"][0]), int(position["captured"][1]))
            board = stones(position).copy()
            records.append(search_record(rng, len(moves), board, captured, int(position["to_move"]), points))
        moves.append(int(rng.choice(points)))
        play(position, moves[-1])
    random_plies = tuple(int(ply) for ply in np.flatnonzero(rng.random(len(moves)) < 0.05))
    return GameRecord(
        variant=variant,
        board_size=size,
        moves=moves,
        winner=int(position["winner"]),
        won_by=cast(WonBy, WON_BY[position["won_by"]]),
        opening_plies=2,
        random_plies=random_plies,
        seed=seed,
        model_type="simple",
        network_step=1000 + seed,
        simulations=100,
        records=records,
    )


def search_record(
    rng: np.random.Generator, ply: int, board: Any, captured: tuple[int, int], to_move: int, legal: Any
) -> SearchRecord:
    """A record as of a search of 100 simulations: 16 to 32 points visited, a tenth of the target is unlisted."""
    count = min(len(legal), int(rng.integers(16, 33)))
    points = np.sort(rng.choice(legal, count, replace=False)).astype(np.int16)
    unlisted = 0.1 if count < len(legal) else 0.0
    return SearchRecord(
        ply=ply,
        board=board,
        captured=captured,
        to_move=to_move,
        points=points,
        visits=rng.multinomial(100, np.full(count, 1 / count)).astype(np.int32),
        targets=(rng.dirichlet(np.ones(count)) * (1 - unlisted)).astype(np.float32),
        unlisted=unlisted,
        search_value=float(rng.uniform(-1, 1)),
        simulations=100,
    )


def plain_game(num_records: int, seed: int = 0, size: int = 19) -> GameRecord:
    """A game with any number of records, created fast, without regard to the rules."""
    rng = np.random.default_rng(seed)
    moves = rng.permutation(size * size)[:num_records].tolist()
    board = np.zeros(size * size, np.int8)
    records: list[SearchRecord] = []
    for ply, move in enumerate(moves):
        records.append(search_record(rng, ply, board.copy(), (0, 2), ply % 2 + 1, np.flatnonzero(board == 0)))
        board[move] = ply % 2 + 1
    return GameRecord("pente", size, moves, 1, "five", 0, (), seed, "simple", 0, 100, records)


def write_games(database: Path, games: list[GameRecord], repeats: int) -> None:
    """The job of a writing process."""
    with Store(database, 30) as store:
        for _ in range(repeats):
            for game in games:
                store.add_game(game)


def write_for_ever(database: Path, games: list[GameRecord]) -> None:
    """The job of a writing process that is killed."""
    write_games(database, games, 10**9)


def take_all(database: Path, results: Any) -> None:
    """Claims parked games one at a time and reports their ids."""
    with Store(database, 30) as store:
        taken: list[bytes] = []
        parking = Parking(store, "pente", 19, "simple")
        while got := parking.claim(1):
            taken += [game.payload for game in got]
    results.put(taken)


def with_file_limit(limit_bytes: int, job: Callable[..., None], *arguments: Any) -> None:
    """Runs `job` with a limit on the size of files."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    job(*arguments)


def fill_and_report(database: Path, games: list[GameRecord], results: Any) -> None:
    """Writes until it fails; reports the number of games stored and the error message."""
    stored = 0
    try:
        with Store(database, 5) as store:
            while True:
                store.add_game(games[stored % len(games)])
                stored += 1
    except Exception as error:
        results.put((stored, type(error).__name__, str(error)))
