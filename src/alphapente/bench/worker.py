"""One self-play worker in this process, with clocks, in turns with the bare network."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alphapente.bench.bare import bare_call
from alphapente.bench.frozen import FrozenEvaluator
from alphapente.bench.parts import TimedForest, parts_of
from alphapente.bench.report import Row, median, rate
from alphapente.config import Config
from alphapente.network.evaluator import Evaluator
from alphapente.network.load import PlayableNetwork
from alphapente.records.store import Store
from alphapente.selfplay.loop import SelfPlay
from alphapente.selfplay.sizing import games_at_once
from alphapente.selfplay.worker_pool import Task, seeds_of

SLICE_S = 0.4
"""Length of a turn of a worker or a bare network in seconds; less in a short measurement."""
ROUNDS = 5
"""Minimum number of turns of each."""
RECORDED_LEAVES = 1024
WARM_PLIES = 20
"""The measurement begins after this number of moves per game, when the games are at different moves."""


@dataclass(frozen=True, slots=True)
class Played:
    """Results of one worker: its row (evaluations/s, beside the bare network's), and the breakdown of the time."""

    row: Row
    evaluations: int
    simulations: int
    elapsed_s: float
    plies_per_s: float
    breakdown: dict[str, float]


def play_beside_bare(config: Config, networks: Mapping[str, PlayableNetwork], seconds: float) -> list[Played]:
    """One worker for each network, named by its row, and the bare network at the same batch size, all in turns.

    `seconds` is the total. Records are stored, each worker's in its own database.
    """
    slice_s = min(SLICE_S, seconds / (2 * len(networks) * ROUNDS))
    rounds = round(seconds / (2 * len(networks) * slice_s))
    with tempfile.TemporaryDirectory(prefix="alphapente-") as folder:
        workers = [_Worker(config, network, Path(folder, f"{name}.db")) for name, network in networks.items()]
        try:
            for _ in range(rounds):
                for worker in workers:
                    worker.take_turns(slice_s)
            return [worker.played(name) for name, worker in zip(networks, workers, strict=True)]
        finally:
            for worker in workers:
                worker.store.close()


class _Worker:
    """The work of a worker process, in this process and with clocks."""

    def __init__(self, config: Config, network: PlayableNetwork, database: Path) -> None:
        batch = games_at_once(config, "openvino")
        self.evaluator: Evaluator = network.evaluator(batch, config.game.board_size)
        self._bare = bare_call(network, self.evaluator.input)
        self.store = Store(database)
        task = Task(config, "openvino", batch, 1, 0, None)
        self.play = SelfPlay(self.evaluator, config, seeds_of(task, 0, None), forest_class=TimedForest)
        forest = self.play.forest
        assert isinstance(forest, TimedForest)
        self.forest = forest
        self._warm_up()
        self.forest.clear()
        self._elapsed = self._processor = self._records = 0.0
        self._simulations = self._evaluations = 0
        self._ours: list[float] = []
        self._floors: list[float] = []

    def _warm_up(self) -> None:
        """Plays the first moves without the network, which also compiles every kernel."""
        self.forest.evaluator = FrozenEvaluator(self.evaluator)
        while self.forest.plies < WARM_PLIES * len(self.play.games):
            self.play.step()
        self.forest.evaluator = self.evaluator
        self._bare()

    def take_turns(self, seconds: float) -> None:
        """Plays for `seconds`, then runs the bare network for `seconds`."""
        self._ours.append(self._play_for(seconds))
        self._floors.append(rate(self._evaluate_bare, seconds))

    def _evaluate_bare(self) -> int:
        self._bare()
        return self.evaluator.batch_size

    def _play_for(self, seconds: float) -> float:
        """Plays and stores the records; returns evaluations per second."""
        simulations, evaluations = self.forest.simulated, self.forest.evaluations
        start, processor, elapsed = time.perf_counter(), time.process_time(), 0.0
        while elapsed <= seconds:
            for game in self.play.step():
                begin = time.process_time()
                self.store.add_game(game)
                self._records += time.process_time() - begin
            elapsed = time.perf_counter() - start
        self._elapsed += elapsed
        self._processor += time.process_time() - processor
        self._simulations += self.forest.simulated - simulations
        self._evaluations += self.forest.evaluations - evaluations
        return (self.forest.evaluations - evaluations) / elapsed

    def played(self, name: str) -> Played:
        """The results of all turns. The games are lost."""
        ratio = median([ours / floor for ours, floor in zip(self._ours, self._floors, strict=True)])
        plies_per_s = self.forest.plies / self._elapsed
        return Played(
            Row(name, median(self._ours), "evaluations/s", median(self._floors), ratio),
            self._evaluations,
            self._simulations,
            self._elapsed,
            plies_per_s,
            {f"{name}: {part}": share for part, share in self._shares().items()},
        )

    def _shares(self) -> dict[str, float]:
        """The breakdown as shares of elapsed time; "waiting" is time in which no thread of this process computed.

        With several network threads, processor time exceeds elapsed time, and the shares are of processor time.
        """
        seconds, batches = self.forest.seconds, self.forest.batches
        self.forest.clear()
        recorded = self.forest.record(RECORDED_LEAVES, self.play.step)
        self.forest.seconds, self.forest.batches = seconds, batches
        self.forest.select()
        parts = parts_of(self.forest, recorded, self._evaluations, self._evaluations)
        parts["records"] = self._records
        parts["moves, games"] = max(0.0, self._processor - sum(parts.values()))
        parts["waiting"] = max(0.0, self._elapsed - self._processor)
        whole = sum(parts.values())
        return {part: spent / whole for part, spent in parts.items()}


def on_cpu(config: Config) -> Config:
    """The configuration for a CPU: worker processes over OpenVINO."""
    return config.model_copy(update={"network": config.network.model_copy(update={"device": "openvino"})})
