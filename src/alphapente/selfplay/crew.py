"""Who plays the games: this process alone, or worker processes of one thread each.

Both are used alike: `poll` returns the games that ended, `load` hands over a newer network without stopping any game,
`stop` ends the work and returns the games still in play. A worker whose parent dies notices and ends.
"""

import contextlib
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

import numpy as np

from alphapente.config import Config
from alphapente.errors import AlphaPenteError, FailureError
from alphapente.network.evaluator import Evaluator
from alphapente.network.load import load_evaluator
from alphapente.records.model import GameRecord
from alphapente.selfplay.loop import SelfPlay

REPORT_EVERY_S = 0.25
"""How often a worker tells how far it is, if no game ends."""

STOP_WAIT_S = 20.0
"""How long a worker may take to hand over its games before it is given up."""


@dataclass(frozen=True, slots=True)
class Task:
    """What every worker is told: the settings, the places for games, and where its games' seeds come from."""

    config: Config
    device: str
    games_in_play: int
    run_seed: int
    series: int
    """Sets this run's games apart from those of earlier runs with the same seed: the games stored before it."""
    settings_id: int | None


class Crew(Protocol):
    """The players of a generation."""

    @property
    def simulations(self) -> int:
        """Simulations of all searches that are finished."""

    @property
    def evaluations(self) -> int:
        """Positions that the network has looked at."""

    @property
    def num_in_play(self) -> int:
        """Games that have begun and are not over."""

    def load(self, network: Any, step: int) -> None:
        """Plays on with this network (`network.load.prepare` made it), trained for `step` steps."""

    def poll(self, timeout_s: float) -> list[GameRecord]:
        """Games that ended since the last call; waits for one as long as `timeout_s`. Raises FailureError."""

    def abandon(self) -> None:
        """Ends the work at once; the games in play are lost."""

    def stop(self) -> tuple[list[GameRecord], list[bytes]]:
        """Ends the work; returns the games that ended meanwhile, and those still in play, packed."""


def seeds_of(task: Task, worker: int, quota: int | None) -> Callable[[], int | None]:
    """The seeds of a worker's games one after another; None once `quota` games have begun."""
    begun = 0

    def next_seed() -> int | None:
        nonlocal begun
        if quota is not None and begun >= quota:
            return None
        sequence = np.random.SeedSequence(task.run_seed, spawn_key=(task.series, worker, begun))
        begun += 1
        return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))

    return next_seed


def _self_play(
    task: Task, worker: int, quota: int | None, evaluator: Evaluator, step: int, carried_over: Sequence[bytes]
) -> SelfPlay:
    return SelfPlay(
        evaluator,
        task.config,
        seeds_of(task, worker, quota),
        network_step=step,
        settings_id=task.settings_id,
        carried_over=carried_over,
    )


class Alone:
    """Plays in this process: repeatable to the last byte for a seed, a network and a database."""

    def __init__(self, task: Task, quota: int | None, carried_over: Sequence[bytes]) -> None:
        self._task, self._quota, self._carried_over = task, quota, carried_over
        self._play: SelfPlay | None = None

    @property
    def simulations(self) -> int:
        """Simulations of all searches that are finished."""
        return self._play.forest.simulations_done if self._play else 0

    @property
    def evaluations(self) -> int:
        """Positions that the network has looked at."""
        return self._play.forest.evaluations if self._play else 0

    @property
    def num_in_play(self) -> int:
        """Games that have begun and are not over."""
        return self._play.num_in_play if self._play else self._task.games_in_play

    def load(self, network: Any, step: int) -> None:
        """See Crew."""
        if self._play:
            self._play.load(network, step)
            return
        config = self._task.config
        evaluator = load_evaluator(network, config, self._task.games_in_play, config.game.board_size, self._task.device)
        self._play = _self_play(self._task, 0, self._quota, evaluator, step, self._carried_over)

    def poll(self, timeout_s: float) -> list[GameRecord]:
        """See Crew."""
        assert self._play is not None, "load() gives the network first"
        end = time.monotonic() + timeout_s
        finished: list[GameRecord] = []
        while not finished and self._play.num_in_play and time.monotonic() < end:
            finished = self._play.step()
        return finished

    def abandon(self) -> None:
        """See Crew."""
        self._play = None

    def stop(self) -> tuple[list[GameRecord], list[bytes]]:
        """See Crew."""
        return [], self._play.park() if self._play else list(self._carried_over)


