"""The pool of searches: slices are fair, errors go only to their client, idle memory is freed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.config import Config
from alphapente.errors import FailureError
from alphapente.network.evaluator import Evaluator
from alphapente.network.load import PlayableNetwork
from alphapente.network.openvino_backend import PortableNetwork
from alphapente.rules import Game
from alphapente.search import Solver
from alphapente.web.engines import Engines
from alphapente.web.errors import WebError
from alphapente.web.networks import Loaded, Networks
from alphapente.web.searches import EvaluatorSlot, SearchSnapshot, SearchSpec, forced_win, network_evaluation
from tests.web.server import quiet_config, wait_until

SIZE = 9
QUIET = "E5 F6 H8 D4"


class HandMade(Networks):
    """Networks without files: the hand-made evaluator under any name, and a list of the slices."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.turns: list[str] = []
        self.broken: set[str] = set()

    @contextmanager
    def borrow(self, loaded: Loaded, board_size: int) -> Iterator[Evaluator]:
        self.turns.append(loaded.key)
        if loaded.key in self.broken:
            raise FailureError("the network broke")
        yield HeuristicEvaluator(self._config.search.leaves_at_once, board_size)


def named(key: str) -> Loaded:
    return Loaded(key, PlayableNetwork(PortableNetwork(b"", b""), "openvino", Config().network), 0.0)


def game(moves: str = QUIET) -> Game:
    return Game.from_moves(moves, size=SIZE)


class Pool:
    """Engines over hand-made networks, and what each search reported."""

    def __init__(self, config: Config) -> None:
        self.networks = HandMade(config)
        self.engines = Engines(config, self.networks)

    def start(self, key: str, simulations: int = 50, **rest: float | bool) -> "Heard":
        heard = Heard()
        spec = SearchSpec(named(key), game(), simulations, **rest)  # type: ignore[arg-type]
        search, heard.ahead = self.engines.submit(spec, heard)
        heard.cancel = search.cancel
        return heard


class Heard:
    """What one search reported."""

    def __init__(self) -> None:
        self.snapshots: list[SearchSnapshot] = []
        self.errors: list[Exception] = []
        self.ended = threading.Event()
        self.ahead = -1
        self.cancel: Callable[[], None] = lambda: None

    def __call__(self, report: SearchSnapshot | Exception) -> None:
        if isinstance(report, Exception):
            self.errors.append(report)
        else:
            self.snapshots.append(report)
        if isinstance(report, Exception) or report.finished:
            self.ended.set()


@pytest.fixture
def make_pool(tmp_path: Path) -> Iterator[Callable[..., Pool]]:
    pools: list[Pool] = []

    def make(*overrides: str) -> Pool:
        pools.append(Pool(quiet_config(tmp_path, f"game.board_size={SIZE}", *overrides)))
        return pools[-1]

    yield make
    for pool in pools:
        pool.engines.close()


