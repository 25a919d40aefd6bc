"""Monte Carlo tree search without a network: UCT with random playouts, as compiled kernels.

A reference player whose strength never changes. The search is UCT (Kocsis and Szepesvari 2006, section 2); proven
results are backed up (MCTS-Solver, Winands et al. 2008, section 3). Only moves near the stones are considered. In the
tree and in the playouts, find_tactics detects a player who can win at once, who has then won, and a threat, which must
be answered.

Values are those of the player who moved into a node, in [-1, 1].
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.rules.bitboards import FIRST_CELL, GUARD, ROW, WORDS, add_bits, any_bit, count_bits, next_cell, point_of
from alphapente.rules.kernels import copy_position, next_random, play
from alphapente.rules.near import keep_near, near_maps, near_stones
from alphapente.rules.position import DRAW, IN_PLAY, MAX_POINTS, POSITION, Position, Positions
from alphapente.rules.tactics import (
    ENEMY_FOURS,
    LEGAL,
    LOSES,
    MUST_REPLY,
    OWN,
    OWN_CAPTURES,
    OWN_FOURS,
    REPLIES,
    WINS,
    Bitboards,
    find_tactics,
    new_bitboards,
)

EXPLORATION = 0.6
"""UCT's constant, for values in [-1, 1]."""
LONGEST_PLAYOUT = 60
"""Plies after which a playout counts as a draw."""
TRIES = 24
"""Attempts to hit a set bit at random before the bits are counted."""
CHILDREN = 96
"""Nodes that a tree has for each simulation: about the number of moves near the stones."""
MOST_NODES = 4_000_000
"""About 70 MB. A full tree is searched without growing."""

_Map = NDArray[np.uint64]
_STONE_WORDS = np.uint64(6)  # number of words of a bitboard that can hold stones
_ONE = np.uint64(1)
_ZERO = np.uint64(0)


class RolloutTree(NamedTuple):
    """A tree of at most N nodes, and the buffers of its search. Node 0 is the root."""

    visits: NDArray[np.int32]  # [N]
    value_sum: NDArray[np.float32]  # [N]
    first_child: NDArray[np.int32]  # [N] a node's children are contiguous
    num_children: NDArray[np.int16]  # [N]
    point: NDArray[np.int16]  # [N] the move that leads to the node
    certain: NDArray[np.int8]  # [N] 1 and -1: won and lost for the player who moved here; 0: unknown
    num_nodes: NDArray[np.int32]  # [1]
    path: NDArray[np.int32]  # the nodes of the current simulation
    positions: Positions  # POSITION[3]: the root, the simulation's, scratch
    bits: Bitboards  # tactics of the position examined last
    near: Bitboards  # uint64[2, ROW]: near the stones of the root, and of the simulation's position
    near_points: NDArray[np.uint64]  # [P, ROW] the points near each point of this board
    random: NDArray[np.uint64]  # [1] the state of next_random


def new_tree(size: int, max_nodes: int) -> RolloutTree:
    """An empty tree for a board of `size`."""
    return RolloutTree(
        visits=np.zeros(max_nodes, np.int32),
        value_sum=np.zeros(max_nodes, np.float32),
        first_child=np.zeros(max_nodes, np.int32),
        num_children=np.zeros(max_nodes, np.int16),
        point=np.zeros(max_nodes, np.int16),
        certain=np.zeros(max_nodes, np.int8),
        num_nodes=np.zeros(1, np.int32),
        path=np.zeros(MAX_POINTS * 2, np.int32),
        positions=np.zeros(3, POSITION),
        bits=new_bitboards(),
        near=np.zeros((2, ROW), np.uint64),
        near_points=near_maps(size),
        random=np.ones(1, np.uint64),
    )


@inlined
def _has_bit(bits: _Map, bit: np.uint64) -> bool:
    return (bits[np.uint64(GUARD) + (bit >> np.uint64(6))] >> (bit & np.uint64(63))) & _ONE != _ZERO


@kernel
def random_cell(bits: _Map, state: NDArray[np.uint64]) -> int:
    """A uniformly random set cell of a bitboard, which must not be empty."""
    for _ in range(TRIES):
        bit = ((next_random(state) >> np.uint64(32)) * (_STONE_WORDS * np.uint64(64))) >> np.uint64(32)
        if _has_bit(bits, bit):
            return np.int64(bit) + FIRST_CELL
    left = np.int64(((next_random(state) >> np.uint64(32)) * np.uint64(count_bits(bits))) >> np.uint64(32))
    cell = next_cell(bits, 0)
    for _ in range(left):
        cell = next_cell(bits, cell)
    return cell


