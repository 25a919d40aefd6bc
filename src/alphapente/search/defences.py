"""What can be done against a forced win by fours: every move that may change its proof, all others leaving it whole.

The question. The defender is to move and threatened: if he passed, the attacker would win by fours and captures, as a
proof shows (a tree of attacker's moves, each a threat to win at once, with all replies to it). Which stones p of the
defender may spoil that proof? All points are in `AREA` that

1. the attacker plays in the proof, winning moves included, or threatens to win on (ENEMY_WINS at a defender's node);
2. would give the defender four of five with the fifth free at a defender's node (OWN_FOURS there): he could win first;
3. would be the far flank of a capture by the defender at a defender's node: p, pair (or triple), an empty point c. It
   counts only when the capture wins, takes a stone that the threat stands on, or when c is a reply anyway;
4. would be captured by a move of the attacker in the proof: his move, a pair (or triple) of which all stones stand but
   p, his stone. More would come off the board than in the proof;
5. capture something at once, in the position asked about.

**Why every other p loses.** p is empty throughout the proof. Go through it with the stone p added, by induction: each
position is the proof's own plus p, captures equal.
*The attacker's move* m is legal, since it is not p (1). What it captures in the proof it captures here, since all four
(five) cells of a capture are occupied or m; it captures no more (4). So the position behind it is the proof's plus p.
Fives and winning captures through cells that are not p stay what they are, since p adds no stone of the attacker.
*The defender's node.* The attacker's threats still stand, their points being free (1). The defender has no five more:
that would be a line of four stones with p among them (2). He has no capture more, or a larger one: such a capture has p
as a flank, since the attacker's stones are the same; it does not win; as it takes nothing from the line (or the flank)
of any threat and its point c is no reply, the attacker wins at once (3). So the replies that do not lose at once are
those of the proof, p itself left out, and each does what it does there. Where the proof says LOSES, two threats stand
and nothing that matters can be captured, as there.
*The board is not full* where the proof goes on, for the point of the next threat is empty and is not p.
The attacker's wins are at once when one of his moves or a capture of p makes one more: games only get shorter.

So p, played now and capturing nothing (5), leaves the attacker his win. Captures of later defender's nodes need not be
added: with p on such a point already, that capture is gone. The same words hold for keryo's triples. In poof and boat
stones vanish or wait in other ways: never asked there. `tests/search/test_defences.py` plays all other points.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
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
    has,
    next_cell,
    set_bit,
)
from alphapente.search.candidates import add_bits, add_open_ends, missing_captures
from alphapente.search.proof import AREA, CHOSEN, NOTHING, OTHERS, SCRATCH, USED, Proof, go_to, winning_child

MOST_POSITIONS = 200
"""A proof of more positions than this is not followed: the threat then counts as none."""


@inlined
def _add_captured(board: NDArray[np.int8], cell: int, attacker: int, triples: bool, area: NDArray[np.uint64]) -> None:
    """Point 4: the empty cells that lack to a capture by a stone of the attacker on `cell`."""
    defender = 3 - attacker
    for direction in range(len(DIRECTIONS)):
        step = DIRECTIONS[direction]
        for length in range(2, 4 if triples else 3):
            if board[cell + (length + 1) * step] != attacker:
                continue
            stones, gap = 0, NOTHING
            for distance in range(1, length + 1):
                there = cell + distance * step
                if board[there] == defender:
                    stones += 1
                elif board[there] == EMPTY:
                    gap = there
            if stones == length - 1 and gap != NOTHING:
                set_bit(area, gap)


@inlined
def _add_standing_on(board: NDArray[np.int8], cell: int, attacker: int, out: NDArray[np.uint64]) -> None:
    """Adds the attacker's stones of the lines that a stone of his on `cell` would make five of."""
    for line in range(4):
        step = DIRECTIONS[line]
        ahead, behind = 0, 0
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
    """Point 3 for a defender's stone on `flank`: whether a capture towards it would matter."""
    board, defender = position["board"], np.int64(position["to_move"])
    attacker, triples = 3 - defender, position["variant"] == KERYO
    missing = missing_captures(position, defender)
    for direction in range(len(DIRECTIONS)):
        step = DIRECTIONS[direction]
        length = 0
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
    """Points 1 to 3 at a defender's node whose tactics stand in proof.bits."""
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
    by_capture = False
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
    """Point 1 where the attacker wins at once: one winning move is enough, best one that is there already."""
    cell = next_cell(proof.bits[OWN_WINS], 0)
    while cell >= 0:
        if has(proof.maps[AREA], cell):
            return
        cell = next_cell(proof.bits[OWN_WINS], cell)
    set_bit(proof.maps[AREA], next_cell(proof.bits[OWN_WINS], 0))


@kernel
def find_defences(proof: Proof) -> bool:
    """Fills maps[AREA] by a finished proof by fours: points 1 to 4; False for a proof too large to be followed.

    The tree stays as it is; what is looked at is counted.
    """
    proof.maps[AREA, :] = np.uint64(0)
    proof.todo[0] = 0
    waiting, visited = 1, 0
    while waiting > 0:
        waiting -= 1
        node = np.int64(proof.todo[waiting])
        if proof.nodes[node]["same"] != NOTHING:
            node = np.int64(proof.nodes[node]["same"])
        visited += 1
        if visited > MOST_POSITIONS:
            return False
        position = proof.positions[go_to(proof, node)]
        if proof.nodes[node]["attacking"]:
            child = winning_child(proof, node)
            if child == NOTHING:
                proof.counts[USED] += 1
                find_tactics(position, proof.bits, proof.scratch[0])
                _add_winning_move(proof)
                continue
            cell, triples = np.int64(proof.nodes[child]["cell"]), position["variant"] == KERYO
            set_bit(proof.maps[AREA], cell)
            if position["variant"] != GOMOKU:
                _add_captured(position["board"], cell, np.int64(position["to_move"]), triples, proof.maps[AREA])
            proof.todo[waiting] = child
            waiting += 1
            continue
        proof.counts[USED] += 1
        find_tactics(position, proof.bits, proof.scratch[0])
        _add_defenders_node(proof, position)
        first, count = np.int64(proof.nodes[node]["first"]), np.int64(proof.nodes[node]["count"])
        if waiting + count > len(proof.todo):
            return False
        for reply in range(first, first + count):
            proof.todo[waiting] = reply
            waiting += 1
    return True
