"""The simulations of MCTS: select a leaf, expand it with the network's evaluation, back up its value.

At a Gumbel root, a visit kept from the search before counts as one of this search's simulations. A cached position
needs no slot in the batch. Nothing here allocates memory.

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
from alphapente.rules.tactics import DRAWS, LOSES, MUST_REPLY, REPLIES, UNDECIDED, WINS, find_tactics
from alphapente.search.layout import IN_FLIGHT, NOTHING, UNEXPANDED, UNOPENED
from alphapente.search.mcts import gumbel_root, puct_root
from alphapente.search.mcts.backup import back_up, seen_by_parent, undo_selection
from alphapente.search.mcts.cache import Cache, find, recall
from alphapente.search.mcts.edges import edge_on_path, find_next, must_grow, open_edge, proven_value
from alphapente.search.mcts.expansion import expand_leaf
from alphapente.search.mcts.puct import select_puct
from alphapente.search.mcts.state import DONE, EVALUATING, NEEDS_ROOT, SEARCHING
from alphapente.search.mcts.tree import Leaves, Scratch, SelectionConstants, Tree, Trees, tree_at
from alphapente.search.solver.candidates import may_force
from alphapente.search.solver.proof import MAX_DEPTH
from alphapente.search.solver.threats import FOURS, Threats, is_solvable, prove_from


@kernel
def _proven_by_rules(position: Position, scratch: Scratch) -> int:
    """What is certain for the player to move: the result of a finished game, else what its tactics decide.

    Writes the tactics of a position in play to scratch.bits.
    """
    winner = position["winner"]
    if winner == IN_PLAY:
        verdict = find_tactics(position, scratch.bits, scratch.position[0])
        return UNDECIDED if verdict == MUST_REPLY else verdict
    if winner == DRAW:
        return DRAWS
    return WINS if winner == position["to_move"] else LOSES


@kernel
def _count_kept_visit(tree: Tree, place: int) -> bool:
    """Counts a visit of the search before at a root edge as one of this search's simulations; False if none is left."""
    edges, edge = tree.edges, tree.nodes[0].first_edge + place
    # `root_count` are the visits counted for this search, so the others are from searches before
    if edges[edge].visits + edges[edge].in_flight <= tree.root_count[edges[edge].point]:
        return False
    tree.root_count[edges[edge].point] += 1
    tree.head.finished += 1
    return True


@kernel
def _descend(
    tree: Tree, constants: SelectionConstants, leaves: Leaves, place: int, choice: int, scratch: Scratch
) -> int:
    """Follows the root's edge `choice` down to a leaf; returns what is proven about it, or IN_FLIGHT.

    UNDECIDED means that the leaf needs an evaluation: `leaves.position[place]`, whose tactics are in `scratch.bits`.
    IN_FLIGHT means that the leaf is waiting for its evaluation already.
    """
    nodes, edges, position = tree.nodes, tree.edges, leaves.position[place]
    copy_position(position, tree.root)
    node, depth = np.int64(0), 0
    while True:
        if choice == UNOPENED:
            choice = open_edge(tree, node, np.int64(nodes[node].next_point))
        edge = nodes[node].first_edge + choice
        point = np.int64(edges[edge].point)
        if depth == 0:
            tree.root_count[point] += 1
        leaves.path_node[place, depth] = node
        leaves.path_edge[place, depth] = choice
        depth += 1
        leaves.depth[place] = depth
        edges[edge].in_flight += 1
        if edges[edge].proven != UNDECIDED:
            return seen_by_parent(np.int64(edges[edge].proven))
        child = np.int64(edges[edge].child)
        if child == IN_FLIGHT:
            return IN_FLIGHT
        play(position, point)
        if child == UNEXPANDED:
            break
        node = child
        choice = select_puct(tree, constants, node, constants.first_play_reduction)
        if choice == NOTHING:  # the tree is full: the node is evaluated again as a leaf
            break
    return _proven_by_rules(position, scratch)


