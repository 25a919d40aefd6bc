"""Worker processes of one thread each. They start early, to be ready when the network is.

A worker ends when its parent dies. The parent's side imports no slow modules.
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
from typing import TYPE_CHECKING, Any

from alphapente.errors import FailureError
from alphapente.records.model import GameRecord
from alphapente.selfplay.worker_pool import STOP_WAIT_S, Assignment, Counts, Message, PoolReports, Task, assignments

if TYPE_CHECKING:
    from alphapente.network.load import PlayableNetwork


class _Outbox:
    """Sends to a worker from a separate thread.

    A pipe holds some 200 kB, and a network is larger. A parent that waited for the worker to read it would deadlock if
    the worker waits for its games to be read, and would wait minutes for a worker that compiles.
    """

    def __init__(self, pipe: Connection, name: str) -> None:
        self._pipe = pipe
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._send_all, name=name, daemon=True).start()

    def send(self, content: Any) -> None:
        """Queues an object; it is sent when the pipe accepts it. Raises what pickling raises for other objects."""
        self._waiting.put(ForkingPickler.dumps(content))

    def close(self) -> None:
        """Ends the thread after everything is sent."""
        self._waiting.put(None)

    def _send_all(self) -> None:
        with contextlib.suppress(OSError):  # the worker has died; `poll` reports it
            while (content := self._waiting.get()) is not None:
                self._pipe.send_bytes(content)


class ProcessPool(PoolReports):
    """A pool of worker processes: see WorkerPool."""

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
        """See WorkerPool. The workers then load the compiled search. Each is pinned to a core if there are enough."""
        count = len(self._processes)
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        pinned = task.config.network.threads_per_worker == 1 and count <= len(cores)
        for worker, assignment in enumerate(assignments(count, games, carried_over)):
            self._counts[worker] = Counts(in_play=task.games_in_play)
            self._outboxes[worker].send((task, assignment, cores[worker] if pinned else None))

    def load(self, network: "PlayableNetwork") -> None:
        """See WorkerPool."""
        for outbox in self._outboxes:
            outbox.send(network)

    def poll(self, timeout_s: float) -> list[GameRecord]:
        """See WorkerPool."""
        ready = wait(self._pipes, timeout_s)
        # One message per call: if this one raises, no games of another worker are lost.
        return self._receive(self._pipes.index(ready[0])) if ready else []

    def _receive(self, worker: int) -> list[GameRecord]:
        try:
            message = self._pipes[worker].recv()
        except (EOFError, OSError) as error:
            raise self._died(worker) from error
        return self._take(worker, message)

    def _died(self, worker: int) -> FailureError:
        self._ended.add(worker)
        self._processes[worker].join(1.0)
        code = self._processes[worker].exitcode
        return FailureError(
            f"self-play worker {worker + 1} died (exit status {code}): the games that it began are lost, all finished "
            "games are stored; run the same command again to continue"
        )

    def abandon(self) -> None:
        """See WorkerPool."""
        for process, outbox in zip(self._processes, self._outboxes, strict=True):
            process.kill()
            outbox.close()

    def stop(self) -> tuple[list[GameRecord], list[bytes]]:
        """See WorkerPool. Workers that died or do not answer are omitted."""
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
        self._report_missing(waiting.values())
        for process in self._processes:
            process.join(2.0)
        self.abandon()
        for process in self._processes:
            process.join(2.0)  # until the system has removed killed processes
        return late, self._parked


class _PipeChannel:
    """A worker's end of the pipe: see Channel."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def receive(self, wait: bool) -> tuple[Any] | None:
        """See Channel."""
        return (self._pipe.recv(),) if self._pipe.poll(None if wait else 0.0) else None

    def send(self, message: Message) -> None:
        """See Channel."""
        self._pipe.send(message)


def _work(pipe: Connection) -> None:
    """A worker process: plays until it receives the stop command or its parent is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(number, signal.SIG_IGN)  # the parent decides; its death closes the pipe
    from alphapente.selfplay import worker

    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            _begin(pipe)
        except Exception as error:
            pipe.send(worker.failed(error))


def _begin(pipe: Connection) -> None:
    """Prepares before the network arrives, then plays."""
    from alphapente.selfplay import worker

    if (first := pipe.recv()) is None:
        pipe.send(("parked", [], Counts()))
        return
    task: Task
    assignment: Assignment
    task, assignment, core = first
    if task.device == "openvino":
        from alphapente.network.openvino_backend import import_openvino

        import_openvino()  # before the network arrives: it takes time
    worker.warm_up(task.config)
    network: PlayableNetwork | None = pipe.recv()
    if network is None:
        pipe.send(("parked", list(assignment.carried_over), Counts()))
        return
    if core is not None:
        os.sched_setaffinity(0, {core})
    evaluator = network.evaluator(task.games_in_play, task.config.game.board_size)
    worker.run_worker(_PipeChannel(pipe), worker.self_play(task, assignment, evaluator, network.step))
