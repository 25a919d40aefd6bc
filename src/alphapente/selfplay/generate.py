"""The generation step: plays games until enough new records are stored; stores each game when it ends."""

import contextlib
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from alphapente.config import Config
from alphapente.errors import AlphaPenteError, FailureError, RequestError
from alphapente.events import GamesInPlay, GenerationProgress, GenerationSummary, Note, ReportFn
from alphapente.network.device import choose_device
from alphapente.network.paths import checkpoint_path
from alphapente.records.model import GameRecord
from alphapente.rules.position import ENDINGS, WINNER_NAMES
from alphapente.selfplay.process_pool import ProcessPool
from alphapente.selfplay.sizing import PoolSize, pool_size, require_memory
from alphapente.selfplay.worker_pool import Task, WorkerPool

if TYPE_CHECKING:
    from alphapente.network.load import PlayableNetwork
    from alphapente.network.planes import Planes
    from alphapente.records.store import Store

PROGRESS_EVERY_S = 0.5
GAMES_EVERY_S = 1.0
LOOK_FOR_NETWORK_EVERY_S = 2.0


def generate(config: Config, report: ReportFn, stop: Callable[[], bool] = lambda: False) -> GenerationSummary:
    """Plays until `generation.record_limit` new records are stored, `generation.games` are played, or `stop()`.

    Games still in play then are kept in the database; the next generation of the same model continues them. A newer
    checkpoint is loaded while games are in play. Raises AlphaPenteError: see Store, checkpoint and load.
    """
    size = pool_size(config, choose_device(config.network.device, _class_path(config)))
    # Worker processes import modules while this one opens the database and prepares the network.
    worker_pool = new_worker_pool(size)
    try:
        from alphapente.records.store import Store

        with Store(config.records.database, config.records.busy_timeout_s) as store:
            return _Generation(config, report, store, worker_pool, size).run(stop)
    finally:
        worker_pool.abandon()


def _class_path(config: Config) -> str:
    """The class of the model that plays; "" if the configuration does not have the model."""
    settings = config.models.get(config.generation.model_type)
    return settings.class_path if settings else ""


def new_worker_pool(size: PoolSize) -> WorkerPool:
    """Threads that share a GPU, or worker processes, or this process alone for one worker."""
    if size.workers > 1 and size.device != "cuda":
        return ProcessPool(size.workers)
    from alphapente.selfplay.thread_pool import ThreadPool
    from alphapente.selfplay.worker import InProcess

    return InProcess() if size.workers == 1 else ThreadPool(size.workers)


