"""The reference players: moves that they must find, and the proven results of a tree without a network."""

from collections.abc import Iterator

import numpy as np
import pytest

from alphapente.arena.players.base import Player, RandomPlayer, Turn, legal_list
from alphapente.arena.players.references import RolloutPlayer, TacticalPlayer
from alphapente.arena.players.rollouts import (
    RolloutTree,
    begin,
    chosen_child,
    new_tree,
    random_cell,
    root_value,
    simulate,
)
from alphapente.arena.suites.suite import BUILT_IN, Puzzle, read_suite
from alphapente.rules.bitboards import FIRST_CELL, GUARD, ROW, has, point_of
from alphapente.rules.game import Game
from alphapente.rules.kernels import play
from alphapente.rules.near import NEAR, keep_near, near_maps, near_stones
from alphapente.rules.position import CELL_OF, IN_PLAY, POSITION, VARIANTS, Position, new_positions, stones
from alphapente.rules.tactics import LOSES, REPLIES, UNDECIDED, WINS, find_tactics, new_bitboards
from alphapente.search import Prover
from tests.arena.matches.whole import play_match

SUITE = read_suite(BUILT_IN / "tactical.json")
AT_ONCE = ("five in one", "win by capture", "block of a four", "save by capture")
"""Kinds of the suite that show within two plies."""


def drawn(variant: str, size: int, seed: int, count: int) -> Iterator[Position]:
    """Positions in play after 1 to 40 random plies."""
    rng = np.random.default_rng(seed)
    while count:
        position = new_positions(1, variant, size)[0]
        for _ in range(int(rng.integers(1, 41))):
            if position["winner"] == IN_PLAY:
                play(position, int(rng.choice(legal_list(position))))
        if position["winner"] == IN_PLAY:
            count -= 1
            yield position


def opened(size: int) -> Position:
    """A position of three stones, far from any proof."""
    return Game.from_moves("1. E5 F6 2. H5", "pente", size).position


def after(position: Position, point: int) -> Position:
    copy = np.zeros(1, POSITION)
    copy[0] = position
    play(copy[0], point)
    return copy[0]


def wins_at_once(position: Position) -> list[int]:
    """By trying every legal move."""
    player = position["to_move"]
    return [point for point in legal_list(position) if after(position, point)["winner"] == player]


def asked(player: Player, position: Position, seed: int = 0) -> int:
    answer = player.choose([Turn(0, (), position, np.random.default_rng(seed))])[0]
    assert answer.point is not None
    return answer.point


def solved(player_for: dict[int, Player], puzzles: list[Puzzle]) -> int:
    return sum(asked(player_for[one.board_size], one.position) in one.answers for one in puzzles)


