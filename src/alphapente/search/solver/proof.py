"""Proof-number search: a tree of attack and defence that expands the leaf nearest to a proof or a disproof.

Allis, van der Meulen and van den Herik 1994: the proof number of a node is the fewest unsolved leaves below it that
must be won to prove it, the disproof number the fewest that must fail to disprove it. The leaf expanded next, the most
proving node, lies on both minimal sets. The whole tree is kept, since budgets are small. A transposition of a solved
position is not searched again. Nothing here allocates memory.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.rules.bitboards import GUARD, MIXER, ROW, WORDS, has, next_cell, point_of, set_bit
from alphapente.rules.kernels import copy_position, play
from alphapente.rules.position import IN_PLAY, POSITION, Position, Positions
from alphapente.rules.tactics import ENEMY, LOSES, OWN, WINS, Bitboards, conclude_tactics, find_tactics, new_bitboards
from alphapente.search.layout import MOST_ITEMS, NO_POINT, NOTHING, record_type

INFINITE = 1 << 28
"""The proof or disproof number of a solved node: larger than every sum, and twice it fits an int32."""
MAX_DEPTH = 60
"""The most plies of a proof: a bound on the memory for positions on its path. Chosen."""
LARGEST_BRANCH = 400
"""At least the number of moves of any node: 361 points. A node is expanded only where its children have space."""

USED, NUM_NODES, LIMIT = range(3)
"""Indices of `Proof.counts`."""
AREA, ADDED, SCRATCH, CHOSEN, OTHERS = range(5)
"""Indices of `Proof.maps`: the relevance zone, the moves that the present node has, and three for scratch."""
_NUM_MAPS = 5

PROOF_NODE = record_type(
    [
        ("key", np.uint64),  # of the position, once it was examined
        ("parent", np.int32),
        ("first", np.int32),  # first child; the children are contiguous
        ("proof", np.int32),  # proof number; 0: the attacker wins
        ("disproof", np.int32),  # disproof number; 0: no win was found
        ("same", np.int32),  # a transposition's solved node, whose children count here, or NOTHING
        ("count", np.int16),  # of children
        ("cell", np.int16),  # of the move that leads here; NO_POINT: the root
        ("hint", np.int16),  # defender's node: the attacker's first move of the VCF after a pass, or NO_POINT
        ("depth", np.int16),  # plies from the root
        ("length", np.int16),  # proven: the most plies to the win that was found
        ("attacking", np.int16),  # 1: the attacker is to move
    ],
    align=True,
)


class Proof(NamedTuple):
    """One proof tree of at most N nodes, and the memory to traverse it; reused for each question."""

    nodes: NDArray[np.void]  # PROOF_NODE[N]
    positions: Positions  # [MAX_DEPTH + 1] on the path to the node examined last; [0] is the root
    standing: NDArray[np.int32]  # [MAX_DEPTH + 1] the node of each of these positions
    way: NDArray[np.int32]  # [MAX_DEPTH + 1] the nodes of the path that `go_to` plays
    bits: Bitboards  # tactics of the node examined last
    scratch: Positions  # POSITION[1]
    maps: NDArray[np.uint64]  # [5, ROW] bitboards AREA...
    solved: NDArray[np.int32]  # [a power of two] hash table: solved nodes by their keys
    todo: NDArray[np.int32]  # [N] stack of nodes to visit
    counts: NDArray[np.int64]  # [3] positions searched, nodes, maximum plies of the win


def new_proof(budget: int) -> Proof:
    """Memory for questions of `budget` positions each."""
    nodes = 4 * budget + 2 * LARGEST_BRANCH  # about four moves a position; a full tree ends its search (`goes_on`)
    assert nodes <= MOST_ITEMS
    return Proof(
        nodes=np.zeros(nodes, PROOF_NODE),
        positions=np.zeros(MAX_DEPTH + 1, POSITION),
        standing=np.zeros(MAX_DEPTH + 1, np.int32),
        way=np.zeros(MAX_DEPTH + 1, np.int32),
        bits=new_bitboards(),
        scratch=np.zeros(1, POSITION),
        maps=np.zeros((_NUM_MAPS, ROW), np.uint64),
        # a power of two of at least `budget` places (16 for the smallest budgets)
        solved=np.zeros(1 << max(4, (budget - 1).bit_length()), np.int32),
        todo=np.zeros(nodes, np.int32),
        counts=np.zeros(3, np.int64),
    )


@kernel
def _new_node(proof: Proof, parent: int, cell: int, cost: int) -> None:
    node = proof.counts[NUM_NODES]
    proof.counts[NUM_NODES] = node + 1
    nodes, new = proof.nodes, proof.nodes[node]
    new.key = np.uint64(0)
    new.parent = parent
    new.first = 0
    new.proof = cost
    new.disproof = 1
    new.same = NOTHING
    new.count = 0
    new.cell = cell
    new.hint = NO_POINT
    new.depth = nodes[parent].depth + 1 if parent != NOTHING else 0
    new.length = 0
    new.attacking = 1 - nodes[parent].attacking if parent != NOTHING else 1


@inlined
def children_of(proof: Proof, node: int) -> range:
    """The indices of a node's children."""
    first = np.int64(proof.nodes[node].first)
    return range(first, first + np.int64(proof.nodes[node].count))


