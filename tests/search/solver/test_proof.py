"""The proof tree: its positions, and the effect of a larger budget."""

from itertools import islice

import numpy as np

from alphapente.rules.bitboards import point_of
from alphapente.rules.kernels import copy_position, play
from alphapente.rules.position import IN_PLAY, stones
from alphapente.search.solver.proof import MAX_DEPTH, NUM_NODES, Proof, go_to
from alphapente.search.solver.threats import THREES, new_threats
from tests.search.random_play import open_positions
from tests.search.solver.proving import prove


def path_to(proof: Proof, node: int) -> list[int]:
    """The points that lead to a node."""
    points = []
    while node:
        points.append(int(point_of(int(proof.nodes[node]["cell"]), int(proof.positions[0]["size"]))))
        node = int(proof.nodes[node]["parent"])
    return points[::-1]


def test_going_to_a_node_plays_its_moves() -> None:
    """Goes from node to node in any order: each position is as if played from the root."""
    threats, rng, walked = new_threats(300), np.random.default_rng(1), 0
    for position in islice(open_positions("pente", (9,), seed=21), 3):
        prove(threats, position, MAX_DEPTH, 60, THREES)
        proof = threats.outer
        for node in rng.integers(0, proof.counts[NUM_NODES], 20):
            expected = position.copy()
            for point in path_to(proof, int(node)):
                play(expected, point)
            depth = go_to(proof, int(node))
            assert np.array_equal(stones(proof.positions[depth]), stones(expected))
            assert proof.positions[depth]["captured"].tolist() == expected["captured"].tolist()
            walked += 1
    assert walked == 60


def test_counts_agree_with_the_children() -> None:
    threats, inner_nodes = new_threats(300), 0
    for position in islice(open_positions("pente", (9,), seed=22), 4):
        prove(threats, position, MAX_DEPTH, 80, THREES)
        nodes = threats.outer.nodes[: threats.outer.counts[NUM_NODES]]
        for node in nodes:
            children = nodes[node["first"] : node["first"] + node["count"]]
            if not len(children):
                continue
            inner_nodes += 1
            proofs, disproofs = children["proof"], children["disproof"]
            if node["attacking"]:
                assert node["proof"] == proofs.min()
                assert (node["disproof"] == 0) == bool((disproofs == 0).all())
            else:
                assert node["disproof"] == disproofs.min()
                assert (node["proof"] == 0) == bool((proofs == 0).all())
    assert inner_nodes > 10


def test_a_larger_budget_keeps_every_win() -> None:
    threats, wins = new_threats(200), 0
    for position in islice(open_positions("keryo", (8,), seed=23), 8):
        found = [bool(prove(threats, position, MAX_DEPTH, budget, THREES)) for budget in (5, 20, 60, 150)]
        assert found == sorted(found)
        wins += found[-1]
    assert wins


def test_the_limit_of_plies_is_kept() -> None:
    threats, limited = new_threats(200), 0
    for position in islice(open_positions("pente", (8,), seed=24), 12):
        if prove(threats, position, MAX_DEPTH, 150, THREES):
            plies = int(threats.outer.nodes[0]["length"])
            assert prove(threats, position, plies, 150, THREES)
            assert threats.outer.nodes[0]["length"] <= plies
            if prove(threats, position, plies - 2, 150, THREES):
                assert threats.outer.nodes[0]["length"] <= plies - 2
            limited += 1
    assert limited


def test_the_position_in_question_stays_unchanged() -> None:
    threats = new_threats(50)
    position = next(open_positions("pente", (9,), seed=25))
    before = position.copy()
    prove(threats, position, MAX_DEPTH, 50, THREES)
    copied = before.copy()
    copy_position(copied, position)
    assert copied == before
    assert position["winner"] == IN_PLAY
