"""Plays many games at once over one network: each moves when its search is done, without waiting for the others."""

from collections.abc import Callable, Sequence

import numpy as np

from alphapente.config import Config
from alphapente.network.evaluator import Evaluator
from alphapente.network.load import PlayableNetwork
from alphapente.records.model import GameRecord
from alphapente.rules.kernels import legal_points, play
from alphapente.rules.position import IN_PLAY
from alphapente.rules.tactics import LOSES, WINS
from alphapente.search import Forest, SearchResult, choose_point
from alphapente.selfplay.effort import ONE_EVALUATION, Effort, effort_at
from alphapente.selfplay.game import (
    GameInPlay,
    finished_record,
    new_game,
    pack,
    record_search,
    unpack,
)
from alphapente.selfplay.listing import divergence


class SelfPlay:
    """One game in play for each place of the evaluator's batch; a game that ends is replaced by a new one.

    Every game draws from its own generator, seeded by `next_seed`, so its moves do not depend on the other games.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        config: Config,
        next_seed: Callable[[], int | None],
        *,
        network_step: int = 0,
        settings_id: int | None = None,
        carried_over: Sequence[bytes] = (),
        forest_class: type[Forest] = Forest,
    ) -> None:
        """`next_seed` returns the seed of the next game, or None if no more games are to begin.

        `carried_over` are games that `park` packed: they are continued first. Raises FailureError for packed games that
        cannot be read.
        """
        self.config = config
        self.network_step = network_step
        self.settings_id = settings_id
        self._next_seed = next_seed
        self._waiting = [unpack(payload, config.game.variant, config.game.board_size) for payload in carried_over]
        self.forest = forest_class(
            evaluator,
            config.search,
            num_trees=evaluator.batch_size,
            simulations=config.generation.simulations,
        )
        self.games: list[GameInPlay | None] = [None] * evaluator.batch_size
        self._efforts: list[Effort] = [ONE_EVALUATION] * evaluator.batch_size
        self._ended: list[GameRecord] = []
        for tree in range(evaluator.batch_size):
            self._begin(tree)

    @property
    def num_in_play(self) -> int:
        """Games that have begun and are not over."""
        return sum(game is not None for game in self.games)

    def load(self, network: PlayableNetwork) -> None:
        """Switches to this network (see Evaluator.load_weights); the games continue."""
        self.forest.load_weights(network.form)
        self.network_step = network.step

    def step(self) -> list[GameRecord]:
        """Plays the moves that are due or, if none is, makes one network call for all games; returns ended games.

        If it raises, `take_ended` returns the games that had ended.
        """
        for tree in self.forest.step():
            game = self.games[tree]
            assert game is not None, "only a game's tree is searched"
            self._move(tree, game)
            if game.over:
                self._ended.append(finished_record(game, self.config, self.network_step, self.settings_id))
                self._begin(tree)
            else:
                self._search(tree, game)
        return self.take_ended()

    def take_ended(self) -> list[GameRecord]:
        """The games that have ended and have not been returned yet."""
        ended, self._ended = self._ended, []
        return ended

    def park(self) -> list[bytes]:
        """Packs and removes all games in play."""
        in_play = [game for game in [*self.games, *self._waiting] if game is not None and not game.over]
        packed = [pack(game) for game in in_play if game.moves]
        self.games = [None] * len(self.games)
        self._waiting = []
        return packed

    def _begin(self, tree: int) -> None:
        self.games[tree] = None
        game = self._waiting.pop() if self._waiting else None
        if game is None:
            seed = self._next_seed()
            if seed is None:
                return
            game = new_game(self.config, seed)
        self.games[tree] = game
        self.forest.set_position(tree, game.position)
        self._search(tree, game)

    def _search(self, tree: int, game: GameInPlay) -> None:
        effort = effort_at(game, self.config.generation)
        self._efforts[tree] = effort
        self.forest.start(tree, game.rng, effort.exploration, effort.simulations)

    def _move(self, tree: int, game: GameInPlay) -> None:
        result = self.forest.result(tree)
        if game.opening_left:
            self._open(tree, game)
            return
        point, rate = result.point, self.config.generation.random_move_rate
        recorded = self._record(tree, game, result)
        if recorded and rate > 0.0 and game.rng.random() < rate:
            game.random_plies.append(len(game.moves))
            game.proven_winner = 0
            point = _random_legal_point(game)
        self._play(tree, game, point)

    def _open(self, tree: int, game: GameInPlay) -> None:
        """Plays a move drawn from the policy. If it would end the game, the opening ends and a search follows."""
        temperature = self.config.generation.policy_opening_temperature
        point = choose_point(self.forest.raw_policy(tree), temperature, game.rng)
        tried = game.position.copy()
        play(tried, point)
        if tried["winner"] != IN_PLAY:
            game.opening_left = 0
            return
        game.opening_left -= 1
        game.opening_plies += 1
        self._play(tree, game, point)

    def _play(self, tree: int, game: GameInPlay, point: int) -> None:
        self.forest.advance(tree, point)
        game.play(point)

    def _record(self, tree: int, game: GameInPlay, result: SearchResult) -> bool:
        """Records a search, unless the game is proven and only played to its end; returns whether it did.

        If the winner's search does not find the proof again, recording resumes.
        """
        policy_weight = self._efforts[tree].policy_weight
        to_move = int(game.position["to_move"])
        if game.proven_winner == to_move and result.proven != WINS:
            game.proven_winner, policy_weight = 0, 1.0
        if policy_weight is None:
            return False
        record_search(game, result, policy_weight, divergence(result.policy, self.forest.raw_policy(tree)))
        if self.config.generation.end_when_proven and result.proven in (WINS, LOSES):
            game.proven_winner = to_move if result.proven == WINS else 3 - to_move
        return True


def _random_legal_point(game: GameInPlay) -> int:
    size = int(game.position["size"])
    out = np.zeros(size * size, np.int16)
    return int(game.rng.choice(out[: legal_points(game.position, out)]))
