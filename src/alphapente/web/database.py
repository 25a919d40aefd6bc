"""The records as the page reads them: opened anew each time, since others write to them meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from alphapente.config import Config
from alphapente.errors import RequestError
from alphapente.records.store import Store

MAX_LOCK_WAIT_S = 5.0
"""A locked database is waited for so long at most: somebody looks at the page meanwhile."""


def open_records(config: Config) -> Store:
    """The configured database, for reading. Raises RequestError where there is none yet, DatabaseError for others."""
    return Store(config.records.database, min(config.records.busy_timeout_s, MAX_LOCK_WAIT_S), read_only=True)


@contextmanager
def records_of(config: Config) -> Iterator[Store | None]:
    """The same for the time of a block; None where there is none yet."""
    try:
        store = open_records(config)
    except RequestError:
        yield None
        return
    with store:
        yield store