@inlined
def begin(proof: Proof, plies: int) -> None:
    """Clears the tree. The question: can the player to move of positions[0], set before, win within `plies`?"""
    proof.counts[:] = 0
    proof.counts[LIMIT] = min(plies, MAX_DEPTH)
    proof.solved[:] = NOTHING
    proof.standing[:] = NOTHING
    proof.standing[0] = 0
    _new_node(proof, np.int64(NOTHING), np.int64(NO_POINT), np.int64(1))


@inlined
def is_proven(proof: Proof) -> bool:
    """Whether the attacker wins."""
    return bool(proof.nodes[0].proof == 0)


@inlined
def goes_on(proof: Proof, budget: int) -> bool:
    """Whether the question is open, and budget and nodes are left."""
    is_open = proof.nodes[0].proof != 0 and proof.nodes[0].disproof != 0
    is_room = proof.counts[NUM_NODES] + LARGEST_BRANCH < len(proof.nodes)
    return bool(is_open and is_room and proof.counts[USED] < budget)


@kernel
def most_proving(proof: Proof) -> int:
    """The most proving node: follows the child with the node's own number, which determines that number."""
    nodes, node = proof.nodes, 0
    while nodes[node].count > 0:
        child = int(nodes[node].first)
        if nodes[node].attacking:
            while nodes[child].proof != nodes[node].proof:
                child += 1
        else:
            while nodes[child].disproof != nodes[node].disproof:
                child += 1
        node = child
    return node


@kernel
def go_to(proof: Proof, node: int) -> int:
    """Sets positions[depth] to that of `node` and returns the depth; plays only what differs from the last path."""
    nodes, positions = proof.nodes, proof.positions
    depth, size = int(nodes[node].depth), int(positions[0]["size"])
    level, here = depth, node
    while proof.standing[level] != here:  # up to the last node that both paths have; both have the root
        proof.way[level] = here
        here = int(nodes[here].parent)
        level -= 1
    while level < depth:
        level += 1
        here = int(proof.way[level])
        copy_position(positions[level], positions[level - 1])
        play(positions[level], point_of(int(nodes[here].cell), size))
        proof.standing[level] = here
    return depth


@kernel
def settle(proof: Proof, node: int, won: bool, length: int) -> None:
    """Solves a node: the attacker wins in `length` plies, or no win was found there."""
    settled = proof.nodes[node]
    settled.proof = 0 if won else INFINITE
    settled.disproof = INFINITE if won else 0
    settled.length = length


@inlined
def _key(position: Position, bits: Bitboards, attacking: int) -> np.uint64:
    """A 64-bit hash of stones, captures and player to move; in one question two keys collide once in 10**13 times.

    A product and a shift mix each word of the bitboards, as in rules/canonical.py.
    """
    # bit 0: who is to move; above it 16 bits for each player's captures
    captured = np.uint64(position["captured"][0]) << np.uint64(17) | np.uint64(position["captured"][1]) << np.uint64(1)
    key = captured | np.uint64(attacking)
    for side in (OWN, ENEMY):
        for word in range(GUARD, GUARD + WORDS - 2):  # the last two words are always 0
            key = (key ^ bits[side, word]) * MIXER
            key ^= key >> np.uint64(29)  # a product carries bits upwards only: this brings the high ones down
    return key


@inlined
def _place(proof: Proof, key: np.uint64) -> int:
    return int(key & np.uint64(len(proof.solved) - 1))