@kernel
def _playout_cell(bits: Bitboards, near: _Map, verdict: int, state: NDArray[np.uint64]) -> int:
    """A random move: a reply to a threat; else, half of the time, one that captures, makes a four or stops one."""
    if verdict != MUST_REPLY and next_random(state) >> np.uint64(63) != _ZERO:
        for word in range(GUARD, GUARD + WORDS):
            sharp = bits[OWN_CAPTURES, word] | bits[OWN_FOURS, word] | bits[ENEMY_FOURS, word]
            bits[OWN, word] = sharp & bits[LEGAL, word]  # OWN is no longer needed
        if any_bit(bits[OWN]):
            return random_cell(bits[OWN], state)
    keep_near(bits, near, verdict)
    return random_cell(bits[REPLIES], state)


@kernel
def _winner_of(verdict: int, to_move: int) -> int:
    """The player who wins by tactics, IN_PLAY if they do not decide the game."""
    if verdict == WINS:
        return to_move
    return 3 - to_move if verdict == LOSES else IN_PLAY


@kernel
def playout(tree: RolloutTree, verdict: int) -> int:
    """Plays tree.positions[1] to its end and returns the winner or DRAW. tree.bits holds its tactics."""
    position, near = tree.positions[1], tree.near[1]
    size = np.int64(position["size"])
    for _ in range(LONGEST_PLAYOUT):
        won = _winner_of(verdict, np.int64(position["to_move"]))
        if won != IN_PLAY:
            return won
        point = point_of(_playout_cell(tree.bits, near, verdict, tree.random), size)
        play(position, point)
        if position["winner"] != IN_PLAY:
            break
        add_bits(tree.near_points[point], near)
        verdict = find_tactics(position, tree.bits, tree.positions[2])
    winner = np.int64(position["winner"])
    return winner if winner != IN_PLAY else DRAW  # the playout reached its longest length


@kernel
def _expand(tree: RolloutTree, node: int, verdict: int) -> bool:
    """Adds a node's children in random order from tree.bits; False if the tree is full."""
    keep_near(tree.bits, tree.near[1], verdict)
    count, size = count_bits(tree.bits[REPLIES]), np.int64(tree.positions[1]["size"])
    first = np.int64(tree.num_nodes[0])
    if first + count > len(tree.visits):
        return False
    cell, placed = next_cell(tree.bits[REPLIES], 0), 0
    while cell >= 0:
        # Inside-out shuffle (Fisher-Yates): each new child swaps places with a random earlier one, or stays.
        other = np.int64(((next_random(tree.random) >> np.uint64(32)) * np.uint64(placed + 1)) >> np.uint64(32))
        tree.point[first + placed] = tree.point[first + other]
        tree.point[first + other] = point_of(cell, size)
        placed += 1
        cell = next_cell(tree.bits[REPLIES], cell)
    for child in range(first, first + count):
        tree.visits[child] = 0
        tree.value_sum[child] = np.float32(0.0)
        tree.num_children[child] = 0
        tree.certain[child] = 0
    tree.first_child[node] = first
    tree.num_children[node] = count
    tree.num_nodes[0] = first + count
    return True


@kernel
def _best_child(tree: RolloutTree, node: int) -> int:
    """The child of the largest upper confidence bound that is not lost; the first child if all are lost."""
    first = np.int64(tree.first_child[node])
    wide = math.log(max(int(tree.visits[node]), 1))
    expected = -tree.value_sum[node] / max(np.int64(tree.visits[node]), 1)
    best, best_score = first, -1e30
    for child in range(first, first + np.int64(tree.num_children[node])):
        if tree.certain[child] < 0:
            continue
        if tree.certain[child] > 0:
            return child
        visits = int(tree.visits[child])
        value = tree.value_sum[child] / visits if visits else expected
        score = value + EXPLORATION * math.sqrt(wide / max(visits, 1))
        if score > best_score:
            best, best_score = child, score
    return best


