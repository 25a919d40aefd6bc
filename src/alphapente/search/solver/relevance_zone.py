"""The relevance zone of a VCF: every move of the defender that may refute it. All other moves leave it a win.

The question. The defender is to move and threatened: after a pass the attacker would have a VCF (victory by continuous
fours, captures included), as a proof shows. The proof is a tree of the attacker's moves, each a threat to win at once,
with all replies to it. Which stones p of the defender may refute the proof? These rules define `AREA`: each point that

1. the attacker plays in the proof, winning moves included, or threatens to win on (ENEMY_WINS at a defender's node);
2. would give the defender four of five with the fifth empty at a defender's node (OWN_FOURS there): the defender could
   win first;
3. would be the far flank of a capture by the defender at a defender's node: p, pair (or triple), an empty point c. It
   counts only if the capture wins, if it takes a stone that the threat depends on, or if c is a reply anyway;
4. would be captured by a move of the attacker in the proof: the attacker's move, a pair (or triple) of which all stones
   except p are there, and a stone of the attacker. That move would then capture more than in the proof;
5. captures something at once, in the position of the question.

**Why every other p loses.** p is empty in the whole proof. Follow the proof with the stone p added, by induction: each
position is the proof's position plus p, and the captures are equal.
*The attacker's move* m is legal, since it is not p (1). What it captures in the proof it captures here, since all four
(five) cells of a capture are occupied or m; it captures no more (4). So the position after it is the proof's plus p.
Fives and winning captures through cells other than p are unchanged, since p adds no stone of the attacker.
*The defender's node.* The attacker's threats are unchanged, since their points are empty (1). The defender has no
additional five: that would be a line of four stones that includes p (2). The defender has no additional or larger
capture that helps: such a capture has p as a flank, since the attacker's stones are the same; it does not win; it takes
nothing from the line (or the flank) of any threat, and its point c is no reply, so the attacker wins at once (3).
Therefore the replies that do not lose at once are those of the proof, without p, and each has the same effect. Where
the proof says LOSES, there are two threats and nothing relevant can be captured, as in the proof.
*The board is not full* where the proof continues, since the point of the next threat is empty and is not p.
If a move of the attacker, or its capture of p, wins earlier than in the proof, the game only gets shorter.

So p, played now without a capture (5), leaves the attacker the win. Captures at later defender's nodes need not be
added: with p already on such a point, that capture is gone. The same argument holds for keryo's triples. In poof and
boat, stones vanish or fives wait in other ways: the solver never searches those variants.
`tests/search/solver/test_relevance_zone.py` plays all other points.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.rules.bitboards import add_bits, has, next_cell, set_bit
from alphapente.rules.kernels import DIRECTIONS
from alphapente.rules.position import EMPTY, GOMOKU, KERYO, Position
from alphapente.rules.tactics import (
    ENEMY_CAPTURES,
    ENEMY_WINS,
    OWN_FOURS,
    OWN_WINS,
    REPLIES,
    Bitboards,
    capture_size,
    find_tactics,
)
from alphapente.search.layout import NO_POINT, NOTHING
from alphapente.search.solver.candidates import add_open_ends, missing_captures
from alphapente.search.solver.proof import AREA, CHOSEN, OTHERS, SCRATCH, USED, Proof, children_of, go_to, winning_child

MOST_POSITIONS = 200
"""A proof of more positions than this is not followed: the move then counts as no threat. A bound on time; chosen."""


@inlined
def _add_captured(board: NDArray[np.int8], cell: int, attacker: int, triples: bool, area: NDArray[np.uint64]) -> None:
    """Rule 4: the empty cells where one more defender's stone would complete a capture by the attacker's `cell`."""
    defender = 3 - attacker
    for direction in range(len(DIRECTIONS)):
        step = DIRECTIONS[direction]
        for length in range(2, 4 if triples else 3):
            if board[cell + (length + 1) * step] != attacker:
                continue
            stones, gap = 0, NO_POINT
            for distance in range(1, length + 1):
                there = cell + distance * step
                if board[there] == defender:
                    stones += 1
                elif board[there] == EMPTY:
                    gap = there
            if stones == length - 1 and gap != NO_POINT:
                set_bit(area, gap)


@inlined
def _add_standing_on(board: NDArray[np.int8], cell: int, attacker: int, out: NDArray[np.uint64]) -> None:
    """Adds the stones of the attacker in the lines that a stone of the attacker on `cell` would make a five."""
    for line in range(4):
        step = DIRECTIONS[line]
        ahead, behind = 0, 0  # four other stones beside `cell` make a five
        while ahead < 4 and board[cell + (ahead + 1) * step] == attacker:
            ahead += 1
        while behind < 4 and board[cell - (behind + 1) * step] == attacker:
            behind += 1
        if ahead + behind >= 4:
            for distance in range(-behind, ahead + 1):
                if distance != 0:
                    set_bit(out, cell + distance * step)


@kernel
def _flank_matters(
    position: Position, bits: Bitboards, flank: int, standing: NDArray[np.uint64], by_capture: bool
) -> bool:
    """Rule 3 for a defender's stone on `flank`: whether a capture towards it is relevant."""
    board, defender = position["board"], np.int64(position["to_move"])
    attacker, triples = 3 - defender, position["variant"] == KERYO
    missing = missing_captures(position, defender)
    for direction in range(len(DIRECTIONS)):
        step = DIRECTIONS[direction]
        length = 0  # up to 4, which is more than a pair or a triple
        while length < 4 and board[flank + (length + 1) * step] == attacker:
            length += 1
        if length != 2 and not (triples and length == 3):
            continue
        capturing = flank + (length + 1) * step
        if board[capturing] != EMPTY:
            continue
        if by_capture or has(bits[REPLIES], capturing):
            return True
        if capture_size(board, capturing, defender, triples) + length >= missing:
            return True
        for distance in range(1, length + 1):
            if has(standing, flank + distance * step):
                return True
    return False


