"""The generation step: plays games until there are enough new records, and stores each as it ends."""

import os
import secrets
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

from alphapente.compiled import is_cold
from alphapente.config import Config
from alphapente.errors import RequestError
from alphapente.events import GenerationProgress, GenerationSummary, Note, ReportFn
from alphapente.network.checkpoint import checkpoint_path
from alphapente.network.evaluator import Planes, UniformEvaluator
from alphapente.network.load import choose_device, playing_network, prepare
from alphapente.records.model import GameRecord
from alphapente.records.store import Store
from alphapente.search.forest import most_nodes
from alphapente.search.tree import tree_bytes
from alphapente.selfplay.calibration import Prepared, calibration_planes, in_precision, told
from alphapente.selfplay.crew import Alone, Crew, Task, Workers
from alphapente.selfplay.loop import SelfPlay

PROGRESS_EVERY_S = 0.5
LOOK_FOR_NETWORK_EVERY_S = 2.0

RECORDS_A_GAME = 25
"""A low guess of a game's records, to choose how many games to play side by side: more would only wait, unfinished."""


def generate(config: Config, report: ReportFn, stop: Callable[[], bool] = lambda: False) -> GenerationSummary:
    """Plays until `generation.record_limit` new records are stored, `generation.games` are played, or `stop()`.

    Games still in play then are kept in the database and played on by the next generation of the same model. A newer
    checkpoint is taken over while games go on. Raises AlphaPenteError: see Store, checkpoint and load.
    """
    with Store(config.records.database, config.records.busy_timeout_s) as store:
        return _Generation(config, report, store).run(stop)