@kernel
def _conclude(tree: RolloutTree, node: int) -> int:
    """The proven result of a node by its children: 1, -1, or 0 for none."""
    first = np.int64(tree.first_child[node])
    all_lost = True
    for child in range(first, first + np.int64(tree.num_children[node])):
        if tree.certain[child] > 0:
            return -1
        all_lost = all_lost and tree.certain[child] < 0
    return 1 if all_lost and tree.num_children[node] else 0


@kernel
def _back_up(tree: RolloutTree, depth: int, winner: int) -> None:
    """Adds the result of a simulation to its path. The player who moved into the root is the one not to move there."""
    mover = 3 - np.int64(tree.positions[0]["to_move"])
    if depth % 2:
        mover = 3 - mover
    for level in range(depth, -1, -1):
        node = np.int64(tree.path[level])
        if level < depth and tree.certain[tree.path[level + 1]]:
            tree.certain[node] = _conclude(tree, node)
        tree.visits[node] += 1
        if winner != DRAW:
            tree.value_sum[node] += np.float32(1.0 if winner == mover else -1.0)
        mover = 3 - mover


@kernel
def _simulate(tree: RolloutTree) -> None:
    position, near = tree.positions[1], tree.near[1]
    copy_position(position, tree.positions[0])
    near[:] = _ZERO
    add_bits(tree.near[0], near)
    node, depth = np.int64(0), 0
    tree.path[0] = 0
    while True:
        to_move = np.int64(position["to_move"])
        if tree.certain[node]:
            winner = 3 - to_move if tree.certain[node] > 0 else to_move
            break
        if position["winner"] != IN_PLAY:
            winner = DRAW  # a won node is certain, and was handled above
            break
        if tree.num_children[node] == 0:
            verdict = find_tactics(position, tree.bits, tree.positions[2])
            winner = _winner_of(verdict, to_move)
            if winner != IN_PLAY:
                tree.certain[node] = -1 if verdict == WINS else 1
                break
            if tree.visits[node] == 0 or not _expand(tree, node, verdict):
                winner = playout(tree, verdict)
                break
        node = _best_child(tree, node)
        point = np.int64(tree.point[node])
        play(position, point)
        add_bits(tree.near_points[point], near)
        depth += 1
        tree.path[depth] = node
        if position["winner"] == to_move:
            tree.certain[node] = 1
        elif position["winner"] == 3 - to_move:  # in poof and boat a move can lose
            tree.certain[node] = -1
    _back_up(tree, depth, winner)


@kernel
def begin(tree: RolloutTree, position: Position, seed: int) -> int:
    """Makes a position in play the root and expands it; returns the verdict of its tactics."""
    copy_position(tree.positions[0], position)
    copy_position(tree.positions[1], position)
    size = np.int64(position["size"])
    tree.random[0] = np.uint64(seed) | _ONE
    verdict = find_tactics(position, tree.bits, tree.positions[2])
    near_stones(tree.bits, tree.near_points, size, tree.near[0])
    tree.near[1] = _ZERO
    add_bits(tree.near[0], tree.near[1])
    tree.visits[0] = 1
    tree.value_sum[0] = np.float32(0.0)
    tree.certain[0] = 0
    tree.num_children[0] = 0
    tree.num_nodes[0] = 1
    _expand(tree, 0, verdict)
    return verdict


@kernel
def simulate(tree: RolloutTree, simulations: int) -> int:
    """Runs up to `simulations` simulations, until the root is proven; returns the number."""
    for done in range(simulations):
        if tree.certain[0]:
            return done
        _simulate(tree)
    return simulations


@kernel
def chosen_child(tree: RolloutTree) -> int:
    """The root's child to play: a proven win, else the most visited that is not lost, else the most visited."""
    best, best_score = 1, -1
    for child in range(1, 1 + np.int64(tree.num_children[0])):
        score = np.int64(tree.visits[child])
        if tree.certain[child] > 0:
            score += 1 << 40
        elif tree.certain[child] == 0:
            score += 1 << 36
        if score > best_score:
            best, best_score = child, score
    return best


@kernel
def root_value(tree: RolloutTree) -> float:
    """The value of the move of `chosen_child` for the player to move, -1 to 1."""
    child = chosen_child(tree)
    if tree.certain[child]:
        return 1.0 * tree.certain[child]
    return tree.value_sum[child] / max(np.int64(tree.visits[child]), 1)