class Workers:
    """Worker processes, started at once so that they are ready when the network is."""

    def __init__(self, task: Task, count: int, games: int | None, carried_over: Sequence[bytes]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Any] = []
        self._processes = []
        self._counts = [(0, 0, task.games_in_play)] * count
        self._parked: list[bytes] = []
        self._answered: set[int] = set()
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        for worker in range(count):
            ours, theirs = context.Pipe()
            quota = None if games is None else games // count + (worker < games % count)
            core = cores[worker] if task.config.network.threads_per_worker == 1 and count <= len(cores) else None
            process = context.Process(
                target=_work,
                args=(theirs, task, worker, quota, list(carried_over[worker::count]), core),
                name=f"self-play {worker + 1}",
                daemon=True,
            )
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    @property
    def simulations(self) -> int:
        """Simulations of all searches that are finished."""
        return sum(counts[0] for counts in self._counts)

    @property
    def evaluations(self) -> int:
        """Positions that the network has looked at."""
        return sum(counts[1] for counts in self._counts)

    @property
    def num_in_play(self) -> int:
        """Games that have begun and are not over."""
        return sum(counts[2] for counts in self._counts)

    def load(self, network: Any, step: int) -> None:
        """See Crew."""
        for worker, pipe in enumerate(self._pipes):
            try:
                pipe.send(("network", network, step))
            except OSError as error:
                raise self._died(worker) from error

    def poll(self, timeout_s: float) -> list[GameRecord]:
        """See Crew."""
        finished: list[GameRecord] = []
        for pipe in wait(self._pipes, timeout_s):
            finished += self._receive(self._pipes.index(pipe))
        return finished

    def _receive(self, worker: int) -> list[GameRecord]:
        try:
            kind, content, counts = self._pipes[worker].recv()
        except (EOFError, OSError) as error:
            raise self._died(worker) from error
        if kind == "failed":
            raise FailureError(f"self-play worker {worker + 1} failed: {content}")
        self._counts[worker] = counts
        if kind == "parked":
            self._parked += content
            self._answered.add(worker)
            return []
        games: list[GameRecord] = content
        return games

    def _died(self, worker: int) -> FailureError:
        self._processes[worker].join(1.0)
        code = self._processes[worker].exitcode
        return FailureError(
            f"self-play worker {worker + 1} died (exit status {code}): its games in play are lost, all finished games "
            "are stored; run the same command again to go on"
        )

    def abandon(self) -> None:
        """See Crew."""
        for process in self._processes:
            process.kill()

    def stop(self) -> tuple[list[GameRecord], list[bytes]]:
        """See Crew. Workers that died or do not answer are left out."""
        late: list[GameRecord] = []
        waiting: dict[Any, int] = {}
        for worker, pipe in enumerate(self._pipes):
            with contextlib.suppress(OSError):
                pipe.send(("stop", None, 0))
                waiting[pipe] = worker
        end = time.monotonic() + STOP_WAIT_S
        while waiting and time.monotonic() < end:
            for pipe in wait(list(waiting), 0.5):
                worker = waiting[pipe]
                try:
                    late += self._receive(worker)
                except FailureError:
                    self._answered.add(worker)
                if worker in self._answered:
                    del waiting[pipe]
        for process in self._processes:
            process.join(2.0)
            if process.is_alive():
                process.kill()
        return late, self._parked


def _work(
    pipe: Connection, task: Task, worker: int, quota: int | None, carried_over: Sequence[bytes], core: int | None
) -> None:
    """A worker process: plays until told to stop, or until its parent is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the parent decides; its death closes the pipe
    if core is not None:
        os.sched_setaffinity(0, {core})
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            _play(pipe, task, worker, quota, carried_over)
        except AlphaPenteError as error:
            pipe.send(("failed", str(error), (0, 0, 0)))
        except Exception:
            pipe.send(("failed", traceback.format_exc(), (0, 0, 0)))


def _play(pipe: Connection, task: Task, worker: int, quota: int | None, carried_over: Sequence[bytes]) -> None:
    play: SelfPlay | None = None
    told = time.monotonic()
    while True:
        idle = play is None or play.num_in_play == 0
        while pipe.poll(None if idle else 0.0):
            kind, network, step = pipe.recv()
            if kind == "stop":
                pipe.send(("parked", play.park() if play else list(carried_over), _counts(play)))
                return
            if play is None:
                config = task.config
                evaluator = load_evaluator(network, config, task.games_in_play, config.game.board_size, task.device)
                play = _self_play(task, worker, quota, evaluator, step, carried_over)
            else:
                play.load(network, step)
            idle = play.num_in_play == 0
        assert play is not None
        finished = play.step()
        if finished or time.monotonic() - told > REPORT_EVERY_S:
            pipe.send(("games", finished, _counts(play)))
            told = time.monotonic()


def _counts(play: SelfPlay | None) -> tuple[int, int, int]:
    """(simulations of finished searches, evaluations, games in play)."""
    return (play.forest.simulations_done, play.forest.evaluations, play.num_in_play) if play else (0, 0, 0)
