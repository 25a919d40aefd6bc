"""Imports: valid games are stored in one transaction, rejected ones listed; an export returns the same games."""

import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from sqlalchemy import event

from alphapente.errors import RequestError
from alphapente.records.check import check
from alphapente.records.connect import DatabaseError
from alphapente.records.exchange import export_games, import_games
from alphapente.records.store import Store
from alphapente.rules import read_games

from ..rules.game_texts import game_texts, pente_org_games

GAME = '[Game "Pente"]\n[Player 1 Name "alice"]\n[Result "1-0"]\n\n1. K10 L9 2. K14 1-0\n\n'
ILLEGAL = GAME.replace("K14", "L11")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        yield opened


@pytest.fixture(scope="module")
def many_games() -> str:
    """300 games in pente.org's format, 7 of them with an illegal move."""
    return "\n".join(pente_org_games(300, illegal=7))


def test_bad_games_are_listed_and_the_others_stored(store: Store, tmp_path: Path, many_games: str) -> None:
    file = tmp_path / "games.txt"
    file.write_text(many_games)
    report = import_games(store, file)
    assert (report.found, report.games, len(report.rejected), report.notes) == (300, 293, 7, [])
    lines = many_games.splitlines()
    for remark in report.rejected:
        assert "is occupied by" in remark.text or "is over" in remark.text
        assert f'[Event "Game {remark.game}"]' in lines[: remark.line]
        assert f'[Event "Game {remark.game + 1}"]' not in lines[: remark.line]
    assert sum(report.by_pool.values()) == 293
    assert check(store).findings == []


def test_a_strict_import_stores_all_or_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "games.txt").write_text(GAME + ILLEGAL + GAME)
    report = import_games(store, tmp_path / "games.txt", strict=True)
    assert (report.found, report.games, len(report.rejected)) == (3, 0, 1)
    assert list(store.games()) == []
    (tmp_path / "games.txt").write_text(GAME + GAME)
    assert import_games(store, tmp_path / "games.txt", strict=True).games == 2


@pytest.mark.parametrize(("variant", "size"), [("chess", 19), ("pente", 50)])
def test_a_wrong_variant_or_size_is_no_fault_of_the_games(
    store: Store, tmp_path: Path, variant: str, size: int
) -> None:
    (tmp_path / "games.txt").write_text("1. K10")
    with pytest.raises(RequestError, match=r"unknown variant|board size 50"):
        import_games(store, tmp_path / "games.txt", variant, size)


def test_what_the_old_reader_accepted_can_be_exported(store: Store, tmp_path: Path) -> None:
    heads = '[Date "{}"]\n[Site "a "b" \\c"]\n\n1. K10 {{x}} L9 ; y }} z\n\n'
    file = tmp_path / "games.txt"
    file.write_text("".join(heads.format(date) for date in ("2014.??.??", "19/01/2014", "2014.01.19", "today")))
    assert import_games(store, file).rejected == []
    export_games(store, tmp_path / "out.txt")
    again = read_games((tmp_path / "out.txt").read_text())
    assert [game.headers["Date"] for game in again] == ["2014.??.??", "19/01/2014", "01/19/2014", "today"]
    assert {game.headers["Site"] for game in again} == {'a "b" \\c'}
    assert [game.comments for game in again] == [{1: "x", 2: "y } z"}] * 4


def test_games_without_moves_are_stored(store: Store, tmp_path: Path) -> None:
    heads = '[Game "Keryo-Pente"]\n[Result "{}"]\n\n'
    (tmp_path / "games.txt").write_text(heads.format("0-1") + heads.format("*"))
    report = import_games(store, tmp_path / "games.txt")
    assert [remark.text for remark in report.notes] == ["headers only: read as a game without moves"] * 2
    forfeited, unknown = store.games()
    assert (forfeited.moves, forfeited.winner, forfeited.won_by, forfeited.variant) == ([], 2, "unfinished", "keryo")
    assert unknown.winner is None
    assert check(store).findings == []
    assert export_games(store, tmp_path / "out.txt").games == 2
    assert len(store.page_of_games(10)) == 2
    assert store.stats().pools[0].mean_plies == 0


@settings(max_examples=10, deadline=None, derandomize=True)
@given(text=game_texts())
def test_import_export_and_import_give_the_same_games(text: str) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        with Store(folder / "a.db") as first, Store(folder / "b.db") as second:
            (folder / "in.txt").write_bytes(text.encode())
            import_games(first, folder / "in.txt")
            export_games(first, folder / "out.txt")
            assert import_games(second, folder / "out.txt").rejected == []
            assert [_content(game) for game in first.games()] == [_content(game) for game in second.games()]


def _content(game: object) -> list[object]:
    names = ("variant", "board_size", "moves", "winner", "won_by", "headers", "comments")
    return [getattr(game, name) for name in names]


def large_file(path: Path, games: int) -> Path:
    """A file of games that are fast to read and take 4 kB each in the database."""
    path.write_text(f'[Game "Pente"]\n[Event "{"x" * 4000}"]\n\n?\n\n' * games)
    return path


def test_a_full_disk_stores_no_game_of_the_file(store: Store, tmp_path: Path) -> None:
    file = large_file(tmp_path / "games.txt", 500)
    import_games(store, large_file(tmp_path / "few.txt", 2))

    @event.listens_for(store._engine, "connect")
    def limit(connection: object, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 200")  # type: ignore[attr-defined]

    store._engine.dispose()
    with pytest.raises(DatabaseError, match="the disk is full"):
        import_games(store, file)
    assert store.num_games("pente", 19) == len(list(store.games())) == 2
    event.remove(store._engine, "connect", limit)
    store._engine.dispose()
    assert import_games(store, file).games == 500
    assert store.num_games("pente", 19) == len(list(store.games())) == 502


def _import(database: Path, file: Path) -> None:
    with Store(database) as store:
        import_games(store, file)


def test_an_import_killed_in_its_transaction_can_be_run_again(store: Store, tmp_path: Path) -> None:
    games = 1500
    file = large_file(tmp_path / "games.txt", games)
    log = tmp_path / "records.db-wal"
    size = log.stat().st_size
    child = multiprocessing.get_context("fork").Process(target=_import, args=(tmp_path / "records.db", file))
    child.start()
    while log.stat().st_size < size + 1_000_000 and child.is_alive():
        time.sleep(0.001)
    child.kill()
    child.join()
    stored = store.num_games("pente", 19)
    assert stored in (0, games)
    if not stored:
        import_games(store, file)
    assert store.num_games("pente", 19) == len(list(store.games())) == games
    assert check(store).findings == []
