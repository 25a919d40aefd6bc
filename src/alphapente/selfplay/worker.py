"""One worker: its games, and the loop that plays them, executes commands and reports finished games."""

import time
import traceback
from collections.abc import Sequence
from itertools import islice
from typing import Protocol

from alphapente.config import BUILT_IN_CLASSES, Config
from alphapente.errors import AlphaPenteError
from alphapente.network.evaluator import Evaluator, UniformEvaluator
from alphapente.network.inputs import PLANES
from alphapente.network.load import PlayableNetwork
from alphapente.network.mixnet_backend import MixnetEvaluator
from alphapente.network.mixnet_kernels import blank_weights
from alphapente.records.model import GameRecord
from alphapente.selfplay.loop import SelfPlay
from alphapente.selfplay.worker_pool import SHOWN_GAMES, Assignment, Counts, Message, Task, assignments, seeds_of

REPORT_EVERY_S = 0.25
"""How often a worker reports its progress while no game ends."""

Command = PlayableNetwork | None
"""A network to play with from now on; None: stop."""


class Channel(Protocol):
    """A worker's connection to its pool."""

    def receive(self, wait: bool) -> tuple[Command] | None:
        """The next command as a tuple of one; None if there is none now and `wait` is false."""

    def send(self, message: Message) -> None:
        """Sends a message."""


def self_play(task: Task, assignment: Assignment, evaluator: Evaluator, step: int) -> SelfPlay:
    """A worker's games over its evaluator, whose network was trained for `step` steps."""
    return SelfPlay(
        evaluator,
        task.config,
        seeds_of(task, assignment.worker, assignment.quota),
        network_step=step,
        settings_id=task.settings_id,
        carried_over=assignment.carried_over,
    )


def run_worker(channel: Channel, play: SelfPlay) -> None:
    """Plays until the stop command, then sends the games in play. Exceptions are sent, not raised.

    After an exception, too, it sends the games that have ended and those in play.
    """
    try:
        reported_at = float("-inf")
        while _execute_commands(channel, play):
            finished = play.step()
            now = time.monotonic()
            if finished or now - reported_at > REPORT_EVERY_S:
                channel.send(("games", finished, counts_of(play)))
                reported_at = now
        channel.send(("parked", play.park(), counts_of(play)))
    except Exception as error:
        ended, parked = play.take_ended(), _parked(play)
        if ended:
            channel.send(("games", ended, counts_of(play)))
        channel.send(failed(error, parked))


def _parked(play: SelfPlay) -> list[bytes]:
    """The games in play of a worker that failed; empty if they cannot be packed."""
    try:
        return play.park()
    except Exception:
        return []


def _execute_commands(channel: Channel, play: SelfPlay) -> bool:
    """Executes the commands received; waits for one if no game is in play. False: stop."""
    while True:
        received = channel.receive(wait=play.num_in_play == 0)
        if received is None:
            return True
        if received[0] is None:
            return False
        play.load(received[0])


def failed(error: Exception, parked: Sequence[bytes] = ()) -> Message:
    """The message of a worker that failed: AlphaPente's errors by their text, others by their traceback."""
    text = str(error) if isinstance(error, AlphaPenteError) else "".join(traceback.format_exception(error))
    return "failed", (text, list(parked)), Counts()


def counts_of(play: SelfPlay) -> Counts:
    """A worker's progress."""
    first = islice((game for game in play.games if game is not None), SHOWN_GAMES)
    shown = tuple((game.seed, list(game.moves)) for game in first)
    return Counts(play.forest.simulations_done, play.forest.evaluations, play.num_in_play, shown)


def warm_up(config: Config) -> None:
    """Loads or compiles all that self-play with the configured model needs, by some moves without its network."""
    brief = config.model_copy(update={"generation": config.generation.model_copy(update={"simulations": 2})})
    size, model = config.game.board_size, config.models.get(config.generation.model_type)
    own_kernels = model is not None and model.class_path == BUILT_IN_CLASSES["mixnet"]
    evaluator = MixnetEvaluator(blank_weights(), 1, size) if own_kernels else UniformEvaluator(1, size)
    play = SelfPlay(evaluator, brief, lambda: 0)
    while play.forest.simulations_done < 6:
        play.step()
    if not own_kernels:
        PLANES.encode(evaluator.input, PLANES.new_arrays(1, size))


class InProcess:
    """Plays in this process: reproducible to the last byte for a seed, a network and a database."""

    def __init__(self) -> None:
        self._task: Task | None = None
        self._assignment = Assignment(0, None, ())
        self._play: SelfPlay | None = None

    @property
    def counts(self) -> Counts:
        """See WorkerPool."""
        return counts_of(self._play) if self._play else Counts()

    @property
    def losses(self) -> list[str]:
        """See WorkerPool: there are no other workers."""
        return []

    def begin(self, task: Task, games: int | None, carried_over: Sequence[bytes]) -> None:
        """See WorkerPool."""
        self._task = task
        (self._assignment,) = assignments(1, games, carried_over)

    def load(self, network: PlayableNetwork) -> None:
        """See WorkerPool."""
        assert self._task is not None, "begin() comes before load()"
        if self._play:
            self._play.load(network)
            return
        task = self._task
        evaluator = network.evaluator(task.games_in_play, task.config.game.board_size)
        self._play = self_play(task, self._assignment, evaluator, network.step)

    def poll(self, timeout_s: float) -> list[GameRecord]:
        """See WorkerPool."""
        assert self._play is not None, "load() comes before poll()"
        end = time.monotonic() + timeout_s
        finished: list[GameRecord] = []
        while not finished and self._play.num_in_play and time.monotonic() < end:
            finished = self._play.step()
        return finished

    def abandon(self) -> None:
        """See WorkerPool."""
        self._play = None

    def stop(self) -> tuple[list[GameRecord], list[bytes]]:
        """See WorkerPool."""
        if self._play is None:
            return [], list(self._assignment.carried_over)
        return self._play.take_ended(), self._play.park()
