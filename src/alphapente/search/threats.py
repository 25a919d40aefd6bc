"""The threat solver: can the player to move win by force, by fours alone or by threes as well, captures included?

*Fours*: every move of the attacker threatens to win at once, so the defender's replies are few and known
(`find_tactics`: MUST_REPLY). *Threes*: a move may also leave the defender free, if the attacker would win by fours
were the defender to pass; his moves that can spoil that win are found by its proof (search/defences.py), and all of
them are tried. At each of his turns the attacker is first asked whether fours are enough from there.

Threat-space search (Allis 1994) with the replies of the rules instead of all at once, by proof-number search
(search/proof.py). A win claimed is a win; where none is found there may still be one. In poof and boat stones vanish
and fives wait, so that replies are not known there: no win is ever claimed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
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
    any_bit,
    copy_tactics,
    find_tactics,
    has,
)
from alphapente.search.candidates import (
    add_bits,
    add_forcing_moves,
    add_open_ends,
    add_threes,
    keep_bits,
    may_force,
    missing_captures,
)
from alphapente.search.defences import find_defences
from alphapente.search.proof import (
    AREA,
    CHOSEN,
    LIMIT,
    NOTHING,
    OTHERS,
    SCRATCH,
    SETTLED,
    USED,
    Proof,
    add_move,
    add_moves,
    begin,
    goes_on,
    is_proven,
    look_at,
    most_proving,
    new_proof,
    settle,
    update,
    winning_child,
)

FOURS, THREES = 0, 1
"""How far a question goes."""
THREAT_POSITIONS = 64
"""How many positions may be looked at to see whether a quiet move threatens to win by fours."""
FOURS_POSITIONS = 24
"""How many positions may be looked at to see whether the attacker needs no more than fours from here on."""
FIRST_REAL_PLY = 4
"""Before, opening rules restrict the moves; and nothing can be won."""
# First guesses of what a proof of a move needs. Like all numbers handed to kernels here they are of one type: a bare 1
# would make kernels of its own.
_FORCING, _OPEN_THREE, _THREE, _ATTACK = np.array([1, 2, 4, 4])


class Threats(NamedTuple):
    """The memory of the solver: one for the question, one for the threats of quiet moves within it."""

    outer: Proof
    inner: Proof


def new_threats(budget: int) -> Threats:
    """Memory for questions of up to `budget` positions each."""
    return Threats(new_proof(max(1, budget)), new_proof(THREAT_POSITIONS))


@kernel
def is_solvable(position: Position) -> bool:
    """Whether the solver has anything to say about such a position."""
    variant = position["variant"]
    return bool(variant != POOF and variant != BOAT and position["ply"] >= FIRST_REAL_PLY)


@kernel
def _add_attacks(proof: Proof, node: int, verdict: int, level: int) -> None:
    """The attacker's moves of a node just looked at."""
    position = proof.positions[proof.nodes[node]["depth"]]
    bits, chosen, others, scratch = proof.bits, proof.maps[CHOSEN], proof.maps[OTHERS], proof.maps[SCRATCH]
    parent = np.int64(proof.nodes[node]["parent"])
    hint = np.int64(proof.nodes[parent]["hint"]) if parent >= 0 else NOTHING
    if hint != NOTHING and has(bits[REPLIES], hint):
        add_move(proof, node, hint, _FORCING)
    chosen[:] = np.uint64(0)
    if verdict == MUST_REPLY and level == THREES:
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
        limit = 6 if triples else 4
        if missing_captures(position, np.int64(position["to_move"])) <= limit:
            chosen[:] = np.uint64(0)
            add_open_ends(bits, triples, scratch, chosen)
            add_moves(proof, node, chosen, _ATTACK)
    if any_bit(bits[OWN_FOURS]):
        add_moves(proof, node, others, _THREE)


@kernel
def _ask(proof: Proof, position: Position, attacker: int, plies: int) -> None:
    """Begins a question about `position`, with `attacker` to move: where it is not his turn, as if the enemy passed."""
    copy_position(proof.positions[0], position)
    proof.positions[0]["to_move"] = attacker
    begin(proof, plies)