class TestNear:
    @pytest.mark.parametrize(("variant", "size"), [("pente", 7), ("poof", 9), ("pente", 19)])
    def test_against_trying_every_pair(self, variant: str, size: int) -> None:
        maps, bits, near = near_maps(size), new_bitboards(), np.zeros(ROW, np.uint64)
        scratch = np.zeros(1, POSITION)
        for position in drawn(variant, size, 5, 12):
            verdict = find_tactics(position, bits, scratch[0])
            near_stones(bits, maps, size, near)
            held = np.argwhere(stones(position).reshape(size, size) > 0)
            cells = CELL_OF[size, : size * size]
            expected = {
                point
                for point in range(size * size)
                if any(max(abs(row - point // size), abs(column - point % size)) <= NEAR for row, column in held)
            }
            assert {point for point, cell in enumerate(cells) if has(near, cell)} == expected
            keep_near(bits, near, verdict)
            if verdict == UNDECIDED:
                kept = {point for point, cell in enumerate(cells) if has(bits[REPLIES], cell)}
                legal = set(legal_list(position))
                assert kept == (legal & expected or legal)


class TestTactical:
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_takes_a_win_and_leaves_none(self, variant: str) -> None:
        """Compared with exhaustive search of every move and every reply."""
        player, found = TacticalPlayer(7), {"win": 0, "save": 0}
        for position in drawn(variant, 7, 11, 60):
            point, winning = asked(player, position), wins_at_once(position)
            if winning:
                found["win"] += 1
                assert point in winning
                continue
            safe = []
            for move in legal_list(position):
                reply = after(position, move)
                if reply["winner"] != 3 - position["to_move"] and not (
                    reply["winner"] == IN_PLAY and wins_at_once(reply)
                ):
                    safe.append(move)
            if safe and len(safe) < len(legal_list(position)):
                found["save"] += 1
                assert point in safe
        assert found["win"] >= 3
        assert found["save"] >= 3

    def test_suite(self) -> None:
        players: dict[int, Player] = {one.board_size: TacticalPlayer(one.board_size) for one in SUITE}
        near_at_hand = [one for one in SUITE if one.kind in AT_ONCE]
        assert solved(players, near_at_hand) == len(near_at_hand) > 40
        threes = [one for one in SUITE if one.kind == "block of an open three"]
        assert solved(players, threes) >= len(threes) - 2 > 10

    def test_chance_decides_between_equals(self) -> None:
        position = SUITE[0].position
        player = TacticalPlayer(SUITE[0].board_size)
        assert asked(player, position, 1) == asked(player, position, 1)
        first_reply = Game.from_moves("1. E5", "pente", 9).position
        assert len({asked(TacticalPlayer(9), first_reply, seed) for seed in range(12)}) > 1

    def test_beats_random(self) -> None:
        report = play_match(TacticalPlayer(9), RandomPlayer(), 40, size=9, seed=2)
        assert report.total.wins >= 39


class TestRollouts:
    def test_random_cell_is_uniform(self) -> None:
        bits, state = np.zeros(ROW, np.uint64), np.array([7], np.uint64)
        points = [0, 5, 77, 180, 360]
        for point in points:
            bit = int(CELL_OF[19, point]) - FIRST_CELL
            bits[GUARD + bit // 64] |= np.uint64(1) << np.uint64(bit % 64)
        counts = np.bincount([int(point_of(random_cell(bits, state), 19)) for _ in range(5000)], minlength=361)
        assert set(np.flatnonzero(counts)) == set(points)
        assert np.abs(counts[points] - 1000).max() < 150  # five standard deviations

    @pytest.mark.parametrize("variant", VARIANTS)
    def test_certain_is_never_refuted(self, variant: str) -> None:
        """Exhaustive search within three plies does not contradict what the tree calls won or lost."""
        prover, tree, certain = Prover(), new_tree(7, 200_000), {1: 0, -1: 0}
        for position in drawn(variant, 7, 23, 25):
            verdict = begin(tree, position, 9)
            if verdict in (WINS, LOSES):
                continue
            simulate(tree, 800)
            for child in range(1, 1 + int(tree.num_children[0])):
                value, reply = int(tree.certain[child]), after(position, int(tree.point[child]))
                if not value or reply["winner"] != IN_PLAY:
                    continue
                certain[value] += 1
                if value == 1:
                    assert not prover.wins(reply, 3), "called won, and the opponent wins"
                else:
                    losing = prover.losing_moves(reply, 1)
                    assert set(losing) < set(legal_list(reply)), "called lost, and each reply loses to a win at once"
        assert min(certain.values()) > 0

    def test_suite(self) -> None:
        """1,000 simulations solve every position that two plies decide, and every win in two moves."""
        sizes = {one.board_size for one in SUITE}
        players: dict[int, Player] = {size: RolloutPlayer(size, simulations=1000) for size in sizes}
        expected = [one for one in SUITE if one.kind in (*AT_ONCE, "five in two", "win by capture in two")]
        assert solved(players, expected) >= len(expected) - 2 > 100
        for player in players.values():
            player.close()

    def test_counts(self) -> None:
        tree = new_tree(9, 50_000)
        position = opened(9)
        begin(tree, position, 1)
        done = simulate(tree, 300)
        children = range(1, 1 + int(tree.num_children[0]))
        assert int(tree.visits[0]) == 1 + done
        assert sum(int(tree.visits[child]) for child in children) == done
        assert all(abs(tree.value_sum[child]) <= tree.visits[child] for child in children)
        assert {int(tree.point[child]) for child in children} <= set(legal_list(position))
        assert -1 <= root_value(tree) <= 1
        assert chosen_child(tree) in children

    def test_full_tree_is_searched_further(self) -> None:
        tree: RolloutTree = new_tree(9, 300)
        position = opened(9)
        begin(tree, position, 1)
        assert simulate(tree, 500) == 500
        assert int(tree.num_nodes[0]) <= 300

    def test_with_a_time_limit(self) -> None:
        player = RolloutPlayer(9, seconds=0.05)
        position = opened(9)
        answer = player.choose([Turn(0, (), position, np.random.default_rng(0))])[0]
        player.close()
        assert answer.point in legal_list(position)
        assert answer.elapsed_s >= 0.05
        assert player.name == "rollouts, 0.05 s"

    def test_beats_random(self) -> None:
        player = RolloutPlayer(9, simulations=50, threads=2)
        report = play_match(player, RandomPlayer(), 20, size=9, seed=2)
        player.close()
        assert report.total.wins >= 19
