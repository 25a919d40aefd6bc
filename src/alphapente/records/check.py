"""Replays every stored game by the rules and compares every record with the position of its ply.

The check changes nothing. A finding names the game, the ply if it has one, and the problem.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select, text

from alphapente.errors import FailureError
from alphapente.records.codec import columns_of_game
from alphapente.records.columns import COLUMNS, OF_GAME
from alphapente.records.model import RecordBatch, StoredGame
from alphapente.records.schema import GAMES, POOLS, RECORDS
from alphapente.records.store import Store
from alphapente.records.writing import SEQ_BITS
from alphapente.rules.kernels import is_legal, play
from alphapente.rules.position import DRAW, ENDINGS, IN_PLAY, WON_BY, Position, new_positions, stones

_OPENING_PLIES = 3
"""Only in these plies can the rules forbid an empty point."""
_TOLERANCE = 1e-3

_NUMBERS = select(
    GAMES.c.id,
    GAMES.c.pool_id,
    GAMES.c.num_plies,
    GAMES.c.first_seq,
    GAMES.c.num_records,
    func.length(GAMES.c.moves).label("num_bytes"),
).order_by(GAMES.c.id)

Problem = tuple[int | None, str]
"""The ply (None: the game as a whole) and what is wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem, with its game and ply where these are known."""

    game_id: int | None
    ply: int | None
    problem: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The numbers of games and records checked, and the problems found."""

    database: str
    games: int
    records: int
    findings: list[Finding] = field(default_factory=list)


def check(store: Store, progress: Callable[[int, int], None] | None = None) -> CheckReport:
    """Checks the whole database as it is now. Other processes may write meanwhile.

    ``progress(done, total)`` is called after each game. Raises DatabaseError only when nothing more can be read.
    """
    with store.reading() as connection:
        findings = list(_file_problems(connection))
        findings += _count_problems(connection)
        total = connection.execute(select(func.count()).select_from(GAMES)).scalar_one()
        last_id = connection.execute(select(func.max(GAMES.c.id))).scalar() or 0
    games = records = 0
    unreadable: list[Finding] = []
    for game in store.games(on_damage=lambda game_id, problem: unreadable.append(Finding(game_id, None, problem))):
        if game.game_id > last_id:
            break
        problems = list(game_problems(game))
        problems += _records_of(store, game)
        findings += [Finding(game.game_id, ply, problem) for ply, problem in problems]
        games += 1
        records += game.num_records
        if progress is not None:
            progress(games, total)
    findings += [*unreadable, *_row_findings(store, last_id), *_match_findings(store)]
    return CheckReport(store.name, games, records, findings)


def _row_findings(store: Store, last_id: int) -> Iterator[Finding]:
    """Finds games without a pool, with a wrong length, or whose records do not follow those of the game before.

    Reads only numbers, so that a game with unreadable moves does not hide where the next game's records begin.
    """
    ends: dict[int, set[int] | None] = {}
    """By pool: the numbers at which the next game's records may begin; None where the game before is damaged."""
    with store.reading() as connection:
        for pool_id in connection.execute(select(POOLS.c.id)).scalars():
            ends[pool_id] = {0}
        rows = connection.execute(_NUMBERS.where(GAMES.c.id <= last_id)).all()
    for row in rows:
        if row.num_bytes != 2 * row.num_plies:
            yield Finding(
                row.id, None, f"its row says {row.num_plies!r} plies, but its moves are {row.num_bytes} bytes"
            )
        if row.pool_id not in ends:
            yield Finding(row.id, None, f"its pool_id is {row.pool_id!r}, and there is no such pool")
            ends = dict.fromkeys(ends)
            continue
        numbers = (row.first_seq, row.num_records)
        if not all(isinstance(number, int) and number >= 0 for number in numbers):
            ends[row.pool_id] = None
            continue
        allowed = ends[row.pool_id]
        ends[row.pool_id] = {sum(numbers)}
        if allowed is not None and row.first_seq not in allowed:
            yield Finding(
                row.id,
                None,
                f"its records begin at number {row.first_seq}, not at {min(allowed)} after the game before",
            )
            ends[row.pool_id] = {begin + row.num_records for begin in (*allowed, row.first_seq)}


