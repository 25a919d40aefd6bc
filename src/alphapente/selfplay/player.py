"""One player: his games, and the loop in which he plays them, takes orders and tells what has ended."""

import time
import traceback
from collections.abc import Sequence
from typing import Any, Protocol

from alphapente.config import BUILT_IN_CLASSES, Config
from alphapente.errors import AlphaPenteError
from alphapente.network.evaluator import Evaluator, UniformEvaluator
from alphapente.network.inputs import PLANES
from alphapente.network.load import load_evaluator
from alphapente.network.mixnet_backend import MixnetEvaluator
from alphapente.network.mixnet_kernels import blank_weights
from alphapente.records.model import GameRecord
from alphapente.selfplay.crew import Answer, Counts, Share, Task, seeds_of, shares
from alphapente.selfplay.live import LiveGames
from alphapente.selfplay.loop import SelfPlay

REPORT_EVERY_S = 0.25
"""How often a player tells how far he is, if no game ends."""

Order = tuple[Any, int] | None
"""A network and the steps that it was trained for; None: stop."""


class Post(Protocol):
    """A player's connection to his crew."""

    def order(self, wait: bool) -> tuple[Order] | None:
        """The next order; None if there is none now and `wait` is false."""

    def tell(self, answer: Answer) -> None:
        """Sends an answer."""


def self_play(task: Task, share: Share, evaluator: Evaluator, step: int) -> SelfPlay:
    """A player's games over his evaluator, whose network was trained for `step` steps. The first one's can be seen."""
    return SelfPlay(
        evaluator,
        task.config,
        seeds_of(task, share.player, share.quota),
        network_step=step,
        settings_id=task.settings_id,
        carried_over=share.carried_over,
        live=LiveGames(task.config) if share.player == 0 else None,
    )


def play_games(post: Post, play: SelfPlay) -> None:
    """Plays until the order to stop, then sends the games in play. Sends an exception too, and raises none.

    Also after an exception it sends the games, those that have ended and those in play.
    """
    try:
        told = float("-inf")
        while _obey(post, play):
            finished = play.step()
            now = time.monotonic()
            if finished or now - told > REPORT_EVERY_S:
                post.tell(("games", finished, counts_of(play)))
                told = now
        post.tell(("parked", play.park(), counts_of(play)))
    except Exception as error:
        ended, parked = play.take_ended(), _parked(play)
        if ended:
            post.tell(("games", ended, counts_of(play)))
        post.tell(failed(error, parked))


def _parked(play: SelfPlay) -> list[bytes]:
    """The games in play of a player who has failed: none where they cannot be packed."""
    try:
        return play.park()
    except Exception:
        return []


def _obey(post: Post, play: SelfPlay) -> bool:
    """Takes the orders that have come, and waits for one where no game is in play; False: stop."""
    while True:
        ordered = post.order(wait=play.num_in_play == 0)
        if ordered is None:
            return True
        if ordered[0] is None:
            return False
        play.load(*ordered[0])


def failed(error: Exception, parked: Sequence[bytes] = ()) -> Answer:
    """The answer of a player who cannot go on: our own errors by their line, others by their traceback."""
    text = str(error) if isinstance(error, AlphaPenteError) else "".join(traceback.format_exception(error))
    return "failed", (text, list(parked)), (0, 0, 0)


def counts_of(play: SelfPlay) -> Counts:
    """How far a player is."""
    return play.forest.simulations_done, play.forest.evaluations, play.num_in_play


def warm_up(config: Config) -> None:
    """Loads or compiles all that self-play with the configured model needs: plays a moment without its network."""
    brief = config.model_copy(update={"generation": config.generation.model_copy(update={"simulations": 2})})
    size, model = config.game.board_size, config.models.get(config.generation.model_type)
    own_kernels = model is not None and model.class_path == BUILT_IN_CLASSES["mixnet"]
    evaluator = MixnetEvaluator(blank_weights(), 1, size) if own_kernels else UniformEvaluator(1, size)
    play = SelfPlay(evaluator, brief, lambda: 0)
    while play.forest.simulations_done < 6:
        play.step()
    if not own_kernels:
        PLANES.encode(evaluator.input, PLANES.new_arrays(1, size))


class Alone:
    """Plays in this process: repeatable to the last byte for a seed, a network and a database."""

    def __init__(self) -> None:
        self._task: Task | None = None
        self._share = Share(0, None, ())
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
        return self._play.num_in_play if self._play else 0

    @property
    def losses(self) -> list[str]:
        """See Crew: nobody else takes part."""
        return []

    def begin(self, task: Task, games: int | None, carried_over: Sequence[bytes]) -> None:
        """See Crew."""
        self._task = task
        (self._share,) = shares(1, games, carried_over)

    def load(self, network: Any, step: int) -> None:
        """See Crew."""
        assert self._task is not None, "begin() comes before load()"
        if self._play:
            self._play.load(network, step)
            return
        task = self._task
        size = task.config.game.board_size
        evaluator = load_evaluator(network, task.config, task.games_in_play, size, task.device)
        self._play = self_play(task, self._share, evaluator, step)

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
        if self._play is None:
            return [], list(self._share.carried_over)
        return self._play.take_ended(), self._play.park()