def test_each_search_has_its_turn_before_any_has_another(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool("web.threads=1", "web.slice_ms=1")
    visitors = [pool.start(str(number), 10**6, reuse=False) for number in range(5)]
    turns = pool.networks.turns
    wait_until(lambda: turns.count("4") >= 20)
    for visitor in visitors:
        visitor.cancel()
    wait_until(lambda: pool.engines.active == 0)
    begun = turns.index("4")
    rounds = [turns[at : at + 5] for at in range(begun + 1, begun + 1 + 15 * 5, 5)]
    assert all(sorted(turn) == ["0", "1", "2", "3", "4"] for turn in rounds)


def test_short_searches_do_not_wait_for_long_ones(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool("web.threads=1", "web.slice_ms=1")
    endless = pool.start("endless", 10**6)
    short = pool.start("short", 20)
    assert short.ahead == 1
    assert short.ended.wait(60)
    assert not endless.ended.is_set()
    endless.cancel()
    wait_until(lambda: pool.engines.active == 0)


def test_all_threads_search(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool("web.threads=3")
    visitors = [pool.start(str(number), 200) for number in range(9)]
    assert all(visitor.ended.wait(120) for visitor in visitors)
    assert all(visitor.snapshots[-1].result.simulations == 200 for visitor in visitors)
    assert pool.engines.num_threads == 3


def test_an_error_is_reported_only_to_its_client(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool("web.threads=1")
    pool.networks.broken.add("broken")
    broken, whole = pool.start("broken"), pool.start("whole")
    assert broken.ended.wait(60)
    assert whole.ended.wait(60)
    assert [str(error) for error in broken.errors] == ["the network broke"]
    assert not whole.errors
    wait_until(lambda: pool.engines.active == 0)


def test_a_search_whose_network_fails_loses_its_tree(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool("web.threads=1", "web.slice_ms=1")
    search = pool.start("later", 10**6)
    wait_until(lambda: pool.networks.turns.count("later") > 3)
    pool.networks.broken.add("later")
    assert search.ended.wait(60)
    assert search.errors
    assert pool.engines.trees.num_kept() == 0


def test_the_number_of_searches_is_limited(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool("web.max_searches=2", "web.threads=1")
    first, second = pool.start("1", 10**6), pool.start("2", 10**6)
    with pytest.raises(WebError, match="2 searches are active") as caught:
        pool.start("3")
    assert caught.value.status == 429
    first.cancel()
    second.cancel()
    wait_until(lambda: pool.engines.active == 0)
    assert pool.start("4").ended.wait(60)


def test_trees_are_kept_for_a_time_and_up_to_a_number(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool("web.max_trees=2", "web.threads=1")
    for key in "abc":
        assert pool.start(key, 20).ended.wait(60)
    wait_until(lambda: pool.engines.active == 0)
    trees = pool.engines.trees
    assert trees.num_kept() == 2
    again = pool.start("c", 20)
    assert again.ended.wait(60)
    assert int(again.snapshots[-1].result.visits.sum()) == 40, "earlier simulations count"
    afresh = pool.start("a", 20)
    assert afresh.ended.wait(60)
    assert int(afresh.snapshots[-1].result.visits.sum()) == 20, "this tree was deleted"
    wait_until(lambda: pool.engines.active == 0)
    trees.free_idle(0.0)
    assert trees.num_kept() == 0


def test_without_reuse_nothing_is_kept_nor_taken(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    for _ in range(2):
        heard = pool.start("a", 30, reuse=False)
        assert heard.ended.wait(60)
        assert int(heard.snapshots[-1].result.visits.sum()) == 30
    assert pool.engines.trees.num_kept() == 0


def test_a_tree_smaller_than_the_search_does_not_end_it(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool("web.max_tree_nodes=1000")
    heard = pool.start("a", 1600)
    assert heard.ended.wait(120)
    assert heard.snapshots[-1].result.simulations == 1600 or heard.snapshots[-1].result.proven


def test_a_closed_pool_refuses_searches(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool()
    endless = pool.start("a", 10**6)
    wait_until(lambda: "a" in pool.networks.turns)
    pool.engines.close()
    assert not endless.ended.is_set()
    with pytest.raises(WebError, match="being ended"):
        pool.start("b")


def test_the_networks_evaluation_is_over_the_legal_points() -> None:
    opening = Game(size=SIZE)
    policy, value = network_evaluation(opening, HeuristicEvaluator(4, SIZE))
    assert policy[40] == pytest.approx(1.0)
    assert -1 <= value <= 1
    later, _ = network_evaluation(game(), HeuristicEvaluator(4, SIZE))
    assert later.sum() == pytest.approx(1.0)
    assert np.flatnonzero(later).tolist() == game().legal_points()


def test_forced_wins_are_played_out_to_the_end() -> None:
    solver = Solver(5_000)
    threes = Game.from_moves("E5 A1 E6 A3 D7 C1 F7 A5 E4 J1", "gomoku", SIZE)
    found = forced_win(threes, solver, 5_000)
    assert found is not None
    assert found.winner == 1
    for point in found.line:
        threes.play(point)
    assert threes.winner == 1
    assert len(found.line) == found.plies
    assert forced_win(game(), solver, 500) is None


def test_a_slot_uses_the_evaluator_that_is_set() -> None:
    slot = EvaluatorSlot(SIZE, 4)
    slot.evaluator = HeuristicEvaluator(4, SIZE)
    logits, values = slot.evaluate(slot.input)
    assert logits.shape == (4, SIZE * SIZE)
    assert values.shape == (4,)
    with pytest.raises(NotImplementedError):
        slot.load_weights(None)
