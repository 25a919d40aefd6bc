"""The statements for thousands of rows, in the SQL of the database's driver.

SQLAlchemy compiles them once for the dialect. `Connection.exec_driver_sql` runs them with plain tuples, which costs a
fraction of a dictionary for each row.
"""

import itertools
from collections.abc import Sequence

from sqlalchemy import BindParameter, Dialect, bindparam, insert, literal_column, select

from alphapente.records.schema import RECORDS

KEYS_PER_QUERY = 500
"""Below the limit of every SQLite, and few enough that the rows stay in the processor's cache until decoded."""


def insert_records(dialect: Dialect) -> str:
    """SQL that adds records; a row is a tuple in the order of COLUMNS."""
    return str(insert(RECORDS).compile(dialect=dialect))


def select_records(dialect: Dialect) -> str:
    """SQL that reads the records of the keys from `padded`, by rising key, in the order of COLUMNS.

    SQLite sorts by an expression only after it has read all rows. So it reads them all at once, as `reading` requires.
    """
    keys: list[BindParameter[int]] = [bindparam(f"key{number}") for number in range(KEYS_PER_QUERY)]
    query = select(RECORDS).where(RECORDS.c.id.in_(keys)).order_by(RECORDS.c.id + literal_column("0"))
    return str(query.compile(dialect=dialect))


def padded(keys: Sequence[int]) -> tuple[int, ...]:
    """Pads 1 to KEYS_PER_QUERY keys to KEYS_PER_QUERY parameters by repeating the last, which reads no further row."""
    return (*keys, *itertools.repeat(keys[-1], KEYS_PER_QUERY - len(keys)))