@inlined
def _answer_quiet_move(proof: Proof, inner: Proof, node: int) -> None:
    """The defender's moves at a node where he is free: all that may spoil the threat; solved if there is no threat."""
    if is_proven(inner) and find_defences(inner):
        area = inner.maps[AREA]
        keep_bits(proof.bits[LEGAL], area)
        add_bits(proof.bits[OWN_CAPTURES], area)
        child = winning_child(inner, np.int64(0))
        proof.nodes[node]["hint"] = inner.nodes[child]["cell"] if child != NOTHING else NOTHING
        proof.nodes[node]["length"] = inner.nodes[0]["length"]
        add_moves(proof, node, area, _FORCING)


@inlined
def _answer_attacker(proof: Proof, inner: Proof, node: int) -> None:
    """The attacker's moves at a node where he was asked whether fours are enough; solved if they are."""
    if is_proven(inner):
        settle(proof, node, is_proven(inner), int(inner.nodes[0]["length"]))
    else:
        verdict = np.int64(MUST_REPLY if any_bit(proof.bits[ENEMY_WINS]) else UNDECIDED)
        _add_attacks(proof, node, verdict, np.int64(THREES))


@kernel
def prove_from(threats: Threats, position: Position, bits: Bitboards, plies: int, budget: int, level: int) -> bool:
    """`prove` for a caller who has the tactics of the position in `bits`.

    At most about `budget` positions are looked at, those behind the threats of quiet moves included. The tree of
    threats.outer shows how. One loop serves both trees, since compiled functions that call each other in a circle
    cannot be cached.
    """
    outer, inner = threats.outer, threats.inner
    attacker = np.int64(position["to_move"])
    _ask(outer, position, attacker, plies)
    copy_tactics(bits, outer.bits, False)
    inner_budget = 0
    asked = NOTHING  # the node of the outer tree whose threat the inner one looks for
    while True:
        within = asked != NOTHING
        proof = inner if within else outer
        if not goes_on(proof, inner_budget if within else budget):
            if not within:
                return bool(is_proven(outer))
            if outer.nodes[asked]["attacking"]:
                _answer_attacker(outer, inner, asked)
            else:
                _answer_quiet_move(outer, inner, asked)
            outer.counts[USED] += inner.counts[USED]
            update(outer, asked)
            asked = NOTHING
            continue
        node = most_proving(proof)
        verdict = look_at(proof, node, node == 0)
        if verdict != SETTLED:
            there, attacking = proof.positions[proof.nodes[node]["depth"]], proof.nodes[node]["attacking"] == 1
            asks = level == THREES and not within and (attacking or verdict == UNDECIDED)
            if asks and may_force(there, proof.bits, attacking):
                left = int(outer.counts[LIMIT]) - int(outer.nodes[node]["depth"])
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
def prove(threats: Threats, position: Position, plies: int, budget: int, level: int) -> bool:
    """Whether a win of the player to move was found, by FOURS or THREES, within `plies`: see `prove_from`."""
    find_tactics(position, threats.outer.bits, threats.outer.scratch[0])
    return bool(prove_from(threats, position, threats.outer.bits, plies, budget, level))


@kernel
def line_of(proof: Proof, out: NDArray[np.int64]) -> int:
    """Writes the cells of the forced line, with the longest defence, as far as the tree has it; returns how many."""
    node, length = 0, 0
    while length < len(out):
        if proof.nodes[node]["same"] != NOTHING:
            node = int(proof.nodes[node]["same"])
        child = NOTHING
        if proof.nodes[node]["attacking"]:
            child = winning_child(proof, node)
        else:
            first = int(proof.nodes[node]["first"])
            for reply in range(first, first + int(proof.nodes[node]["count"])):
                if child == NOTHING or proof.nodes[reply]["length"] > proof.nodes[child]["length"]:
                    child = reply
        if child == NOTHING:
            break
        out[length] = proof.nodes[child]["cell"]
        length += 1
        node = child
    return length