@kernel
def _request_evaluation(tree: Tree, leaves: Leaves, cache: Cache, place: int, scratch: Scratch) -> None:
    """Expands the leaf of a place from the cache, or else makes the place active: the network will evaluate it."""
    depth, position = leaves.depth[place], leaves.position[place]
    symmetry = 0
    if len(cache.keys) > 0:
        symmetry = canonical_symmetry(position, scratch.bits, scratch.numbers, scratch.hashes)
        known = find(cache, scratch.hashes[0])
        if known != NOTHING:
            node = expand_leaf(tree, leaves, place, float(cache.values[known]))
            if node != NOTHING:
                recall(cache, known, SYMMETRY_TABLES[position["size"], symmetry], tree.priors[node])
                find_next(tree, node)
            return
    leaves.symmetry[place], leaves.key[place] = symmetry, scratch.hashes[0]
    for word in range(WORDS + 2 * GUARD):
        leaves.replies[place, word] = scratch.bits[REPLIES, word]
    copy_turned(leaves.seen[place], position, scratch.bits, symmetry)
    leaves.active[place] = 1
    if depth > 0:
        tree.edges[edge_on_path(tree, leaves, place, depth - 1)].child = IN_FLIGHT


@kernel
def _simulate(
    tree: Tree, constants: SelectionConstants, leaves: Leaves, cache: Cache, place: int, scratch: Scratch
) -> bool:
    """Begins one simulation of the place's tree; False if it reached a leaf in flight and was undone.

    If no move can be selected, the search ends with the simulations that it has.
    """
    head = tree.head
    head.started += 1
    choice = gumbel_root.choose(tree, constants) if constants.gumbel else puct_root.choose(tree, constants)
    if choice == NOTHING:
        head.started -= 1
        head.budget = head.started
        return True
    if constants.gumbel and _count_kept_visit(tree, choice):
        return True
    proven = _descend(tree, constants, leaves, place, choice, scratch)
    if proven == IN_FLIGHT:
        undo_selection(tree, leaves, place)
        return False
    if proven == UNDECIDED:
        _request_evaluation(tree, leaves, cache, place, scratch)
    else:
        # a proven leaf is backed up at once
        back_up(tree, leaves, place, proven_value(proven), np.int64(proven))
    return True


@kernel
def _request_root_evaluation(tree: Tree, leaves: Leaves, cache: Cache, place: int, scratch: Scratch) -> None:
    """Makes the root itself the leaf, since it has no node yet."""
    tree.head.stage = EVALUATING
    copy_position(leaves.position[place], tree.root)
    find_tactics(leaves.position[place], scratch.bits, scratch.position[0])
    leaves.depth[place] = 0
    _request_evaluation(tree, leaves, cache, place, scratch)


class LeafSolver(NamedTuple):
    """The threat solver's memory and its budget for each leaf. Not in `Scratch`: a kernel's arguments cost time."""

    threats: Threats
    budget: int  # positions searched for each leaf; 0: none


@inlined
def _win_by_fours(tree: Tree, leaves: Leaves, place: int, scratch: Scratch, solver: LeafSolver) -> None:
    """Searches for a VCF at a leaf just made active; if there is one, backs up a proven win and frees the place.

    Cached positions were searched when they were evaluated, and the root when the search was started.
    """
    depth, position = leaves.depth[place], leaves.position[place]
    if depth == 0 or not is_solvable(position) or not may_force(position, scratch.bits, True):
        return
    plies, budget = np.int64(MAX_DEPTH), np.int64(solver.budget)
    if prove_from(solver.threats, position, scratch.bits, plies, budget, np.int64(FOURS)):
        leaves.active[place] = 0
        tree.edges[edge_on_path(tree, leaves, place, depth - 1)].child = UNEXPANDED
        back_up(tree, leaves, place, np.float64(1.0), np.int64(WINS))


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
        tree = tree_at(trees, leaves.tree[place])
        head = tree.head
        if not leaves.active[place] and head.stage == NEEDS_ROOT:
            _request_root_evaluation(tree, leaves, cache, place, scratch)
        while not leaves.active[place] and head.stage == SEARCHING:
            if tree.nodes[0].proven != UNDECIDED or head.started >= head.budget:
                if head.started == head.finished:
                    head.stage = DONE
                break
            if must_grow(tree, constants, len(leaves.tree)):
                break
            if not _simulate(tree, constants, leaves, cache, place, scratch):
                break
            if leaves.active[place] and solver.budget > 0:
                _win_by_fours(tree, leaves, place, scratch, solver)
        found += leaves.active[place]
    return found
