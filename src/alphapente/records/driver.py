"""The statements that move thousands of rows, as the database's driver itself takes them.

SQLAlchemy makes them once for the dialect at hand, and `Connection.exec_driver_sql` runs them with plain tuples: a
fraction of the cost of a dictionary for each row.
"""

import itertools
from collections.abc import Sequence

from sqlalchemy import BindParameter, Dialect, bindparam, insert, literal_column, select

from alphapente.records.codec import RECORD_COLUMNS
from alphapente.records.schema import RECORDS

KEYS_PER_QUERY = 500
"""Few enough for any SQLite, and for a processor's cache to hold their rows until they are arrays."""


def insert_records(dialect: Dialect) -> str:
    """Adds records; a row is a tuple in the order of RECORD_COLUMNS."""
    compiled = insert(RECORDS).compile(dialect=dialect)
    assert tuple(compiled.positiontup or ()) == RECORD_COLUMNS, "the table's columns stand in another order"
    return str(compiled)


def select_records(dialect: Dialect) -> str:
    """Reads the records of the keys that `padded` makes parameters of, by rising key, as RECORD_COLUMNS.

    SQLite sorts by an expression only when it has all rows: so it reads them in one go, as `reading` wants it.
    """
    keys: list[BindParameter[int]] = [bindparam(f"key{number}") for number in range(KEYS_PER_QUERY)]
    columns = [RECORDS.c[name] for name in RECORD_COLUMNS]
    query = select(*columns).where(RECORDS.c.id.in_(keys)).order_by(RECORDS.c.id + literal_column("0"))
    return str(query.compile(dialect=dialect))


def padded(keys: Sequence[int]) -> tuple[int, ...]:
    """1 to KEYS_PER_QUERY keys as KEYS_PER_QUERY parameters: the last one again and again reads nothing more."""
    return (*keys, *itertools.repeat(keys[-1], KEYS_PER_QUERY - len(keys)))
