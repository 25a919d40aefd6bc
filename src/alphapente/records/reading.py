"""Reads records by their keys, with the database and the decoding at work at the same time.

A record drawn at random lies on a page of its own, and to fetch that page takes SQLite as long as all else that is done
with the record. Python's lock is free meanwhile: so two threads take turns, each with a connection of its own, and one
decodes its rows while the pages of the other are fetched. Neighbours share their pages, and need none of this.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, CursorResult, Row, bindparam, select

from alphapente.records.codec import RECORD_COLUMNS
from alphapente.records.driver import KEYS_PER_QUERY, padded
from alphapente.records.model import RecordBatch
from alphapente.records.schema import RECORDS

READERS = 2
"""Threads that read scattered records: one fetches while the other decodes."""

_BY_RANGE = (
    select(*(RECORDS.c[name] for name in RECORD_COLUMNS))
    .where(RECORDS.c.id.between(bindparam("first"), bindparam("last")))
    .order_by(RECORDS.c.id)
)

Rows = Sequence[Row[Any]]


def read_by_key(
    reading: Callable[[], AbstractContextManager[Connection]],
    keys: NDArray[np.int64],
    by_keys_sql: str,
    decode_fn: Callable[[Sequence[int], Rows], RecordBatch],
) -> list[RecordBatch]:
    """The records of the keys (int64[n], rising), some hundreds in each batch, in their order.

    ``reading()`` opens a transaction; `by_keys_sql` is `driver.select_records` of its dialect.
    ``decode_fn(keys, rows)`` makes a batch of what was found, and raises where that is not what it should be.
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
                with turn:  # else the threads would hand Python's lock to each other at every row
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
    """Starts the query for some keys: by their range where they are neighbours."""
    if _adjoin(part):
        return connection.execute(_BY_RANGE, {"first": part[0], "last": part[-1]})
    return connection.exec_driver_sql(by_keys_sql, padded(part))


def _adjoin(part: Sequence[int]) -> bool:
    return part[-1] - part[0] == len(part) - 1
