"""Export of games and records, import of games."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from alphapente.errors import FailureError, RequestError
from alphapente.records import exchange
from alphapente.records.check import check
from alphapente.records.store import Store
from alphapente.rules.position import VARIANTS

from .samples import plain_game, random_game

REAL = """[Game "Pente"]
[Site "Pente.org"]
[Date "01/19/2014"]
[Player 1 Name "alice"]
[Player 2 Name "bob"]
[Player 1 Rating "2488"]
[Result "1-0"]

1. K10 M9 2. N10 M7 3. M8 O7 4. L10 J10 5. M10 O10 6. L9 N7 7. L7 P7 8. Q7 L11
9. L8 L6 10. K8 J9 11. J11 H12 12. J8 N8 13. H8 1-0
"""
RESIGNED = '[Game "Keryo-Pente"]\n[Player 1 Name "Renée"]\n[Result "0-1"]\n\n1. K10 L9 2. K14 0-1\n'
OPEN = "1. K10 L9 2. K14 N11 3. K12\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        yield opened


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_games_are_imported_with_their_results(store: Store, tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "games.txt"
    file.write_bytes("\n".join([REAL, RESIGNED, OPEN]).replace("\n", "\r\n").encode(encoding))
    report = exchange.import_games(store, file)
    assert (report.games, report.plies) == (3, 25 + 3 + 5)
    assert report.by_pool == {("pente", 19): 2, ("keryo", 19): 1}
    real, resigned, unfinished = store.games()
    assert (real.winner, real.won_by, real.source, real.num_records) == (1, "five", "import", 0)
    assert (resigned.winner, resigned.won_by, resigned.variant) == (2, "unfinished", "keryo")
    assert resigned.headers["Player 1 Name"] == "Renée"
    assert (unfinished.winner, unfinished.won_by) == (None, "unfinished")
    assert store.num_records("pente", 19) == 0
    assert check(store).findings == []


def test_imported_games_are_exported_unchanged(store: Store, tmp_path: Path) -> None:
    (tmp_path / "games.txt").write_text(REAL)
    exchange.import_games(store, tmp_path / "games.txt")
    report = exchange.export_games(store, tmp_path / "sub" / "out.txt")
    assert report.path.read_text() == REAL
    assert (report.games, report.size_bytes) == (1, len(REAL))


@pytest.mark.parametrize("size", [7, 19])
def test_games_of_self_play_survive_as_text(tmp_path: Path, size: int) -> None:
    with Store(tmp_path / "first.db") as first, Store(tmp_path / "second.db") as second:
        for seed, variant in enumerate(VARIANTS):
            first.add_game(random_game(seed, variant, size, max_records=2))
        exchange.export_games(first, tmp_path / "games.txt")
        exchange.import_games(second, tmp_path / "games.txt")
        there, back = list(first.games()), list(second.games())
    assert len(back) == len(VARIANTS)
    for game, again in zip(there, back, strict=True):
        for name in ("variant", "board_size", "moves", "winner", "won_by"):
            assert getattr(again, name) == getattr(game, name), name
    assert back[0].headers["Player 1 Name"] == "simple step 1000"
    assert back[0].headers["Player 2 Type"] == "Computer"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "holds no game"),
        (b"\n \n", "holds no game"),
        (b"{only a comment}", "holds no game"),
        (b"\x00\xff\xfe\x01", "bad.txt: it is not text"),
        ("1. K10".encode("utf-16"), "bad.txt: it is UTF-16: save it as UTF-8"),
    ],
)
def test_a_text_that_is_wrong_stores_nothing(store: Store, tmp_path: Path, content: bytes, line: str) -> None:
    (tmp_path / "bad.txt").write_bytes(content)
    with pytest.raises(RequestError, match=line):
        exchange.import_games(store, tmp_path / "bad.txt")
    assert list(store.games()) == []


def test_a_missing_text_is_reported(store: Store, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"none\.txt cannot be read: No such file"):
        exchange.import_games(store, tmp_path / "none.txt")


def test_records_become_parquet(store: Store, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    game = random_game(1)
    valued = dataclasses.replace(game.records[0], random_value=-0.5)
    store.add_game(dataclasses.replace(game, records=[valued, *game.records[1:]]))
    store.add_game(random_game(2, "boat", 7))
    report = exchange.export_records(store, tmp_path / "records.parquet")
    table = parquet.read_table(tmp_path / "records.parquet").to_pylist()
    assert report.records == len(table) == store.num_records("pente", 9) + store.num_records("boat", 7)
    batch = store.sample("recent", 1000, np.random.default_rng(1), "pente", 9)
    for index, row in enumerate(table[: len(batch)]):
        entries = slice(batch.offsets[index], batch.offsets[index + 1])
        assert (row["variant"], row["board_size"], row["ply"]) == ("pente", 9, batch.ply[index])
        assert row["board"] == batch.boards[index].tolist()
        assert row["points"] == batch.points[entries].tolist()
        assert row["visits"] == batch.visits[entries].tolist()
        np.testing.assert_allclose(row["targets"], batch.targets[entries])
        assert row["outcome"] == batch.outcome[index]
        assert row["captured2"] == batch.captured[index, 1]
        assert (row["policy_weight"], row["surprise"]) == (1, None)
        assert row["next_point"] == (None if batch.next_point[index] < 0 else batch.next_point[index])
        assert row["plies_left"] == batch.plies_left[index]
        assert [row["end_captured1"], row["end_captured2"]] == batch.end_captured[index].tolist()
    assert [row["random_value"] for row in table[:2]] == [-0.5, None]
    assert (table[-1]["variant"], len(table[-1]["board"])) == ("boat", 49)


def test_an_empty_database_exports_as_empty_files(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert exchange.export_games(store, tmp_path / "games.txt").games == 0
    assert exchange.export_records(store, tmp_path / "records.parquet").records == 0


def test_parquet_without_pyarrow_names_what_to_install(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as if it were not installed
    with pytest.raises(RequestError, match=r"pip install 'alphapente\[parquet\]'"):
        exchange.export_records(store, tmp_path / "records.parquet")


def test_a_stored_game_that_breaks_the_rules_is_named(store: Store, tmp_path: Path) -> None:
    store.add_game(plain_game(3))
    with pytest.raises(FailureError, match=r"game 1: move 1 of player 1.*records check"):
        exchange.export_games(store, tmp_path / "games.txt")
    assert not (tmp_path / "games.txt").exists()


def test_an_export_to_a_folder_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FailureError, match="is a folder: name a file in it"):
        exchange.export_games(store, tmp_path)
    with pytest.raises(FailureError, match="is a folder: name a file in it"):
        exchange.export_records(store, tmp_path)


@pytest.mark.parametrize("export", [exchange.export_games, exchange.export_records])
def test_an_export_into_a_pipe_writes_what_a_file_would_hold(
    store: Store, tmp_path: Path, export: Callable[[Store, Path], exchange.ExportReport]
) -> None:
    store.add_game(random_game(1))
    fifo, plain = tmp_path / "fifo", tmp_path / "plain"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as reader:
        export(store, fifo)
        assert reader.stdout is not None
        content = reader.stdout.read()
    export(store, plain)
    assert content == plain.read_bytes()
    assert fifo.is_fifo()
