"""The simulations of MCTS: select a leaf, expand it with the network's evaluation, back up its value.

PUCT as in AlphaZero (Silver et al. 2018) with a c_puct that grows with the visits. The value of a move without visits
is its parent's value minus a reduction (FPU, first-play urgency, as in Leela Zero and KataGo). Proven wins and losses
are carried up the tree (MCTS-Solver, Winands et al. 2008). At a Gumbel root, a visit kept from the search before counts
as one of this search's simulations. A cached position needs no slot in the batch. Nothing here allocates memory.

A leaf's slot in the batch is called its place. A simulation that is in flight has counted `in_flight` on its path, but
no visit: `back_up` exchanges the one for the other.
"""

from typing import NamedTuple

import numpy as np

from alphapente.compiled import inlined, kernel
from alphapente.rules.bitboards import GUARD, WORDS
from alphapente.rules.canonical import canonical_symmetry
from alphapente.rules.kernels import copy_position, play
from alphapente.rules.position import DRAW, IN_PLAY, Position
from alphapente.rules.symmetry import SYMMETRY_TABLES, copy_turned
from alphapente.rules.tactics import LOSES, REPLIES, WINS, find_tactics
from alphapente.search.mcts import gumbel_root, puct_root
from alphapente.search.mcts.backup import back_up, seen_by_parent, undo_selection
from alphapente.search.mcts.cache import MISSING, Cache, find, recall
from alphapente.search.mcts.edges import find_next, must_grow, open_edge
from alphapente.search.mcts.expansion import expand_leaf
from alphapente.search.mcts.puct import select_puct
from alphapente.search.mcts.tree import (
    DONE,
    EVALUATING,
    IN_FLIGHT,
    NEEDS_ROOT,
    NOTHING,
    PROVEN_DRAW,
    PROVEN_LOSS,
    PROVEN_WIN,
    SEARCHING,
    UNEXPANDED,
    UNKNOWN,
    UNOPENED,
    Leaves,
    Scratch,
    SelectionConstants,
    Trees,
)
from alphapente.search.solver.candidates import may_force
from alphapente.search.solver.proof import MAX_DEPTH
from alphapente.search.solver.threats import FOURS, Threats, is_solvable, prove_from


@kernel
def _proven_by_rules(position: Position, verdict: int) -> int:
    """What the rules prove for the player to move: of a finished game its result, else what its tactics decide."""
    winner = position["winner"]
    if winner == DRAW:
        return PROVEN_DRAW
    if winner != IN_PLAY:
        return PROVEN_WIN if winner == position["to_move"] else PROVEN_LOSS
    if verdict == WINS:
        return PROVEN_WIN
    return PROVEN_LOSS if verdict == LOSES else UNKNOWN


@kernel
def _count_kept_visit(trees: Trees, tree: int, place: int) -> bool:
    """Counts a visit of the search before at a root edge as one of this search's simulations; False if none is left."""
    # `root_count` are the visits counted for this search, so the others are from searches before
    edge = trees.nodes[tree, 0]["first_edge"] + place
    point = trees.edges[tree, edge]["point"]
    kept = trees.edges[tree, edge]["visits"] + trees.edges[tree, edge]["in_flight"] - trees.root_count[tree, point]
    if kept <= 0:
        return False
    trees.root_count[tree, point] += 1
    trees.heads[tree]["finished"] += 1
    return True


@kernel
def _descend(
    trees: Trees, constants: SelectionConstants, leaves: Leaves, place: int, choice: int, scratch: Scratch
) -> int:
    """Follows the root's edge `choice` down to a leaf; returns what is proven about it, or IN_FLIGHT.

    UNKNOWN means that the leaf needs an evaluation: `leaves.position[place]`, whose tactics are in `scratch.bits`.
    IN_FLIGHT means that the leaf is waiting for its evaluation already.
    """
    tree = np.int64(leaves.tree[place])
    position = leaves.position[place]
    copy_position(position, trees.root[tree])
    node, depth = np.int64(0), 0
    while True:
        if choice == UNOPENED:
            choice = open_edge(trees, tree, node, np.int64(trees.nodes[tree, node]["next_point"]))
        edge = trees.nodes[tree, node]["first_edge"] + choice
        point = np.int64(trees.edges[tree, edge]["point"])
        if depth == 0:
            trees.root_count[tree, point] += 1
        leaves.path_node[place, depth] = node
        leaves.path_edge[place, depth] = choice
        depth += 1
        leaves.depth[place] = depth
        trees.edges[tree, edge]["in_flight"] += 1
        if trees.edges[tree, edge]["proven"] != UNKNOWN:
            return seen_by_parent(np.int64(trees.edges[tree, edge]["proven"]))
        child = np.int64(trees.edges[tree, edge]["child"])
        if child == IN_FLIGHT:
            return IN_FLIGHT
        play(position, point)
        if child == UNEXPANDED:
            break
        node = child
        choice = select_puct(trees, constants, tree, node, constants.first_play_reduction)
        if choice == NOTHING:  # the tree is full: the node is evaluated again as a leaf
            break
    verdict = find_tactics(position, scratch.bits, scratch.position[0]) if position["winner"] == IN_PLAY else 0
    return _proven_by_rules(position, verdict)


@kernel
def _finished(trees: Trees, tree: int) -> bool:
    return trees.nodes[tree, 0]["proven"] != UNKNOWN or trees.heads[tree]["started"] >= trees.heads[tree]["budget"]