@kernel
def look_at(proof: Proof, node: int, has_tactics: bool) -> int:
    """Goes to a leaf and solves it if rules or tactics decide it; returns NOTHING, or else the verdict of the tactics.

    Fills `bits` with the tactics. `has_tactics`: they are there already, and the game is in play.
    """
    nodes, depth = proof.nodes, go_to(proof, node)
    position = proof.positions[depth]
    attacking = nodes[node].attacking == 1
    if position["winner"] != IN_PLAY:
        settle(proof, node, bool(position["winner"] == proof.positions[0]["to_move"]), np.int64(0))
        return NOTHING
    proof.counts[USED] += 1
    if has_tactics:
        verdict = int(conclude_tactics(proof.bits, position["variant"]))
    else:
        verdict = int(find_tactics(position, proof.bits, proof.scratch[0]))
    left = int(proof.counts[LIMIT]) - depth
    needed = 1 if attacking else 2
    # A win that tactics do not see takes at least 3 plies from the attacker's turn, at least 2 from the defender's.
    if verdict in (WINS, LOSES) or left < (3 if attacking else 2):
        settle(proof, node, verdict == (WINS if attacking else LOSES) and needed <= left, needed)
        return NOTHING
    key = _key(position, proof.bits, 1 if attacking else 0)
    # A transposition counts only if its win fits into the plies that are left here.
    known = int(proof.solved[_place(proof, key)])
    if known != NOTHING and nodes[known].key == key and nodes[known].length <= left:
        settle(proof, node, bool(nodes[known].proof == 0), int(nodes[known].length))
        nodes[node].same = known
        return NOTHING
    nodes[node].key = key
    nodes[node].first = proof.counts[NUM_NODES]
    proof.maps[ADDED, :] = np.uint64(0)
    return verdict


@kernel
def add_move(proof: Proof, node: int, cell: int, cost: int) -> None:
    """Adds a move to a node just examined, unless it has it; `cost` is the initial proof number."""
    if not has(proof.maps[ADDED], cell):
        set_bit(proof.maps[ADDED], cell)
        _new_node(proof, node, cell, cost)
        proof.nodes[node].count += 1


@kernel
def add_moves(proof: Proof, node: int, bits: NDArray[np.uint64], cost: int) -> None:
    """Adds the moves of a bitboard to a node just examined."""
    cell = next_cell(bits, 0)
    while cell >= 0:
        add_move(proof, node, cell, cost)
        cell = next_cell(bits, cell)


@inlined
def _recount(proof: Proof, node: int) -> None:
    """Computes a node's numbers from its children: the attacker needs one winning move, and all of the defender's.

    So the proof number is the least of the children's at the attacker's node and their sum at the defender's; the
    disproof number the other way round. The length of a defender's node, before it is solved, is that of the win after
    moves that are not in the tree.
    """
    nodes = proof.nodes
    least, total, solved = INFINITE, 0, False
    shortest, longest = 30_000, int(nodes[node].length)  # 30,000: longer than any win, and fits an int16
    attacking = nodes[node].attacking == 1
    for child in children_of(proof, node):
        won, lost = int(nodes[child].proof), int(nodes[child].disproof)
        wanted, other = (won, lost) if attacking else (lost, won)
        least = min(least, wanted)
        total = min(total + other, INFINITE - 1)  # a sum must not look solved
        solved = solved or wanted == 0
        if won == 0:
            shortest = min(shortest, int(nodes[child].length))
            longest = max(longest, int(nodes[child].length))
    if solved:
        total = INFINITE
    elif total > 0 and not attacking:
        total += 1  # each move of the attacker costs one, so that among equally easy lines the shorter is tried first
    nodes[node].proof = least if attacking else total
    nodes[node].disproof = total if attacking else least
    if nodes[node].proof == 0:
        nodes[node].length = 1 + (shortest if attacking else longest)


@kernel
def update(proof: Proof, node: int) -> None:
    """Updates the numbers from a leaf up to the root, and stores solved positions in the hash table."""
    nodes = proof.nodes
    while True:
        if nodes[node].count > 0:
            _recount(proof, node)
        elif nodes[node].proof != 0 and nodes[node].disproof != 0:
            settle(proof, node, False, np.int64(0))  # examined, and there is nothing to try: no win
        solved = nodes[node].proof == 0 or nodes[node].disproof == 0
        if solved and nodes[node].key != np.uint64(0):
            proof.solved[_place(proof, nodes[node].key)] = node
        if node == 0:
            return
        node = int(nodes[node].parent)


@kernel
def winning_child(proof: Proof, node: int) -> int:
    """The child of a proven attacker's node with the shortest win; NOTHING for a node whose player wins at once."""
    nodes, best = proof.nodes, NOTHING
    for child in children_of(proof, node):
        if nodes[child].proof == 0 and (best == NOTHING or nodes[child].length < nodes[best].length):
            best = child
    return best
