"""Read access to the records for the page. Each request opens the database, since other processes write to it."""

from collections.abc import Iterator
from contextlib import contextmanager

from alphapente.config import Config
from alphapente.errors import RequestError
from alphapente.records.store import Store

MAX_LOCK_WAIT_S = 5.0
"""Maximum wait for a locked database: a person waits for the page."""


def open_records(config: Config) -> Store:
    """The configured database, read-only. Raises RequestError if it does not exist, DatabaseError for other faults."""
    return Store(config.records.database, min(config.records.busy_timeout_s, MAX_LOCK_WAIT_S), read_only=True)


@contextmanager
def records_of(config: Config) -> Iterator[Store | None]:
    """The configured database as a context manager; None if it does not exist."""
    try:
        store = open_records(config)
    except RequestError:
        yield None
        return
    with store:
        yield store