@kernel
def _request_evaluation(trees: Trees, leaves: Leaves, cache: Cache, place: int, scratch: Scratch) -> None:
    """Expands the leaf of a place from the cache, or else makes the place active: the network will evaluate it."""
    tree, depth, position = np.int64(leaves.tree[place]), leaves.depth[place], leaves.position[place]
    symmetry = 0
    if len(cache.keys) > 0:
        symmetry = canonical_symmetry(position, scratch.bits, scratch.numbers, scratch.hashes)
        known = find(cache, scratch.hashes[0])
        if known != MISSING:
            node = expand_leaf(trees, leaves, place, float(cache.values[known]))
            if node != NOTHING:
                recall(cache, known, SYMMETRY_TABLES[position["size"], symmetry], trees.priors[tree, node])
                find_next(trees, tree, node)
            return
    leaves.symmetry[place], leaves.key[place] = symmetry, scratch.hashes[0]
    for word in range(WORDS + 2 * GUARD):
        leaves.replies[place, word] = scratch.bits[REPLIES, word]
    copy_turned(leaves.seen[place], position, scratch.bits, symmetry)
    leaves.active[place] = 1
    if depth > 0:
        parent = leaves.path_node[place, depth - 1]
        edge = trees.nodes[tree, parent]["first_edge"] + leaves.path_edge[place, depth - 1]
        trees.edges[tree, edge]["child"] = IN_FLIGHT


@kernel
def _simulate(
    trees: Trees, constants: SelectionConstants, leaves: Leaves, cache: Cache, place: int, scratch: Scratch
) -> bool:
    """Begins one simulation of the place's tree; False if it reached a leaf in flight and was undone.

    If no move can be selected, the search ends with the simulations that it has.
    """
    tree = np.int64(leaves.tree[place])
    trees.heads[tree]["started"] += 1
    if constants.gumbel:
        choice = gumbel_root.choose(trees, constants, tree)
    else:
        choice = puct_root.choose(trees, constants, tree)
    if choice == NOTHING:
        trees.heads[tree]["started"] -= 1
        trees.heads[tree]["budget"] = trees.heads[tree]["started"]
        return True
    if constants.gumbel and _count_kept_visit(trees, tree, choice):
        return True
    proven = _descend(trees, constants, leaves, place, choice, scratch)
    if proven == IN_FLIGHT:
        undo_selection(trees, leaves, place)
        return False
    if proven == UNKNOWN:
        _request_evaluation(trees, leaves, cache, place, scratch)
    else:
        # a proven leaf is backed up at once
        back_up(trees, leaves, place, 0.0 if proven == PROVEN_DRAW else float(proven), np.int64(proven))
    return True


@kernel
def _request_root_evaluation(trees: Trees, leaves: Leaves, cache: Cache, place: int, scratch: Scratch) -> None:
    """Makes the root itself the leaf, since it has no node yet."""
    tree = np.int64(leaves.tree[place])
    trees.heads[tree]["stage"] = EVALUATING
    copy_position(leaves.position[place], trees.root[tree])
    find_tactics(leaves.position[place], scratch.bits, scratch.position[0])
    leaves.depth[place] = 0
    _request_evaluation(trees, leaves, cache, place, scratch)


class LeafSolver(NamedTuple):
    """The threat solver's memory and its budget for each leaf."""

    threats: Threats
    budget: int  # positions searched for each leaf; 0: none


@inlined
def _win_by_fours(trees: Trees, leaves: Leaves, place: int, scratch: Scratch, solver: LeafSolver) -> None:
    """Searches for a VCF at a leaf just made active; if there is one, backs up a proven win and frees the place.

    Cached positions were searched when they were evaluated, and the root when the search was started.
    """
    depth, position = leaves.depth[place], leaves.position[place]
    if depth == 0 or not is_solvable(position) or not may_force(position, scratch.bits, True):
        return
    plies, budget = np.int64(MAX_DEPTH), np.int64(solver.budget)
    if prove_from(solver.threats, position, scratch.bits, plies, budget, np.int64(FOURS)):
        tree = np.int64(leaves.tree[place])
        leaves.active[place] = 0
        parent = leaves.path_node[place, depth - 1]
        edge = trees.nodes[tree, parent]["first_edge"] + leaves.path_edge[place, depth - 1]
        trees.edges[tree, edge]["child"] = UNEXPANDED
        back_up(trees, leaves, place, np.float64(1.0), np.int64(PROVEN_WIN))


@kernel
def select(
    trees: Trees, constants: SelectionConstants, leaves: Leaves, cache: Cache, scratch: Scratch, solver: LeafSolver
) -> int:
    """Assigns a leaf of its tree to every free place of the batch, `seen` included; returns how many places are active.

    Simulations that need no network (a finished, proven or cached position, a visit kept from the search before) are
    done at once, and the next one begins. A tree without simulations left, or proven at its root, becomes DONE once
    nothing of it is in flight. A tree that lacks memory and may grow begins no simulation until it has grown.
    """
    found = 0
    for place in range(len(leaves.tree)):
        tree = leaves.tree[place]
        if not leaves.active[place] and trees.heads[tree]["stage"] == NEEDS_ROOT:
            _request_root_evaluation(trees, leaves, cache, place, scratch)
        while not leaves.active[place] and trees.heads[tree]["stage"] == SEARCHING:
            if _finished(trees, tree):
                if trees.heads[tree]["started"] == trees.heads[tree]["finished"]:
                    trees.heads[tree]["stage"] = DONE
                break
            if must_grow(trees, constants, np.int64(tree), len(leaves.tree)):
                break
            if not _simulate(trees, constants, leaves, cache, place, scratch):
                break
            if leaves.active[place] and solver.budget > 0:
                _win_by_fours(trees, leaves, place, scratch, solver)
        found += leaves.active[place]
    return found
