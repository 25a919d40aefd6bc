"""The definition of a record's columns against everything that has them: arrays, rows, Parquet, documentation."""

import dataclasses
import re
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from numpy.typing import NDArray

from alphapente.records import codec, exchange
from alphapente.records.check import check
from alphapente.records.columns import ARRAYS, COLUMNS, ENCODED, OF_GAME, POLICY_ARRAYS, Column
from alphapente.records.model import RecordBatch, SearchRecord
from alphapente.records.schema import RECORDS, SCHEMA_VERSION
from alphapente.records.store import Store
from alphapente.training.batches import samples_of
from alphapente.training.measure import random_records
from tests.records.test_check_of_records import checked

from .samples import random_game

PAGE = (Path(__file__).parents[2] / "docs" / "records.md").read_text(encoding="utf-8")
SEARCHED = [column for column in COLUMNS if column.origin == "search"]
LIMITED = [column for column in COLUMNS if column.allowed is not None and np.isfinite(column.allowed).all()]


def named(column: Column) -> str:
    return column.name


def test_the_definition_is_sound() -> None:
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    assert names == [column.name for column in RECORDS.columns]
    assert {column.since for column in COLUMNS} <= set(range(1, SCHEMA_VERSION + 1))
    assert [column.since for column in COLUMNS] == sorted(column.since for column in COLUMNS)  # ALTER TABLE appends
    assert COLUMNS[2:] == ENCODED  # `writing.insert_records` adds key and game before them
    for column in COLUMNS:
        assert (column.encoding == "number") == (column.sql_type != "{blob}")
        assert column.since == 1 or column.unknown is not None or "DEFAULT" in column.constraint, column.name
        assert column.unknown is None or np.isnan(column.unknown) == issubclass(column.dtype, np.floating)


def test_the_arrays_of_a_batch_are_those_of_the_columns() -> None:
    hints = get_type_hints(RecordBatch)
    assert {name for name, hint in hints.items() if hint not in (str, int)} == set(ARRAYS)
    for name, dtype in ARRAYS.items():
        assert hints[name] == NDArray[dtype], name  # type: ignore[valid-type]
    game = random_game(1)
    rows = [(key, 7, *row) for key, row in enumerate(zip(*codec.encode_records(game), strict=True))]
    for batch in (codec.decode_records(rows, "pente", 9), random_records(20, 9)):
        assert {name: getattr(batch, name).dtype for name in ARRAYS} == {
            name: np.dtype(dtype) for name, dtype in ARRAYS.items()
        }
        for column in COLUMNS:
            if column.encoding == "number":
                assert column.values(batch).shape == (len(batch),)
                assert not column.is_outside(column.values(batch))[~column.is_null(column.values(batch))].any()


def test_training_takes_the_arrays_as_they_are() -> None:
    records = random_records(20, 9)
    samples = samples_of(records, 0.5)
    taken = set(samples._fields) & set(ARRAYS)
    assert taken >= {"boards", "points", "targets", "unlisted", "policy_weight", "next_point"}
    for name in taken:
        assert np.shares_memory(getattr(samples, name), getattr(records, name)), name


def test_a_search_gives_each_of_its_columns() -> None:
    fields = {field.name for field in dataclasses.fields(SearchRecord)}
    given = {"board" if column.encoding == "board" else column.array for column in SEARCHED}
    assert fields == given | (set(POLICY_ARRAYS) - {"offsets"})


def test_the_documentation_has_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| (\d) \| (.*) \|$", PAGE, re.MULTILINE)
    assert rows == [(column.name, str(column.since), column.meaning) for column in COLUMNS]


def test_a_row_of_parquet_has_the_columns_with_the_policy_as_lists(tmp_path: Path) -> None:
    """The names and types that other programs read; they must not change."""
    parquet = pytest.importorskip("pyarrow.parquet")
    with Store(tmp_path / "records.db") as store:
        exchange.export_records(store, tmp_path / "empty.parquet")
        store.add_game(random_game(1))
        store.add_game(random_game(2, "boat", 7))
        exchange.export_records(store, tmp_path / "records.parquet")
    for file in ("empty.parquet", "records.parquet"):
        schema = parquet.read_schema(tmp_path / file)
        expected = {
            "id": "int64",
            "game_id": "int64",
            "variant": "dictionary<values=string, indices=int8, ordered=0>",
            "board_size": "int8",
            "ply": "int16",
            "board": "list<item: int8>",
            "captured1": "int16",
            "captured2": "int16",
            "to_move": "int8",
            "points": "list<item: int16>",
            "visits": "list<item: int32>",
            "targets": "list<item: float>",
            "rest": "float",
            "search_value": "float",
            "random_value": "float",
            "outcome": "int8",
            "simulations": "int32",
            "policy_weight": "float",
            "surprise": "float",
            "next_point": "int16",
            "plies_left": "int16",
            "end_captured1": "int16",
            "end_captured2": "int16",
        }
        assert [(field.name, str(field.type).replace("element", "item")) for field in schema] == list(expected.items())


@pytest.mark.parametrize("column", LIMITED, ids=named)
def test_a_number_outside_of_its_range_is_found(tmp_path: Path, column: Column) -> None:
    assert column.allowed is not None
    path = tmp_path / "records.db"
    with Store(path) as store:
        store.add_game(random_game(3))
    report = checked(path, f"UPDATE records SET {column.name} = {column.allowed[1] + 1} WHERE ply = 2")
    (finding, *_) = [found for found in report.findings if "allowed is" in found.problem]
    assert (finding.game_id, finding.ply) == (1, 2)
    assert f"{column.name} is" in finding.problem


WRONG = [
    (column, value) for column in OF_GAME for value in ("7", "NULL") if value != "NULL" or column.unknown is not None
]


@pytest.mark.parametrize(("column", "value"), WRONG, ids=lambda one: one.name if isinstance(one, Column) else one)
def test_what_the_game_contradicts_is_found(tmp_path: Path, column: Column, value: str) -> None:
    path = tmp_path / "records.db"
    with Store(path) as store:
        store.add_game(random_game(3))
        assert check(store).findings == []
    report = checked(path, f"UPDATE records SET {column.name} = {value} WHERE ply = 2")
    (finding,) = report.findings
    found = "None" if value == "NULL" else value
    assert (finding.game_id, finding.ply) == (1, 2)
    assert f"the record's {column.name} is {found}, but the game makes it" in finding.problem


def test_records_of_older_versions_say_nothing_of_what_followed(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    with Store(path) as store:
        store.add_game(random_game(3))
    unknown = ", ".join(f"{column.name} = NULL" for column in OF_GAME if column.since > 1)
    assert checked(path, f"UPDATE records SET {unknown} WHERE ply = 2").findings == []