def _match_findings(store: Store) -> Iterator[Finding]:
    """Finds games of matches with illegal moves, or with a winner or an ending that the moves contradict."""
    try:
        matches = store.matches()
    except FailureError as error:
        yield Finding(None, None, str(error))
        return
    for match in matches:
        title = f"{match.player_a.name} against {match.player_b.name}"
        for number, game in enumerate(match.games):
            position = new_positions(1, match.variant, match.board_size)[0]
            problem = _replay(position, game.moves)
            ending, winner = WON_BY[position["won_by"]], int(position["winner"])
            if problem is not None:
                yield Finding(None, problem[0], f"game {number} of {title}: {problem[1]}")
            elif game.won_by in ENDINGS and (game.won_by, game.winner) != (ending, winner):
                claim = f"won by {game.winner} ({game.won_by}), but by its moves by {winner} ({ending})"
                yield Finding(None, None, f"game {number} of {title} is said to be {claim}")


def _file_problems(connection: Connection) -> Iterator[Finding]:
    """Finds what SQLite's own check of the file reports."""
    if connection.dialect.name == "sqlite":
        for (line,) in connection.execute(text("PRAGMA quick_check")):
            if line != "ok":
                yield Finding(None, None, f"the file is damaged: {line}")


def _count_problems(connection: Connection) -> Iterator[Finding]:
    """Finds pools whose counts differ from their rows, and gaps in the numbers of their records."""
    counts = connection.execute(select(GAMES.c.pool_id, func.count().label("games")).group_by(GAMES.c.pool_id)).all()
    num_games = {row.pool_id: row.games for row in counts}
    num_pooled = 0
    for pool in connection.execute(select(POOLS).order_by(POOLS.c.id)).all():
        name = f"{pool.variant} {pool.board_size}x{pool.board_size}"
        first = pool.id << SEQ_BITS
        keys = RECORDS.c.id.between(first, first + (1 << SEQ_BITS) - 1)
        count, lowest, highest = connection.execute(
            select(func.count(), func.min(RECORDS.c.id), func.max(RECORDS.c.id)).where(keys)
        ).one()
        num_pooled += count
        if count != pool.num_records:
            yield Finding(None, None, f"{name} says {pool.num_records} records, but there are {count}")
        if count and (lowest != first or highest != first + count - 1):
            yield Finding(
                None, None, f"{name}: {count} records are numbered {lowest - first}..{highest - first}, with gaps"
            )
        if num_games.get(pool.id, 0) != pool.num_games:
            yield Finding(None, None, f"{name} says {pool.num_games} games, but there are {num_games.get(pool.id, 0)}")
    total = connection.execute(select(func.count()).select_from(RECORDS)).scalar_one()
    if total != num_pooled:
        yield Finding(None, None, f"{total - num_pooled} records belong to no pool")


def game_problems(game: StoredGame) -> Iterator[Problem]:
    """Yields the problems of a game's own row: illegal moves, or an ending that the moves contradict."""
    position = new_positions(1, game.variant, game.board_size)[0]
    problem = _replay(position, game.moves)
    if problem is not None:
        yield problem
        return
    if game.random_plies and max(game.random_plies) >= len(game.moves):
        yield None, f"ply {max(game.random_plies)} is said to be random, but it has only {len(game.moves)} plies"
    winner = int(position["winner"])
    if winner == IN_PLAY:
        if game.won_by != "unfinished":
            yield None, f"it is said to be won by {game.won_by}, but its {len(game.moves)} moves do not end it"
        return
    if game.winner != winner:
        yield None, f"its winner is said to be {game.winner}, but by its moves it is {winner}"
    if game.won_by != WON_BY[position["won_by"]]:
        yield None, f"it is said to be won by {game.won_by}, but by its moves it is {WON_BY[position['won_by']]}"


def _replay(position: Position, moves: Sequence[int]) -> Problem | None:
    """Plays the moves on `position`; returns the problem of the first illegal one, None if all are legal."""
    for ply, point in enumerate(moves):
        if not is_legal(position, point):
            why = "the game is over" if position["winner"] != IN_PLAY else "occupied or forbidden"
            return ply, f"point {point} cannot be played: {why}"
        play(position, point)
    return None


