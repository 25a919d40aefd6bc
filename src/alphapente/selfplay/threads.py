"""Threads of this process that share one network on a GPU: while it looks at one batch, the others fill theirs.

The search's kernels, the waiting for the device and what torch does on its way there hold no lock of the interpreter;
only the moves themselves, a hundredth of the work, take turns. Whoever stores the games takes turns with them too: the
queue to him is short, so that players wait where he falls behind, and he gets his turn.
"""

import queue
import threading
import time
from collections.abc import Sequence
from typing import Any

from alphapente.errors import FailureError
from alphapente.network.load import load_evaluators
from alphapente.records.model import GameRecord
from alphapente.selfplay.crew import STOP_WAIT_S, Answer, Share, Task, Team, shares
from alphapente.selfplay.player import Order, play_games, self_play


class Threads(Team):
    """A crew of threads: see Crew. Each has games, a forest and an evaluator of its own."""

    def __init__(self, count: int) -> None:
        super().__init__(count, "thread")
        self._answers: queue.Queue[tuple[int, Answer]] = queue.Queue(2 * count)
        self._abandoned = threading.Event()
        self._posts = [_QueuePost(player, self._answers, self._abandoned) for player in range(count)]
        self._threads: list[threading.Thread] = []
        self._task: Task | None = None
        self._shares: list[Share] = []

    def begin(self, task: Task, games: int | None, carried_over: Sequence[bytes]) -> None:
        """See Crew."""
        self._task = task
        self._shares = shares(len(self._posts), games, carried_over)
        self._counts = [(0, 0, task.games_in_play)] * len(self._posts)

    def load(self, network: Any, step: int) -> None:
        """See Crew. The first network is loaded here for all threads, which then begin."""
        if self._threads:
            for post in self._posts:
                post.orders.put((network, step))
            return
        task = self._task
        assert task is not None, "begin() comes before load()"
        size, count = task.config.game.board_size, len(self._posts)
        evaluators = load_evaluators(network, task.config, task.games_in_play, size, task.device, count)
        for post, share, evaluator in zip(self._posts, self._shares, evaluators, strict=True):
            play = self_play(task, share, evaluator, step)
            name = f"self-play {share.player + 1}"
            self._threads.append(threading.Thread(target=play_games, args=(post, play), name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def poll(self, timeout_s: float) -> list[GameRecord]:
        """See Crew."""
        try:
            return self._take(*self._answers.get(timeout=timeout_s))
        except queue.Empty:
            return []

    def abandon(self) -> None:
        """See Crew. The threads end after the batch that they are at; nobody waits for them or hears them."""
        self._abandoned.set()
        self._order_stop()

    def _order_stop(self) -> None:
        for post in self._posts:
            post.orders.put(None)

    def stop(self) -> tuple[list[GameRecord], list[bytes]]:
        """See Crew. Threads that failed or do not answer are left out."""
        if not self._threads:
            return [], [payload for share in self._shares for payload in share.carried_over]
        self._order_stop()
        late: list[GameRecord] = []
        end = time.monotonic() + STOP_WAIT_S
        while len(self._ended) < len(self._threads) and time.monotonic() < end:
            try:
                late += self.poll(0.5)
            except FailureError as error:
                self.losses.append(str(error))
        self._lose_silent(set(range(len(self._threads))) - self._ended)
        return late, self._parked


class _QueuePost:
    """A thread's connection to its crew: see Post."""

    def __init__(self, player: int, answers: "queue.Queue[tuple[int, Answer]]", abandoned: threading.Event) -> None:
        self.orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._player = player
        self._answers = answers
        self._abandoned = abandoned

    def order(self, wait: bool) -> tuple[Order] | None:
        """See Post."""
        try:
            return (self.orders.get(block=wait),)
        except queue.Empty:
            return None

    def tell(self, answer: Answer) -> None:
        """See Post. Waits for room; what an abandoned player says is lost."""
        while not self._abandoned.is_set():
            try:
                self._answers.put((self._player, answer), timeout=0.5)
            except queue.Full:
                continue
            return
