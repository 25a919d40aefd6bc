"""The pool of search threads. Searches run in slices of time, in round-robin order."""

import threading
import time
from collections import deque

from alphapente.config import Config
from alphapente.network.device import num_cores
from alphapente.search import Solver
from alphapente.web.errors import WebError
from alphapente.web.networks import Networks
from alphapente.web.searches import SOLVER_POSITIONS, Listener, Search, SearchSpec, Trees

_IDLE_CHECK_S = 5.0
"""Interval at which the threads free idle trees and networks."""
_CLOSING_S = 10.0


class Engines:
    """The thread pool: one thread for each core, one queue of searches. Any thread may call any method."""

    def __init__(self, config: Config, networks: Networks) -> None:
        self._web = config.web
        self._networks = networks
        self.trees = Trees(config)
        self.num_threads = config.web.threads or num_cores()
        self._changed = threading.Condition()
        self._waiting: deque[Search] = deque()
        self._active = 0
        self._closed = False
        self._idle_checked_at = time.monotonic()
        self._threads: list[threading.Thread] = []

    @property
    def active(self) -> int:
        """Number of active searches."""
        with self._changed:
            return self._active

    def submit(self, spec: SearchSpec, listener: Listener) -> tuple[Search, int]:
        """Starts a search. Returns it and the number of searches that were already active.

        Raises WebError if the limit of active searches is reached.
        """
        search = Search(spec, self._networks, self.trees, listener)
        with self._changed:
            if self._closed:
                raise WebError(503, "closing", "the server is being ended")
            if self._active >= self._web.max_searches:
                raise WebError(
                    429,
                    "too_many_searches",
                    f"{self._active} searches are active, and no more are allowed (web.max_searches): "
                    "try again in a moment",
                )
            ahead, self._active = self._active, self._active + 1
            self._waiting.append(search)
            self._start_threads()
            self._changed.notify()
        return search, ahead

    def close(self) -> None:
        """Ends all searches and the threads."""
        with self._changed:
            self._closed = True
            for search in self._waiting:
                search.cancel()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_CLOSING_S)

    def _start_threads(self) -> None:
        while len(self._threads) < self.num_threads:
            name = f"search {len(self._threads) + 1}"
            self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
            self._threads[-1].start()

    def _work(self) -> None:
        """The main function of a thread: runs a slice of the first search of the queue, then moves it to the end."""
        solver = Solver(SOLVER_POSITIONS)
        while (search := self._next()) is not None:
            finished = True
            try:
                finished = search.run_slice(solver, self._web.slice_ms / 1000)
            except Exception as error:  # reported to the client; the thread continues with other searches
                search.fail(error)
            with self._changed:
                if finished:
                    self._active -= 1
                else:
                    self._waiting.append(search)
                    self._changed.notify()

    def _next(self) -> Search | None:
        """The next search of the queue; None if the pool is closed."""
        with self._changed:
            self._free_idle()
            while not self._waiting and not self._closed:
                self._changed.wait(_IDLE_CHECK_S)
                self._free_idle()
            return None if self._closed else self._waiting.popleft()

    def _free_idle(self) -> None:
        now = time.monotonic()
        if now - self._idle_checked_at > _IDLE_CHECK_S:
            self._idle_checked_at = now
            self.trees.free_idle(self._web.idle_s)
            self._networks.free_idle(self._web.idle_s)
