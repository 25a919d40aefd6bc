"""Worker processes of one thread each, started at once so that they are ready when the network is.

A worker whose parent dies notices and ends. The parent's side imports nothing that is slow to import.
"""

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any

from alphapente.errors import FailureError
from alphapente.records.model import GameRecord
from alphapente.selfplay.crew import STOP_WAIT_S, Answer, Share, Task, Team, shares


class _Outbox:
    """Sends to a worker from a thread of its own.

    A pipe holds some 200 kB, and a network is larger: a parent that waited until a worker has read it would wait for
    ever for one that waits itself until its games are read, and for minutes for one that compiles.
    """

    def __init__(self, pipe: Connection, name: str) -> None:
        self._pipe = pipe
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._send_all, name=name, daemon=True).start()

    def send(self, content: Any) -> None:
        """Sends it as soon as the pipe takes it. Raises, as pickling does, for what cannot be sent."""
        self._waiting.put(ForkingPickler.dumps(content))

    def close(self) -> None:
        """Ends the thread once everything is sent."""
        self._waiting.put(None)

    def _send_all(self) -> None:
        with contextlib.suppress(OSError):  # the worker has died, as `poll` notices
            while (content := self._waiting.get()) is not None:
                self._pipe.send_bytes(content)


class Workers(Team):
    """A crew of worker processes: see Crew."""

    def __init__(self, count: int) -> None:
        super().__init__(count, "worker")
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Any] = []
        self._outboxes: list[_Outbox] = []
        self._processes = []
        for worker in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs,), name=f"self-play {worker + 1}", daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._outboxes.append(_Outbox(ours, f"to self-play {worker + 1}"))
            self._processes.append(process)

    def begin(self, task: Task, games: int | None, carried_over: Sequence[bytes]) -> None:
        """See Crew. The workers load the compiled search meanwhile; each gets a core, if there are enough."""
        count = len(self._processes)
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        pinned = task.config.network.threads_per_worker == 1 and count <= len(cores)
        for worker, share in enumerate(shares(count, games, carried_over)):
            self._counts[worker] = 0, 0, task.games_in_play
            self._outboxes[worker].send((task, share, cores[worker] if pinned else None))

    def load(self, network: Any, step: int) -> None:
        """See Crew."""
        for outbox in self._outboxes:
            outbox.send((network, step))

    def poll(self, timeout_s: float) -> list[GameRecord]:
        """See Crew."""
        ready = wait(self._pipes, timeout_s)
        # One answer a call: no game that another worker has told of is lost when this one raises.
        return self._receive(self._pipes.index(ready[0])) if ready else []

    def _receive(self, worker: int) -> list[GameRecord]:
        try:
            answer = self._pipes[worker].recv()
        except (EOFError, OSError) as error:
            raise self._died(worker) from error
        return self._take(worker, answer)

    def _died(self, worker: int) -> FailureError:
        self._ended.add(worker)
        self._processes[worker].join(1.0)
        code = self._processes[worker].exitcode
        return FailureError(
            f"self-play worker {worker + 1} died (exit status {code}): the games that it began are lost, all finished "
            "games are stored; run the same command again to go on"
        )

    def abandon(self) -> None:
        """See Crew."""
        for process, outbox in zip(self._processes, self._outboxes, strict=True):
            process.kill()
            outbox.close()

    def stop(self) -> tuple[list[GameRecord], list[bytes]]:
        """See Crew. Workers that died or do not answer are left out."""
        late: list[GameRecord] = []
        waiting: dict[Any, int] = {}
        for worker, pipe in enumerate(self._pipes):
            if worker not in self._ended:
                self._outboxes[worker].send(None)
                waiting[pipe] = worker
        end = time.monotonic() + STOP_WAIT_S
        while waiting and time.monotonic() < end:
            for pipe in wait(list(waiting), 0.5):
                worker = waiting[pipe]
                try:
                    late += self._receive(worker)
                except FailureError as error:
                    self.losses.append(str(error))
                if worker in self._ended:
                    del waiting[pipe]
        self._lose_silent(waiting.values())
        for process in self._processes:
            process.join(2.0)
        self.abandon()
        for process in self._processes:
            process.join(2.0)  # until the system has removed one that was killed
        return late, self._parked


class _PipePost:
    """A worker's end of the pipe: see Post."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def order(self, wait: bool) -> tuple[Any] | None:
        """See Post."""
        return (self._pipe.recv(),) if self._pipe.poll(None if wait else 0.0) else None

    def tell(self, answer: Answer) -> None:
        """See Post."""
        self._pipe.send(answer)


def _work(pipe: Connection) -> None:
    """A worker process: plays until told to stop, or until its parent is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the parent decides; its death closes the pipe
    from alphapente.selfplay import player

    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            _begin(pipe)
        except Exception as error:
            pipe.send(player.failed(error))


def _begin(pipe: Connection) -> None:
    """Gets ready while the network is on its way, then plays."""
    from alphapente.network.load import load_evaluator
    from alphapente.selfplay import player

    if (told := pipe.recv()) is None:
        pipe.send(("parked", [], (0, 0, 0)))
        return
    task: Task
    share: Share
    task, share, core = told
    if task.device == "openvino":
        from alphapente.network.openvino_backend import import_openvino

        import_openvino()  # before the network comes, not after
    player.warm_up(task.config)
    if (network := pipe.recv()) is None:
        pipe.send(("parked", list(share.carried_over), (0, 0, 0)))
        return
    if core is not None:
        os.sched_setaffinity(0, {core})
    size = task.config.game.board_size
    evaluator = load_evaluator(network[0], task.config, task.games_in_play, size, task.device)
    player.play_games(_PipePost(pipe), player.self_play(task, share, evaluator, network[1]))