@inlined
def _add_defenders_node(proof: Proof, position: Position) -> None:
    """Rules 1 to 3 at a defender's node whose tactics are in proof.bits."""
    bits, area = proof.bits, proof.maps[AREA]
    add_bits(bits[ENEMY_WINS], area)
    add_bits(bits[OWN_FOURS], area)
    if position["variant"] == GOMOKU:
        return
    flanks, standing = proof.maps[OTHERS], proof.maps[CHOSEN]
    flanks[:] = np.uint64(0)
    standing[:] = np.uint64(0)
    add_open_ends(bits, position["variant"] == KERYO, proof.maps[SCRATCH], flanks)
    attacker = 3 - np.int64(position["to_move"])
    by_capture = False  # `standing` has only the stones of lines: against a threat to capture, every flank is added
    cell = next_cell(bits[ENEMY_WINS], 0)
    while cell >= 0:
        by_capture = by_capture or has(bits[ENEMY_CAPTURES], cell)
        _add_standing_on(position["board"], cell, attacker, standing)
        cell = next_cell(bits[ENEMY_WINS], cell)
    cell = next_cell(flanks, 0)
    while cell >= 0:
        if not has(proof.maps[AREA], cell) and _flank_matters(position, bits, cell, standing, by_capture):
            set_bit(proof.maps[AREA], cell)
        cell = next_cell(flanks, cell)


@inlined
def _add_winning_move(proof: Proof) -> None:
    """Rule 1 where the attacker wins at once: one winning move is enough, preferably one already in AREA.

    The smaller the zone, the fewer replies the solver has to refute.
    """
    cell = next_cell(proof.bits[OWN_WINS], 0)
    while cell >= 0:
        if has(proof.maps[AREA], cell):
            return
        cell = next_cell(proof.bits[OWN_WINS], cell)
    set_bit(proof.maps[AREA], next_cell(proof.bits[OWN_WINS], 0))


@kernel
def find_defences(proof: Proof) -> bool:
    """Fills maps[AREA] from a finished proof of a VCF: rules 1 to 4; False for a proof too large to be followed.

    The tree stays unchanged. The positions visited count towards the budget (USED).
    """
    nodes, area, todo = proof.nodes, proof.maps[AREA], proof.todo
    area[:] = np.uint64(0)
    todo[0] = 0
    waiting, visited = 1, 0
    while waiting > 0:
        waiting -= 1
        node = np.int64(todo[waiting])
        if nodes[node].same != NOTHING:
            node = np.int64(nodes[node].same)
        visited += 1
        if visited > MOST_POSITIONS:
            return False
        position = proof.positions[go_to(proof, node)]
        if nodes[node].attacking:
            child = winning_child(proof, node)
            if child == NOTHING:
                proof.counts[USED] += 1
                find_tactics(position, proof.bits, proof.scratch[0])
                _add_winning_move(proof)
                continue
            cell, triples = np.int64(nodes[child].cell), position["variant"] == KERYO
            set_bit(area, cell)
            if position["variant"] != GOMOKU:
                _add_captured(position["board"], cell, np.int64(position["to_move"]), triples, area)
            todo[waiting] = child
            waiting += 1
            continue
        proof.counts[USED] += 1
        find_tactics(position, proof.bits, proof.scratch[0])
        _add_defenders_node(proof, position)
        if waiting + np.int64(nodes[node].count) > len(todo):
            return False
        for reply in children_of(proof, node):
            todo[waiting] = reply
            waiting += 1
    return True