def _records_of(store: Store, game: StoredGame) -> Iterator[Problem]:
    if not game.num_records:
        return
    try:
        for batch in store.record_batches(game.variant, game.board_size, game.first_seq, game.num_records):
            yield from record_problems(game, batch)
    except FailureError as error:
        yield None, str(error)


def record_problems(game: StoredGame, batch: RecordBatch) -> Iterator[Problem]:
    """Yields the problems of a game's records (all in `batch`), each compared with the replay of its ply."""
    plies = batch.ply.tolist()
    if len(set(plies)) != len(plies) or plies != sorted(plies):
        yield None, f"its records are of plies {plies}: they must rise, and none may repeat"
        return
    index_of = {ply: index for index, ply in enumerate(plies)}
    position = new_positions(1, game.variant, game.board_size)[0]
    right: dict[str, list[Any]] = {"captured1": [], "captured2": [], "to_move": []}
    for ply, point in enumerate(game.moves):
        index = index_of.pop(ply, None)
        if index is not None:
            for problem in _position_problems(game, batch, index, position):
                yield ply, problem
            for numbers, number in zip(right.values(), (*position["captured"], position["to_move"]), strict=True):
                numbers.append(int(number))
        if not is_legal(position, point):
            return  # `game_problems` reports it
        play(position, point)
    end_captured, players = position["captured"].tolist(), right["to_move"]
    right |= columns_of_game(game.moves, game.winner or DRAW, end_captured, plies[: len(players)], players)
    yield from _number_problems(batch, plies, right)
    for ply in index_of:
        yield ply, f"it has a record, but the game has only {len(game.moves)} plies"


def _number_problems(batch: RecordBatch, plies: list[int], right: dict[str, list[Any]]) -> Iterator[Problem]:
    """Compares columns with their ranges, and with the numbers that the game makes right for the first records.

    Records of versions 1 and 2 do not say what followed their position.
    """
    is_old = np.all([column.is_null(column.values(batch)) for column in OF_GAME if column.since > 1], axis=0)
    for column in COLUMNS:
        if column.encoding != "number":
            continue
        numbers, is_null = column.values(batch), column.is_null(column.values(batch))
        for index in np.flatnonzero(column.is_outside(numbers) & ~is_null).tolist():
            yield plies[index], f"the record's {column.name} {column.refusal(numbers[index])}"
        for index, wanted in enumerate(right.get(column.name, ())):
            found = None if is_null[index] else int(numbers[index])
            if found != wanted and not (is_old[index] and column.since > 1):
                yield plies[index], f"the record's {column.name} is {found}, but the game makes it {wanted}"


def _position_problems(game: StoredGame, batch: RecordBatch, index: int, position: Position) -> Iterator[str]:
    if batch.game_ids[index] != game.game_id:
        yield f"the record says it is of game {batch.game_ids[index]}"
    different = np.flatnonzero(batch.boards[index] != stones(position))
    if len(different):
        yield f"the record's board differs from the replay at {len(different)} points, first at {different[0]}"
    yield from _policy_problems(batch, index, position)
    if not np.isnan(batch.random_value[index]) and not any(ply >= batch.ply[index] for ply in game.random_plies):
        yield "the record has a value at a random ply, but the game has no such ply after it"


def _policy_problems(batch: RecordBatch, index: int, position: Position) -> Iterator[str]:
    entries = slice(batch.offsets[index], batch.offsets[index + 1])
    points = batch.points[entries]
    if len(np.unique(points)) != len(points):
        yield "the record's policy lists a point twice"
    illegal = points[stones(position)[points] != 0]
    if position["ply"] < _OPENING_PLIES:
        illegal = np.array([point for point in points if not is_legal(position, point)], np.int16)
    if len(illegal):
        yield f"the record's policy lists {len(illegal)} points that cannot be played, first {illegal[0]}"
    total = float(batch.targets[entries].sum() + batch.unlisted[index])
    if not abs(total - 1) < _TOLERANCE:
        yield f"the record's policy sums to {total:.4f}, not to 1"
