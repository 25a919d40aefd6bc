"""Self-play against the bare network: how much of the machine the games leave to it, and where the rest goes."""

import tempfile
import time
from pathlib import Path

from alphapente.bench.report import Result, Row, median
from alphapente.config import Config
from alphapente.network.evaluator import Evaluator
from alphapente.network.load import load_evaluator, prepare
from alphapente.network.models import build_model
from alphapente.records.store import Store
from alphapente.search.forest import Forest
from alphapente.search.kernels import expand
from alphapente.selfplay.crew import Task, seeds_of
from alphapente.selfplay.loop import SelfPlay

ROUNDS = 5


class TimedForest(Forest):
    """A forest that keeps count of the seconds its parts take."""

    seconds: dict[str, float]

    def select(self) -> None:
        """Forest.select with a clock."""
        begin, started = time.perf_counter(), self.seconds["start"]
        super().select()
        self.seconds["select, encode"] += time.perf_counter() - begin - (self.seconds["start"] - started)

    def evaluate(self) -> None:
        """Forest.evaluate with a clock beside each part."""
        begin = time.perf_counter()
        answers = self.evaluator.evaluate(self.evaluator.input)
        evaluated = time.perf_counter()
        self.evaluations += expand(self.trees, self.leaves, self.cache, answers, self._scratch)
        self.seconds["network"] += evaluated - begin
        self.seconds["expand, back up"] += time.perf_counter() - evaluated

    def _begin(self, tree: int) -> None:
        begin = time.perf_counter()
        super()._begin(tree)
        self.seconds["start"] += time.perf_counter() - begin


def bench_generate(config: Config, seconds: float, model_types: tuple[str, ...] = ("simple", "resnet")) -> Result:
    """One worker in this process, in turns with the bare network at the same batch; half of `seconds` each."""
    rows, breakdown = [], {}
    for model_type in model_types:
        found = _one_model(config, model_type, seconds / len(model_types))
        rows += found.rows
        breakdown.update(found.breakdown)
    return Result(rows, breakdown)


def _one_model(config: Config, model_type: str, seconds: float) -> Result:
    size = config.game.board_size
    network = prepare(build_model(config, model_type, seed=1), config, "openvino")
    evaluator = load_evaluator(network, config, config.generation.games_per_worker, size)
    slice_s = seconds / (2 * ROUNDS)
    with tempfile.TemporaryDirectory(prefix="alphapente-") as folder, Store(Path(folder, "bench.db")) as store:
        task = Task(config, "openvino", evaluator.batch_size, 1, 0, None)
        play = SelfPlay(evaluator, config, seeds_of(task, 0, None), forest_class=TimedForest)
        forest = play.forest
        assert isinstance(forest, TimedForest)
        forest.seconds = dict.fromkeys(("start", "select, encode", "network", "expand, back up", "records"), 0.0)
        while not forest.simulations_done:  # every kernel is compiled once the first moves are made
            _play_for(play, store, 0.1)
        _play_for(play, store, slice_s)
        forest.seconds = dict.fromkeys(forest.seconds, 0.0)
        ours, bare, played = [], [], 0.0
        simulations = forest.simulations_done
        for _ in range(ROUNDS):
            rate, elapsed = _play_for(play, store, slice_s)
            ours.append(rate)
            played += elapsed
            bare.append(_bare(evaluator, slice_s))
        simulations = forest.simulations_done - simulations
    ratio = median([a / b for a, b in zip(ours, bare, strict=True)])
    shares = {f"{model_type}: {part}": spent / played for part, spent in forest.seconds.items()}
    shares[f"{model_type}: moves, games"] = 1.0 - sum(shares.values())
    name = f"generate.{model_type}.{evaluator.name.split()[-1]}"
    return Result(
        [
            Row(name, median(ours), "evaluations/s", median(bare), ratio),
            Row(f"{name}.simulations", simulations / played, "simulations/s"),
        ],
        shares,
    )


def _play_for(play: SelfPlay, store: Store, seconds: float) -> tuple[float, float]:
    """(evaluations a second, seconds) of self-play with its records stored."""
    before, start = play.forest.evaluations, time.perf_counter()
    forest = play.forest
    assert isinstance(forest, TimedForest)
    while time.perf_counter() - start < seconds:
        for game in play.step():
            begin = time.perf_counter()
            store.add_game(game)
            forest.seconds["records"] += time.perf_counter() - begin
    elapsed = time.perf_counter() - start
    return (play.forest.evaluations - before) / elapsed, elapsed


def _bare(evaluator: Evaluator, seconds: float) -> float:
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        evaluator.evaluate(evaluator.input)
        calls += 1
    return calls * evaluator.batch_size / (time.perf_counter() - start)