class _Generation:
    """One generation and its counts so far."""

    def __init__(
        self, config: Config, report: ReportFn, store: "Store", worker_pool: WorkerPool, size: PoolSize
    ) -> None:
        self.config, self.report, self.store, self.worker_pool, self.size = config, report, store, worker_pool, size
        from alphapente.selfplay.carried_over import CarriedOver

        self.settings = config.generation
        self.started = time.monotonic()
        self.games = self.records = self.plies = 0
        self.wins: Counter[str] = Counter(dict.fromkeys(WINNER_NAMES.values(), 0))
        self.kinds: Counter[str] = Counter(dict.fromkeys(ENDINGS, 0))
        self.carried_over = 0
        self.network_step = 0
        game = config.game
        self.pool_records = store.num_records(game.variant, game.board_size)
        self.pool_games = store.num_games(game.variant, game.board_size)
        self.left_in_play = CarriedOver(store, config)
        self._ended: deque[GameRecord] = deque()
        """Games that are not stored yet, in the order in which they ended."""

    def run(self, stop: Callable[[], bool]) -> GenerationSummary:
        from alphapente.selfplay import compilation  # numba: the workers import it meanwhile

        require_memory(self.config, self.size)
        compilation.compile_for_job(self.report, stop)
        if not compilation.is_compiled():  # stopped
            return self._summary()
        network = _Network(self.config, self.store, self.size.device)
        try:
            self._begin()
            self._load(network.load())
            self._play(network, stop)
        except Exception as error:  # but not a second Ctrl-C
            try:
                self._stop_workers()
            except AlphaPenteError as second:
                raise error from second
            raise
        self._stop_workers()
        return self._summary()

    def _begin(self) -> None:
        """Sends the task to the workers, with the games that an earlier generation left in play."""
        seed = secrets.randbits(63) if self.settings.seed is None else self.settings.seed
        left, problems = self.left_in_play.claim(self.size.workers * self.size.games)
        for problem in problems:
            self.report(Note(problem))
        task = Task(
            config=self.config,
            device=self.size.device,
            games_in_play=self.size.games,
            run_seed=seed,
            series=self.left_in_play.take_series(),
            settings_id=self.store.settings_id(self.config.dump_json()),
        )
        self.worker_pool.begin(task, self.settings.games, left)
        continued = f", {len(left)} of them from the last generation" if left else ""
        self.report(Note(f"self-play: {self.size}{continued}; seed {seed}; {self.size.reason}"))

    def _load(self, network: "PlayableNetwork") -> None:
        self.worker_pool.load(network)  # first, so that the workers do not wait for the notes
        self.network_step = network.step
        self.report(Note(f"{network.description}, in {network.precision_note}"))
        own = checkpoint_path(self.config, self.settings.model_type)
        others = [] if own.exists() else sorted(path.name for path in own.parent.glob("*_model.pt"))
        if others:
            self.report(
                Note(
                    f"warning: {own.parent} holds {', '.join(others)} and no {own.name}: a fresh network plays. To "
                    "play the trained network, name its model in generation.model_type (--model-type)"
                )
            )

    def _play(self, network: "_Network", stop: Callable[[], bool]) -> None:
        self.started = progress_due = games_due = looked = time.monotonic()
        under_way = False
        while not self._enough() and not stop():
            self._ended += self.worker_pool.poll(0.1)
            self._store_ended()
            with contextlib.suppress(
                FailureError
            ):  # renewing only saves work; if the database fails, storing reports it
                self.left_in_play.renew()
            now = time.monotonic()
            if now >= progress_due or (not under_way and self.worker_pool.counts.evaluations):
                under_way = self.worker_pool.counts.evaluations > 0
                self.report(self._progress())
                progress_due = now + PROGRESS_EVERY_S
            if now >= games_due and (shown := self.worker_pool.counts.shown):
                self.report(self._in_play(shown))
                games_due = now + GAMES_EVERY_S
            if now - looked > LOOK_FOR_NETWORK_EVERY_S:
                looked = now
                newer = network.newer()
                if newer is not None:
                    self._load(newer)
        self.report(self._progress())

    def _enough(self) -> bool:
        limit = self.settings.games
        return self.records >= self.settings.record_limit or (limit is not None and self.games >= limit)

    def _store_ended(self) -> None:
        """Stores all games that have ended, then raises the first error of a game that cannot be stored.

        If the database fails, the games that are not stored stay in the queue.
        """
        refused: RequestError | None = None
        while self._ended:
            game, stored = self._ended[0], False
            try:
                stored = self._stored(game)
            except RequestError as error:
                refused = refused or error
            self._ended.popleft()
            if stored:
                self._count(game)
        if refused is not None:
            raise refused

    def _stored(self, game: GameRecord) -> bool:
        """Stores a game. False if it was carried over and another generation has already stored it."""
        carried = self.left_in_play.finish(game)
        if carried is None:
            self.store.add_game(game)
        return carried is not False

    def _count(self, game: GameRecord) -> None:
        self.games += 1
        self.records += len(game.records)
        self.plies += len(game.moves)
        self.wins[WINNER_NAMES[game.winner]] += 1
        self.kinds[game.won_by] += 1
        if self.games % self.settings.save_interval_games == 0:
            self.report(Note(f"checkpoint: {self.games:,} games, {self.records:,} records stored"))

    def _stop_workers(self) -> None:
        """Stops the workers, stores games that ended meanwhile and keeps those in play for the next generation.

        Games in play are kept even if storing raises.
        """
        late, parked = self.worker_pool.stop()
        self._ended += late
        try:
            self._store_ended()
        finally:
            self.carried_over = self.left_in_play.park(parked)
        for loss in self.worker_pool.losses:
            self.report(Note(loss))

    def _in_play(self, games: Sequence[tuple[int, list[int]]]) -> GamesInPlay:
        game = self.config.game
        model_type = self.settings.model_type
        return GamesInPlay(game.variant, game.board_size, model_type, self.network_step, list(games))

    def _progress(self) -> GenerationProgress:
        elapsed = max(time.monotonic() - self.started, 1e-6)
        rate = self.records / elapsed
        missing = max(0, self.settings.record_limit - self.records)
        return GenerationProgress(
            records=self.records,
            record_limit=self.settings.record_limit,
            games=self.games,
            elapsed_s=elapsed,
            records_per_s=rate,
            simulations_per_s=self.worker_pool.counts.simulations / elapsed,
            evaluations_per_s=self.worker_pool.counts.evaluations / elapsed,
            remaining_s=missing / rate if rate > 0 else 0.0,
            pool=self._pool_counts(),
        )

    def _pool_counts(self) -> dict[str, int]:
        """See GenerationProgress; without what other generations have added meanwhile."""
        players = {"1": "player_1", "2": "player_2", "draw": "nobody"}
        return {
            "records": self.pool_records + self.records,
            "games": self.pool_games + self.games,
            "plies": self.plies,
            **{f"won_by/{players[key]}": count for key, count in self.wins.items()},
            **{f"won_by/{kind}": count for kind, count in self.kinds.items()},
        }

    def _summary(self) -> GenerationSummary:
        return GenerationSummary(
            games=self.games,
            records=self.records,
            plies=self.plies,
            wins_by_player=dict(self.wins),
            won_by=dict(self.kinds),
            elapsed_s=time.monotonic() - self.started,
            simulations=self.worker_pool.counts.simulations,
            evaluations=self.worker_pool.counts.evaluations,
            carried_over=self.carried_over,
            pool=self._pool_counts(),
        )


