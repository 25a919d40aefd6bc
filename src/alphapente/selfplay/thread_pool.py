"""Threads of this process that share one network on a GPU: while it evaluates one batch, other threads fill theirs.

The search's kernels, the wait for the device and torch's calls release the interpreter lock. Only the moves themselves,
a hundredth of the work, hold it. The thread that stores the games needs the lock too: its queue is short, so that
workers wait while the queue is full and the storing thread can run.
"""

import queue
import threading
import time
from collections.abc import Sequence

from alphapente.errors import FailureError
from alphapente.network.load import PlayableNetwork
from alphapente.records.model import GameRecord
from alphapente.selfplay.worker import Command, run_worker, self_play
from alphapente.selfplay.worker_pool import STOP_WAIT_S, Assignment, Counts, Message, PoolReports, Task, assignments


class ThreadPool(PoolReports):
    """A pool of threads: see WorkerPool. Each has its own games, forest and evaluator."""

    def __init__(self, count: int) -> None:
        super().__init__(count, "thread")
        self._messages: queue.Queue[tuple[int, Message]] = queue.Queue(2 * count)
        self._abandoned = threading.Event()
        self._channels = [_QueueChannel(worker, self._messages, self._abandoned) for worker in range(count)]
        self._threads: list[threading.Thread] = []
        self._task: Task | None = None
        self._assignments: list[Assignment] = []

    def begin(self, task: Task, games: int | None, carried_over: Sequence[bytes]) -> None:
        """See WorkerPool."""
        self._task = task
        self._assignments = assignments(len(self._channels), games, carried_over)
        self._counts = [Counts(in_play=task.games_in_play)] * len(self._channels)

    def load(self, network: PlayableNetwork) -> None:
        """See WorkerPool. The first call loads the network for all threads and starts them."""
        if self._threads:
            for channel in self._channels:
                channel.commands.put(network)
            return
        task = self._task
        assert task is not None, "begin() comes before load()"
        evaluators = network.evaluators(task.games_in_play, task.config.game.board_size, len(self._channels))
        for channel, assignment, evaluator in zip(self._channels, self._assignments, evaluators, strict=True):
            play = self_play(task, assignment, evaluator, network.step)
            name = f"self-play {assignment.worker + 1}"
            self._threads.append(threading.Thread(target=run_worker, args=(channel, play), name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def poll(self, timeout_s: float) -> list[GameRecord]:
        """See WorkerPool."""
        try:
            return self._take(*self._messages.get(timeout=timeout_s))
        except queue.Empty:
            return []

    def abandon(self) -> None:
        """See WorkerPool. The threads end after their current batch; nothing waits for them or reads their messages."""
        self._abandoned.set()
        self._send_stop()

    def _send_stop(self) -> None:
        for channel in self._channels:
            channel.commands.put(None)

    def stop(self) -> tuple[list[GameRecord], list[bytes]]:
        """See WorkerPool. Threads that failed or do not answer are omitted."""
        if not self._threads:
            return [], [payload for assignment in self._assignments for payload in assignment.carried_over]
        self._send_stop()
        late: list[GameRecord] = []
        end = time.monotonic() + STOP_WAIT_S
        while len(self._ended) < len(self._threads) and time.monotonic() < end:
            try:
                late += self.poll(0.5)
            except FailureError as error:
                self.losses.append(str(error))
        self._report_missing(set(range(len(self._threads))) - self._ended)
        return late, self._parked


class _QueueChannel:
    """A thread's connection to its pool: see Channel."""

    def __init__(self, worker: int, messages: "queue.Queue[tuple[int, Message]]", abandoned: threading.Event) -> None:
        self.commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._worker = worker
        self._messages = messages
        self._abandoned = abandoned

    def receive(self, wait: bool) -> tuple[Command] | None:
        """See Channel."""
        try:
            return (self.commands.get(block=wait),)
        except queue.Empty:
            return None

    def send(self, message: Message) -> None:
        """See Channel. Waits while the queue is full; messages of an abandoned worker are dropped."""
        while not self._abandoned.is_set():
            try:
                self._messages.put((self._worker, message), timeout=0.5)
            except queue.Full:
                continue
            return
