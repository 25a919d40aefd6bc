"""The threat solver: does the player to move have a VCF or a VCT, captures included?

*VCF* (victory by continuous fours; level FOURS): every move of the attacker threatens to win at once, so the defender's
replies are few and known (`find_tactics`: MUST_REPLY). *VCT* (victory by continuous threats; level THREES): a move may
also be quiet, if the attacker would have a VCF after a pass of the defender. The defender's moves that can refute that
VCF follow from its proof (search/solver/relevance_zone.py), and all of them are tried. At each of the attacker's turns
in a VCT, the solver first searches a VCF.

Threat-space search (Allis 1994), with each reply that the rules allow instead of all replies at once, by proof-number
search (search/solver/proof.py). A claimed win is proven; if none is found there may still be one. In poof and boat
stones vanish and fives wait, so the replies are not known: the solver claims no win there.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.rules.bitboards import add_bits, any_bit, has, keep_bits
from alphapente.rules.kernels import copy_position
from alphapente.rules.position import BOAT, GOMOKU, KERYO, POOF, Position
from alphapente.rules.tactics import (
    ENEMY_WINS,
    LEGAL,
    MUST_REPLY,
    OWN_CAPTURES,
    OWN_FOURS,
    REPLIES,
    UNDECIDED,
    Bitboards,
    copy_tactics,
)
from alphapente.search.layout import NO_POINT, NOTHING
from alphapente.search.solver.candidates import (
    add_forcing_moves,
    add_open_ends,
    add_threes,
    may_force,
    missing_captures,
)
from alphapente.search.solver.proof import (
    AREA,
    CHOSEN,
    LIMIT,
    OTHERS,
    SCRATCH,
    USED,
    Proof,
    add_move,
    add_moves,
    begin,
    children_of,
    goes_on,
    is_proven,
    look_at,
    most_proving,
    new_proof,
    settle,
    update,
    winning_child,
)
from alphapente.search.solver.relevance_zone import find_defences

FOURS, THREES = 0, 1
"""The level of a question: VCF or VCT."""
THREAT_POSITIONS = 64
"""The budget of positions to find whether a quiet move threatens a VCF: chosen, not measured."""
FOURS_POSITIONS = 24
"""The budget of positions to find whether the attacker has a VCF from a node of a VCT: chosen, not measured."""
FIRST_REAL_PLY = 4
"""Before this ply opening rules restrict the moves (docs/rules.md), and nobody has three stones to make a four of."""
# Initial proof numbers by kind of move: forcing moves are tried first, then open threes. Like all numbers passed to
# kernels here they are of one type (np.int64): for a bare 1 numba would compile another version of each kernel.
_FORCING, _OPEN_THREE, _THREE, _ATTACK = np.array([1, 2, 4, 4])


class Threats(NamedTuple):
    """The memory of the solver: a proof tree for the question, and one to search for VCFs at its nodes."""

    outer: Proof
    inner: Proof


def new_threats(budget: int) -> Threats:
    """Memory for questions of up to `budget` positions each."""
    return Threats(new_proof(max(1, budget)), new_proof(THREAT_POSITIONS))


@kernel
def is_solvable(position: Position) -> bool:
    """Whether the solver searches such a position at all."""
    variant = position["variant"]
    return bool(variant != POOF and variant != BOAT and position["ply"] >= FIRST_REAL_PLY)


@kernel
def _add_attacks(proof: Proof, node: int, verdict: int, level: int) -> None:
    """Adds the attacker's moves to a node just examined, best kinds first.

    First the `hint`: the move that wins if the defender's last move did not refute the threat.
    """
    nodes, position = proof.nodes, proof.positions[proof.nodes[node].depth]
    bits, chosen, others, scratch = proof.bits, proof.maps[CHOSEN], proof.maps[OTHERS], proof.maps[SCRATCH]
    parent = np.int64(nodes[node].parent)
    hint = np.int64(nodes[parent].hint) if parent != NOTHING else NO_POINT
    if hint != NO_POINT and has(bits[REPLIES], hint):
        add_move(proof, node, hint, _FORCING)
    chosen[:] = np.uint64(0)
    if verdict == MUST_REPLY and level == THREES:  # all replies to the defender's threat, quiet ones included
        add_moves(proof, node, bits[REPLIES], _FORCING)
        return
    add_forcing_moves(position, bits, scratch, chosen)
    keep_bits(bits[REPLIES], chosen)
    add_moves(proof, node, chosen, _FORCING)
    if level == FOURS:
        return
    chosen[:] = np.uint64(0)
    others[:] = np.uint64(0)
    add_threes(bits, np.int64(position["size"]), scratch, chosen, others)
    add_moves(proof, node, chosen, _OPEN_THREE)
    triples = position["variant"] == KERYO
    if position["variant"] != GOMOKU:
        limit = 6 if triples else 4  # two of the largest captures win: one threatens, the other follows
        if missing_captures(position, np.int64(position["to_move"])) <= limit:
            chosen[:] = np.uint64(0)
            add_open_ends(bits, triples, scratch, chosen)
            add_moves(proof, node, chosen, _ATTACK)
    # Other threes are tried only if a four is possible already: together they may threaten a VCF.
    if any_bit(bits[OWN_FOURS]):
        add_moves(proof, node, others, _THREE)


@kernel
def _ask(proof: Proof, position: Position, attacker: int, plies: int) -> None:
    """Begins a question about `position` with `attacker` to move; if it is the other's turn, as after a pass."""
    copy_position(proof.positions[0], position)
    proof.positions[0]["to_move"] = attacker
    begin(proof, plies)