class _Network:
    """The model's checkpoint: loaded at the start, and again each time training has replaced it."""

    def __init__(self, config: Config, store: "Store", device: str) -> None:
        self.config, self.store, self.device = config, store, device
        self.path = checkpoint_path(config, config.generation.model_type)
        self._seen = _stamp(self.path)
        self._thread = ThreadPoolExecutor(1, "network")
        self._making: Future[PlayableNetwork] | None = None
        self._lacks_planes = False
        """Whether int8 is requested and there were too few records to quantize the network loaded last."""

    def load(self) -> "PlayableNetwork":
        """The network of the current checkpoint. Raises CheckpointError; RequestError for a precision not available."""
        self._seen = _stamp(self.path)
        return self._make(self._calibration_planes())

    def newer(self) -> "PlayableNetwork | None":
        """The network of a newer checkpoint, prepared in a thread; None while there is none or it is not ready.

        Also the same network again once there are records to quantize it on. Games continue while it is converted and
        quantized, which takes seconds. Raises as `load` does.
        """
        stamp = _stamp(self.path)
        if self._making is None and (stamp != self._seen or self._lacks_planes):
            planes = self._calibration_planes()
            if stamp != self._seen or planes is not None:
                self._seen = stamp
                self._making = self._thread.submit(self._make, planes)
        if self._making is None or not self._making.done():
            return None
        made, self._making = self._making, None
        return made.result()

    def _calibration_planes(self) -> "Planes | None":
        if self.config.network.precision != "int8":
            return None
        from alphapente.records.calibration import calibration_planes

        return calibration_planes(self.store, self.config)

    def _make(self, planes: "Planes | None") -> "PlayableNetwork":
        from alphapente.network.load import load_network_of_type
        from alphapente.network.openvino_backend import PortableNetwork

        settings, int8 = self.config.generation, self.config.network.precision == "int8"
        found = load_network_of_type(self.config, settings.model_type, self.device, settings.seed or 0, keep=True)
        self._lacks_planes = int8 and planes is None and isinstance(found.form, PortableNetwork)
        try:
            return found.in_precision(planes)
        except FailureError as error:  # the next network may be quantizable; the games continue with this one
            return replace(found, description=f"{found.description} (not in int8: {error})")


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns
