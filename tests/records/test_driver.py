"""The statements for thousands of rows: positional parameters, columns in one order."""

import pytest
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from alphapente.records import driver
from alphapente.records.columns import COLUMNS

NAMES = [column.name for column in COLUMNS]
DIALECTS = [(SQLiteDialect(), "?"), (PGDialect(paramstyle="format"), "%s")]  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(("dialect", "mark"), DIALECTS, ids=["sqlite", "postgresql"])
def test_statements_take_their_parameters_by_place(dialect: Dialect, mark: str) -> None:
    inserting = driver.insert_records(dialect)
    assert f"({', '.join(NAMES)})" in inserting
    assert inserting.count(mark) == len(NAMES)
    selecting = driver.select_records(dialect)
    assert selecting.count(mark) == driver.KEYS_PER_QUERY
    columns = selecting.split("FROM")[0].removeprefix("SELECT").split(",")
    assert [name.strip().removeprefix("records.") for name in columns] == NAMES


@pytest.mark.parametrize("count", [1, 7, driver.KEYS_PER_QUERY])
def test_keys_are_padded_with_one_of_them(count: int) -> None:
    keys = list(range(100, 100 + count))
    padded = driver.padded(keys)
    assert len(padded) == driver.KEYS_PER_QUERY
    assert padded[:count] == tuple(keys)
    assert set(padded) == set(keys)
