"""The networks that clients may choose: the included one and those of the configured folder. Clients name no paths.

A network is loaded at its first use. It is freed when it was idle for some time, or when others need its place.
Searches borrow its evaluators for a moment, so that many searches share one evaluator for each thread.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from alphapente.config import Config
from alphapente.network.device import choose_device
from alphapente.network.evaluator import Evaluator
from alphapente.network.paths import SHIPPED, checkpoint_path, history_folder, opponent_path
from alphapente.pipeline.history import read_history
from alphapente.web.errors import WebError

if TYPE_CHECKING:
    from alphapente.network.load import PlayableNetwork

Kind = Literal["shipped", "checkpoint", "history"]
SHIPPED_ID = "shipped"
_MOST_SIZES = 3
"""Number of board sizes, the last ones used, for which a network's evaluators are kept."""
_LISTED_S = 2.0
"""Seconds for which a list of the folder is reused."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A network to choose from. `path` None: a fresh network, if there is no other."""

    id: str
    title: str
    kind: Kind
    model_type: str
    step: int
    path: Path | None
    digest: str = ""
    """Digest of its weights, if they were read."""


@dataclass(slots=True, eq=False)
class Loaded:
    """A network in memory. `key` is unique for each content; `free` are its idle evaluators, by board size.

    A search that has one may use it to its end, even if the network was freed meanwhile.
    """

    key: str
    network: "PlayableNetwork"
    used_at: float
    free: dict[int, list[Evaluator]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Header:
    model_type: str
    step: int
    digest: str


class Networks:
    """All networks of a server. Any thread may call any method."""

    def __init__(self, config: Config) -> None:
        """Raises RequestError if `network.device` is not available."""
        choose_device(config.network.device)
        self._config = config
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self._loaded: dict[str, Loaded] = {}
        self._headers: dict[Path, tuple[tuple[int, int], _Header]] = {}
        self._listed: tuple[float, list[Entry]] | None = None

    # --- the list of networks ---

    def entries(self) -> list[Entry]:
        """All networks: the included one, the newest of each model type, and those that runs have kept."""
        with self._lock:
            if self._listed is not None and time.monotonic() - self._listed[0] < _LISTED_S:
                return self._listed[1]
        found = [*self._shipped(), *self._checkpoints(), *self._history()]
        if not found:
            model_type = self._config.generation.model_type
            found = [Entry(f"fresh:{model_type}", f"a fresh {model_type} network", "checkpoint", model_type, 0, None)]
        with self._lock:
            self._listed = time.monotonic(), found
        return found

    def default_id(self) -> str:
        """The id of the default network: the configuration's own, else the included one."""
        entries, own = self.entries(), opponent_path(self._config)
        return next((one.id for one in entries if one.path == own), entries[0].id)

    def find(self, network_id: str | None) -> Entry:
        """The network of this id; the default for None. Raises WebError for an unknown id."""
        wanted = self.default_id() if network_id is None else network_id
        for one in self.entries():
            if one.id == wanted:
                return one
        raise WebError(404, "no_network", f"there is no network {wanted!r}: choose an id that GET /api/v1/networks has")

    def _shipped(self) -> list[Entry]:
        header = self._header(SHIPPED)
        if header is None:
            return []
        title = f"included network ({header.model_type}, step {header.step:,})"
        return [Entry(SHIPPED_ID, title, "shipped", header.model_type, header.step, SHIPPED, header.digest)]

    def _checkpoints(self) -> list[Entry]:
        found = []
        for model_type in self._config.models:
            path = checkpoint_path(self._config, model_type)
            header = self._header(path)
            if header is not None:
                title = f"{model_type}, newest (step {header.step:,})"
                found.append(
                    Entry(f"checkpoint:{model_type}", title, "checkpoint", model_type, header.step, path, header.digest)
                )
        return found

    def _history(self) -> list[Entry]:
        folder = history_folder(self._config)
        return [
            Entry(
                id=f"history:{kept.checkpoint}",
                title=f"{kept.model_type} step {kept.step:,}, cycle {kept.cycle}",
                kind="history",
                model_type=kept.model_type,
                step=kept.step,
                path=folder / kept.checkpoint,
            )
            for kept in reversed(read_history(folder.parent))
            if Path(kept.checkpoint).name == kept.checkpoint  # a line of the log must not lead to another folder
        ]

    def _header(self, path: Path) -> _Header | None:
        """The header of a checkpoint; None if it is missing or cannot be read."""
        from alphapente.network import checkpoint

        try:
            status = path.stat()
            written = status.st_mtime_ns, status.st_size
            known = self._headers.get(path)
            if known is None or known[0] != written:
                stored = checkpoint.read(path)
                header = _Header(stored.model_type, stored.step, checkpoint.weights_digest(stored))
                known = self._headers[path] = written, header
            return known[1]
        except (OSError, checkpoint.CheckpointError):
            return None

    # --- networks in memory ---

    def load(self, entry: Entry) -> Loaded:
        """The network in memory; loading takes one or two seconds.

        Raises CheckpointError if it cannot be used, WebError if its file was deleted.
        """
        key = self._key(entry)
        with self._lock:
            turn = self._loading.setdefault(key, threading.Lock())
        with turn:  # a network is loaded once for all who wait; other networks are not delayed
            try:
                with self._lock:
                    loaded = self._loaded.get(key)
                    if loaded is not None:
                        loaded.used_at = time.monotonic()
                        return loaded
                loaded = Loaded(key, self._read(entry), time.monotonic())
                with self._lock:
                    self._loaded[key] = loaded
                    self._forget_longest_unused()
            finally:
                with self._lock:
                    self._loading.pop(key, None)
        return loaded

    @contextmanager
    def borrow(self, loaded: Loaded, board_size: int) -> Iterator[Evaluator]:
        """An evaluator for `search.leaves_at_once` positions, for exclusive use in the block."""
        with self._lock:
            loaded.used_at = time.monotonic()
            free = loaded.free[board_size] = loaded.free.pop(board_size, [])  # most recently used last
            while len(loaded.free) > _MOST_SIZES:
                del loaded.free[next(iter(loaded.free))]
            evaluator = free.pop() if free else None
        if evaluator is None:
            evaluator = loaded.network.evaluator(self._config.search.leaves_at_once, board_size)
        try:
            yield evaluator
        finally:
            with self._lock:
                free.append(evaluator)

    def free_idle(self, idle_s: float) -> None:
        """Frees the networks that were idle for `idle_s` seconds."""
        with self._lock:
            now = time.monotonic()
            self._loaded = {key: one for key, one in self._loaded.items() if now - one.used_at < idle_s}

    def num_loaded(self) -> int:
        """Number of networks in memory."""
        with self._lock:
            return len(self._loaded)

    def _key(self, entry: Entry) -> str:
        """A key that differs for each content of the file: a replaced checkpoint is loaded again."""
        if entry.path is None:
            return entry.id
        try:
            status = entry.path.stat()
        except OSError:
            raise WebError(404, "no_network", f"the file of network {entry.id} was deleted: choose another") from None
        return f"{entry.id}@{status.st_mtime_ns}"

    def _read(self, entry: Entry) -> "PlayableNetwork":
        from alphapente.network.load import load_network, load_network_of_type

        if entry.path is None:
            return load_network_of_type(self._config, entry.model_type)
        return load_network(self._config, entry.path)

    def _forget_longest_unused(self) -> None:
        while len(self._loaded) > self._config.web.max_networks:
            del self._loaded[min(self._loaded, key=lambda key: self._loaded[key].used_at)]
