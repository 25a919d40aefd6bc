"""Exports and imports games in pente.org's text format; exports records as Parquet.

A file is written under a temporary name and renamed when it is complete, so that an incomplete file never has the name.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np

from alphapente.errors import FailureError, RequestError
from alphapente.files import StrPath, writing, writing_text
from alphapente.records.codec import decode_records
from alphapente.records.columns import COLUMNS
from alphapente.records.model import ImportedGame, RecordBatch, StoredGame, WonBy
from alphapente.records.store import Store
from alphapente.records.writing import refuse_impossible
from alphapente.rules.gametext import GAME_NAMES, RESULTS_BY_WINNER, GameText, decode_text, each_game, write_game
from alphapente.rules.legality import replay
from alphapente.rules.notation import NotationError, TextError
from alphapente.rules.position import IN_PLAY, MAX_SIZE, WON_BY

_WINNERS_BY_RESULT = {result: winner for winner, result in RESULTS_BY_WINNER.items()}


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote: file, games, records, bytes."""

    path: Path
    games: int
    records: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Remark:
    """A message about one game of a file: why it was rejected, or what was skipped. `game` counts from 1."""

    game: int
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did: `found` games are in the file, `games` were stored; `by_pool` counts by variant and size."""

    path: Path
    found: int
    games: int
    plies: int
    by_pool: dict[tuple[str, int], int]
    rejected: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)


def export_games(store: Store, path: StrPath) -> ExportReport:
    """Writes every game as game text, oldest first, an empty line between games.

    Raises FailureError when the file cannot be written or a stored game breaks the rules.
    """
    path, count = Path(path), 0
    with writing_text(path) as file:
        for game in store.games():
            try:
                text = write_game(game_text(game))
            except RequestError as error:
                raise FailureError(f"game {game.game_id}: {error}; run `alphapente records check`") from error
            file.write(("\n" if count else "") + text)
            count += 1
    return ExportReport(path, count, 0, path.stat().st_size)


def game_text(game: StoredGame) -> GameText:
    """Converts a stored game to text, with its own headers if it was imported, else with headers made here."""
    if game.source == "import":
        headers = dict(game.headers)
    else:
        played = datetime.fromtimestamp(game.created_at, UTC)
        player = f"{game.model_type} step {game.network_step}"
        headers = {
            "Game": GAME_NAMES[game.variant],
            "Site": "AlphaPente",
            "Event": f"Self-play game {game.game_id}",
            "Round": "-",
            "Section": "-",
            "Date": played.strftime("%m/%d/%Y"),
            "Time": played.strftime("%H:%M:%S"),
            "TimeControl": f"{game.simulations} simulations",
            "Rated": "N",
            "Player 1 Name": player,
            "Player 2 Name": player,
            "Player 1 Rating": "?",
            "Player 2 Rating": "?",
            "Player 1 Type": "Computer",
            "Player 2 Type": "Computer",
        }
    result = None if game.winner is None else RESULTS_BY_WINNER[game.winner]
    return GameText(headers, game.moves, result, game.variant, game.board_size, game.comments)


def import_games(
    store: Store, path: StrPath, variant: str = "pente", size: int = MAX_SIZE, *, strict: bool = False
) -> ImportReport:
    """Stores the games of a game text file; `variant` and `size` apply where no header names them.

    Games that break the format or the rules are rejected and the others stored; with `strict`, one rejected game means
    that none is stored. Reads the whole file first and stores all games in one transaction: after an error none is
    stored. Raises RequestError for a file that cannot be read or has no game, DatabaseError when the database fails.
    """
    path = Path(path)
    try:
        text = decode_text(path.read_bytes())
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}") from error
    except NotationError as error:
        raise RequestError(f"{path}: {error}") from error
    games: list[ImportedGame] = []
    rejected: list[Remark] = []
    notes: list[Remark] = []
    for number, game in enumerate(each_game(text, variant, size), start=1):
        if isinstance(game, TextError):
            rejected.append(Remark(number, game.line or 0, game.reason))
            continue
        try:
            games.append(_imported(game))
        except RequestError as error:
            rejected.append(Remark(number, game.line, str(error)))
        notes += [Remark(number, game.line, note) for note in game.notes]
    if not (games or rejected):
        raise RequestError(f"{path} holds no game: expected headers and moves, or moves such as '1. K10 L9 2. K14'")
    found = len(games) + len(rejected)
    if strict and rejected:
        games = []
    if games:
        store.add_imported(games)
    by_pool = Counter((game.variant, game.board_size) for game in games)
    plies = sum(len(game.moves) for game in games)
    return ImportReport(path, found, len(games), plies, dict(by_pool), rejected, notes)


def _imported(text: GameText) -> ImportedGame:
    """Converts a game to its stored form. Raises RequestError for a game that the database cannot store."""
    position = replay(text.moves, text.variant, text.size)
    won_by = "unfinished" if position["winner"] == IN_PLAY else cast(WonBy, WON_BY[position["won_by"]])
    refuse_impossible(text.variant, text.size, text.moves, won_by)
    winner = None if text.result is None else _WINNERS_BY_RESULT[text.result]
    return ImportedGame(text.variant, text.size, text.moves, winner, won_by, text.headers, text.comments)


def export_records(store: Store, path: StrPath) -> ExportReport:
    """Writes every record as a row of a Parquet file, with the columns listed in docs/records.md.

    Raises RequestError when pyarrow is not installed, FailureError when the file cannot be written.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise RequestError("Parquet needs pyarrow: install it with `pip install 'alphapente[parquet]'`") from error
    schema = _parquet_table(pyarrow, decode_records([], "pente", MAX_SIZE)).schema
    path, count = Path(path), 0
    stats = store.stats()
    with writing(path) as file, pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for pool in stats.pools:
            for batch in store.record_batches(pool.variant, pool.board_size):
                writer.write_table(_parquet_table(pyarrow, batch))
                count += len(batch)
    return ExportReport(path, stats.games, count, path.stat().st_size)


def _parquet_table(pa: Any, batch: RecordBatch) -> Any:
    """The records as a table of pyarrow (`pa`): the columns of COLUMNS, with `variant` and `board_size` after the game.

    Boards and policies are lists; numbers that are unknown are null.
    """
    count, area = batch.boards.shape
    same = np.zeros(count, np.int8)

    def lists(values: Any, ends: Any) -> Any:
        return pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), pa.array(values))

    table: dict[str, Any] = {}
    for column in COLUMNS:
        if column.encoding == "board":
            table[column.name] = lists(batch.boards.reshape(-1), np.arange(count + 1) * area)
        elif column.encoding == "policy":
            table |= {name: lists(getattr(batch, name), batch.offsets) for name in ("points", "visits", "targets")}
        else:
            numbers = column.values(batch)
            table[column.name] = pa.array(numbers, mask=column.is_null(numbers))
        if column.name == "game_id":
            table["variant"] = pa.DictionaryArray.from_arrays(pa.array(same), pa.array([batch.variant]))
            table["board_size"] = pa.array(same + np.int8(batch.board_size))
    return pa.table(table)