@inlined
def _answer_quiet_move(proof: Proof, inner: Proof, node: int) -> None:
    """Adds the defender's moves after a quiet move: its relevance zone and all captures; none if there is no threat.

    A node without moves is solved as "no win" by `update`. `hint` and `length` are those of the VCF after a pass.
    """
    if is_proven(inner) and find_defences(inner):
        area = inner.maps[AREA]
        keep_bits(proof.bits[LEGAL], area)
        add_bits(proof.bits[OWN_CAPTURES], area)
        child = winning_child(inner, np.int64(0))
        proof.nodes[node].hint = inner.nodes[child].cell if child != NOTHING else NO_POINT
        proof.nodes[node].length = inner.nodes[0].length
        add_moves(proof, node, area, _FORCING)


@inlined
def _answer_attacker(proof: Proof, inner: Proof, node: int) -> None:
    """Solves an attacker's node if the inner tree found a VCF; otherwise adds the attacker's moves."""
    if is_proven(inner):
        settle(proof, node, is_proven(inner), int(inner.nodes[0].length))
    else:
        verdict = np.int64(MUST_REPLY if any_bit(proof.bits[ENEMY_WINS]) else UNDECIDED)
        _add_attacks(proof, node, verdict, np.int64(THREES))


@kernel
def prove_from(threats: Threats, position: Position, bits: Bitboards, plies: int, budget: int, level: int) -> bool:
    """Whether a VCF (FOURS) or VCT (THREES) of the player to move within `plies` was found; `bits` are its tactics.

    Searches at most about `budget` positions, those of the inner tree included. The proof is in the tree of
    threats.outer. One loop serves both trees, since mutually recursive compiled functions cannot be cached.
    """
    outer, inner = threats.outer, threats.inner
    attacker = np.int64(position["to_move"])
    _ask(outer, position, attacker, plies)
    copy_tactics(bits, outer.bits, False)
    inner_budget = 0
    asked = NOTHING  # the node of the outer tree at which the inner one searches for a VCF
    while True:
        within = asked != NOTHING
        proof = inner if within else outer
        if not goes_on(proof, inner_budget if within else budget):
            if not within:
                return bool(is_proven(outer))
            if outer.nodes[asked].attacking:
                _answer_attacker(outer, inner, asked)
            else:
                _answer_quiet_move(outer, inner, asked)
            outer.counts[USED] += inner.counts[USED]
            update(outer, asked)
            asked = NOTHING
            continue
        node = most_proving(proof)
        verdict = look_at(proof, node, node == 0)
        if verdict != NOTHING:
            there, attacking = proof.positions[proof.nodes[node].depth], proof.nodes[node].attacking == 1
            asks = level == THREES and not within and (attacking or verdict == UNDECIDED)
            if asks and may_force(there, proof.bits, attacking):
                left = int(outer.counts[LIMIT]) - int(outer.nodes[node].depth)
                _ask(inner, there, attacker, left if attacking else left - 1)
                copy_tactics(outer.bits, inner.bits, not attacking)
                inner_budget = FOURS_POSITIONS if attacking else THREAT_POSITIONS
                asked = node
                continue
            if attacking:
                _add_attacks(proof, node, verdict, np.int64(FOURS) if within else np.int64(level))
            elif verdict == MUST_REPLY:
                add_moves(proof, node, proof.bits[REPLIES], _FORCING)
        update(proof, node)


@kernel
def line_of(proof: Proof, out: NDArray[np.int64]) -> int:
    """Writes the cells of the forced line with the longest defence, as far as the tree has it; returns how many."""
    nodes, node, length = proof.nodes, 0, 0
    while length < len(out):
        if nodes[node].same != NOTHING:
            node = int(nodes[node].same)
        child = NOTHING
        if nodes[node].attacking:
            child = winning_child(proof, node)
        else:
            for reply in children_of(proof, node):
                if child == NOTHING or nodes[reply].length > nodes[child].length:
                    child = reply
        if child == NOTHING:
            break
        out[length] = nodes[child].cell
        length += 1
        node = child
    return length