class _Generation:
    """One run: its numbers, and what it has made so far."""

    def __init__(self, config: Config, report: ReportFn, store: Store) -> None:
        self.config, self.report, self.store = config, report, store
        self.settings = config.generation
        self.pool = config.game.variant, config.game.board_size
        self.started = time.monotonic()
        self.games = self.records = self.plies = 0
        self.wins: Counter[str] = Counter({"1": 0, "2": 0, "draw": 0})
        self.kinds: Counter[str] = Counter({"five": 0, "captures": 0, "draw": 0})
        self.carried_over = 0

    def run(self, stop: Callable[[], bool]) -> GenerationSummary:
        if is_cold("root.keep_subtree"):
            self.report(Note("compiling the search for this machine: half a minute or so, this once"))
            warm_up(self.config)
        network = _Network(self.config, self.store)
        crew = self._hire()
        try:
            self._load(crew, network.load())
            self._play(crew, network, stop)
        except KeyboardInterrupt:  # a second Ctrl-C
            crew.abandon()
            raise
        except Exception:
            self._dismiss(crew)
            raise
        self._dismiss(crew)
        return self._summary(crew)

    def _hire(self) -> Crew:
        """Starts the players, with the games that an earlier generation left in play."""
        seed = secrets.randbits(63) if self.settings.seed is None else self.settings.seed
        workers, places = _crew_size(self.config)
        _require_memory(self.config, workers, places)
        device = choose_device(self.config.network.device)
        if device.device == "cuda":
            workers = 1
        left = self.store.take_parked_games(*self.pool, self.settings.model_type, workers * places)
        task = Task(
            config=self.config,
            device=device.device,
            games_in_play=places,
            run_seed=seed,
            series=self.store.num_games(*self.pool),
            settings_id=self.store.settings_id(self.config.dump_json()),
        )
        kept = f", {len(left)} of them from the last generation" if left else ""
        self.report(
            Note(
                f"self-play: {workers} worker{'s' * (workers > 1)}, {places} games at once in each{kept}; "
                f"seed {seed}; {device.reason}"
            )
        )
        if workers == 1:
            return Alone(task, self.settings.games, left)
        return Workers(task, workers, self.settings.games, left)

    def _load(self, crew: Crew, loaded: "_Loaded") -> None:
        crew.load(loaded.playable, loaded.step)
        self.report(Note(f"{loaded.description}, in {told(loaded.playable, self.config, loaded.device)}"))

    def _play(self, crew: Crew, network: "_Network", stop: Callable[[], bool]) -> None:
        self.started = progress_due = looked = time.monotonic()
        while not self._enough() and not stop():
            for game in crew.poll(0.1):
                self._store(game)
                if self._enough():
                    break
            now = time.monotonic()
            if now >= progress_due:
                self.report(self._progress(crew))
                progress_due = now + PROGRESS_EVERY_S
            if now - looked > LOOK_FOR_NETWORK_EVERY_S:
                looked = now
                newer = network.newer()
                if newer is not None:
                    self._load(crew, newer)
        self.report(self._progress(crew))

    def _enough(self) -> bool:
        limit = self.settings.games
        return self.records >= self.settings.record_limit or (limit is not None and self.games >= limit)

    def _store(self, game: GameRecord) -> None:
        self.store.add_game(game)
        self.games += 1
        self.records += len(game.records)
        self.plies += len(game.moves)
        self.wins[str(game.winner) if game.winner else "draw"] += 1
        self.kinds[game.won_by] += 1
        if self.games % self.settings.save_interval_games == 0:
            self.report(Note(f"checkpoint: {self.games:,} games, {self.records:,} records stored"))

    def _dismiss(self, crew: Crew) -> None:
        """Stops the players; games that ended meanwhile are stored, those in play are kept for the next generation."""
        late, parked = crew.stop()
        self.store.park_games(parked, *self.pool, self.settings.model_type)
        for game in late:
            self._store(game)
        self.carried_over = len(parked)

    def _progress(self, crew: Crew) -> GenerationProgress:
        elapsed = max(time.monotonic() - self.started, 1e-6)
        rate = self.records / elapsed
        missing = max(0, self.settings.record_limit - self.records)
        return GenerationProgress(
            records=self.records,
            record_limit=self.settings.record_limit,
            games=self.games,
            elapsed_s=elapsed,
            records_per_s=rate,
            simulations_per_s=crew.simulations / elapsed,
            evaluations_per_s=crew.evaluations / elapsed,
            remaining_s=missing / rate if rate > 0 else 0.0,
        )

    def _summary(self, crew: Crew) -> GenerationSummary:
        return GenerationSummary(
            games=self.games,
            records=self.records,
            plies=self.plies,
            wins_by_player=dict(self.wins),
            won_by=dict(self.kinds),
            elapsed_s=time.monotonic() - self.started,
            simulations=crew.simulations,
            evaluations=crew.evaluations,
            carried_over=self.carried_over,
        )


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A network as workers load it, how many steps it has learned, and a sentence for the log."""

    playable: Prepared
    step: int
    description: str
    device: str


class _Network:
    """The model's checkpoint as self-play sees it: loaded at the start, and again whenever training replaced it."""

    def __init__(self, config: Config, store: Store) -> None:
        self.config, self.store = config, store
        self.path = checkpoint_path(config, config.generation.model_type)
        self._seen = _stamp(self.path)
        self._thread = ThreadPoolExecutor(1, "network")
        self._making: Future[_Loaded] | None = None

    def load(self) -> _Loaded:
        """The network of the checkpoint as it is now. Raises CheckpointError; RequestError for a lacking precision."""
        self._seen = _stamp(self.path)
        return self._make(calibration_planes(self.store, self.config))

    def newer(self) -> _Loaded | None:
        """The network of another checkpoint than the one loaded last, made by a thread meanwhile; None until it is.

        Games go on while it is converted and quantized, which takes seconds. Raises as `load` does.
        """
        if self._making is None and _stamp(self.path) != self._seen:
            self._seen = _stamp(self.path)
            self._making = self._thread.submit(self._make, calibration_planes(self.store, self.config))
        if self._making is None or not self._making.done():
            return None
        made, self._making = self._making, None
        return made.result()

    def _make(self, planes: Planes | None) -> _Loaded:
        seed = self.config.generation.seed or 0
        found = playing_network(self.config, self.config.generation.model_type, seed=seed)
        device = choose_device(self.config.network.device).device
        playable = in_precision(prepare(found.model, self.config, device), self.config, planes)
        return _Loaded(playable, found.step, found.description, device)


def warm_up(config: Config) -> None:
    """Compiles all that self-play needs, by playing a moment without a network: workers find it done."""
    brief = config.model_copy(update={"generation": config.generation.model_copy(update={"simulations": 2})})
    play = SelfPlay(UniformEvaluator(1, config.game.board_size), brief, lambda: 0)
    while play.forest.simulations_done < 6:
        play.step()


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def _require_memory(config: Config, workers: int, places: int) -> None:
    """Raises RequestError when the trees of all games would need more than the machine's memory."""
    simulations = config.generation.simulations
    needed = workers * places * tree_bytes(most_nodes(simulations), config.game.board_size**2)
    total = psutil.virtual_memory().total
    if needed > total:
        raise RequestError(
            f"{workers * places:,} games at once at {simulations:,} simulations may need {needed / 2**30:,.0f} GiB for "
            f"their trees, and this machine has {total / 2**30:,.0f}: lower generation.games_per_worker (now "
            f"{config.generation.games_per_worker:,}), generation.workers or generation.simulations"
        )


def _crew_size(config: Config) -> tuple[int, int]:
    """(worker processes, games at once in each): as configured, but no more games than the limits ask for."""
    settings = config.generation
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = max(1, settings.record_limit // RECORDS_A_GAME)
    if settings.games is not None:
        wanted = min(wanted, settings.games)
    workers = settings.workers or max(1, min(cores, wanted // 4))
    places = max(1, min(settings.games_per_worker, -(-wanted // workers)))
    return workers, places
