"""Reads records by key; two threads overlap SQLite's reads with the decoding.

A record drawn at random is on a different page of the file than the others, and fetching the page takes as long as all
other work on the record. SQLite releases Python's lock meanwhile. So two threads, each with its own connection, take
turns: one decodes its rows while the other fetches pages. Adjacent records share pages and are read by one thread.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, CursorResult, Row, bindparam, select

from alphapente.records.driver import KEYS_PER_QUERY, padded
from alphapente.records.model import RecordBatch
from alphapente.records.schema import RECORDS

READERS = 2
"""Number of threads for scattered records: one fetches while the other decodes."""

_BY_RANGE = select(RECORDS).where(RECORDS.c.id.between(bindparam("first"), bindparam("last"))).order_by(RECORDS.c.id)

Rows = Sequence[Row[Any]]


def read_by_key(
    reading: Callable[[], AbstractContextManager[Connection]],
    keys: NDArray[np.int64],
    by_keys_sql: str,
    decode_fn: Callable[[Sequence[int], Rows], RecordBatch],
) -> list[RecordBatch]:
    """Returns the records of the keys (int64[n], rising) in their order, in batches of some hundreds.

    ``reading()`` opens a transaction; `by_keys_sql` is `driver.select_records` of its dialect.
    ``decode_fn(keys, rows)`` converts the rows to a batch, and raises if they are not the rows of the keys.
    """
    parts = [keys[start : start + KEYS_PER_QUERY].tolist() for start in range(0, len(keys), KEYS_PER_QUERY)]
    scattered = [number for number, part in enumerate(parts) if not _adjoin(part)]
    adjoining = [number for number, part in enumerate(parts) if _adjoin(part)]
    batches: dict[int, RecordBatch] = {}
    turn = threading.Lock()

    def read(numbers: Iterator[int]) -> None:
        with reading() as connection:
            for number in numbers:
                result = _find(connection, by_keys_sql, parts[number])
                with turn:  # without it the threads would exchange Python's lock at every row
                    batches[number] = decode_fn(parts[number], result.all())

    if len(scattered) > READERS:
        shared = iter(scattered)
        with ThreadPoolExecutor(READERS, "read-records") as threads:
            for done in [threads.submit(read, shared) for _ in range(READERS)]:
                done.result()
        scattered = []
    read(iter(scattered + adjoining))
    return [batches[number] for number in range(len(parts))]


def _find(connection: Connection, by_keys_sql: str, part: Sequence[int]) -> CursorResult[Any]:
    """Starts the query for some keys, by range if they are consecutive."""
    if _adjoin(part):
        return connection.execute(_BY_RANGE, {"first": part[0], "last": part[-1]})
    return connection.exec_driver_sql(by_keys_sql, padded(part))


def _adjoin(part: Sequence[int]) -> bool:
    return part[-1] - part[0] == len(part) - 1
