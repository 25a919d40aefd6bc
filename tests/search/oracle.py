"""A second implementation of the search's delicate parts, in plain slow Python over dictionaries."""

import math
from dataclasses import dataclass, field

import numpy as np

from alphapente.config import SearchSettings
from alphapente.rules.notation import point_name
from alphapente.rules.tactics import DRAWS, LOSES, UNDECIDED, WINS
from alphapente.search import Forest
from alphapente.search.layout import NOTHING, UNOPENED
from alphapente.search.mcts.tree import Tree


@dataclass
class PlainEdge:
    point: int
    visits: int
    value_sum: float
    prior: float
    proven: int
    in_flight: int
    child: "PlainNode | None"


@dataclass
class PlainNode:
    visits: int
    value_sum: float
    raw_value: float
    proven: int
    edges: list[PlainEdge] = field(default_factory=list)
    unopened: dict[int, float] = field(default_factory=dict)


def prior_of(bits: int) -> float:
    return float(np.array([bits << 16], np.uint32).view(np.float32)[0])


def read_tree(tree: Tree, node: int = 0) -> PlainNode:
    """A node of a tree with its subtree."""
    record = tree.nodes[node]
    plain = PlainNode(int(record.visits), float(record.value_sum), float(record.raw_value), int(record.proven))
    first = int(record.first_edge)
    for edge in tree.edges[first : first + int(record.num_edges)]:
        child = int(edge.child)
        plain.edges.append(
            PlainEdge(
                int(edge.point),
                int(edge.visits),
                float(edge.value_sum),
                float(edge.prior),
                int(edge.proven),
                int(edge.in_flight),
                read_tree(tree, child) if child >= 0 else None,
            )
        )
    plain.unopened = {point: prior_of(int(bits)) for point, bits in enumerate(tree.priors[node]) if bits}
    return plain


def count_nodes(node: PlainNode) -> int:
    return 1 + sum(count_nodes(edge.child) for edge in node.edges if edge.child is not None)


def plain_puct(node: PlainNode, settings: SearchSettings, reduction: float) -> dict[int, float]:
    """The PUCT score of every move by index in the block (UNOPENED: the best unopened one); empty if all lose."""
    growth = math.log((node.visits + settings.exploration_base) / settings.exploration_base)
    explore = (settings.exploration + settings.exploration_log * growth) * math.sqrt(node.visits)
    opened = sum(edge.prior for edge in node.edges)
    urgency = node.value_sum / max(node.visits, 1) - reduction * math.sqrt(max(opened, 0.0))
    scores: dict[int, float] = {}
    if node.unopened:
        scores[UNOPENED] = urgency + explore * max(node.unopened.values())
    for place, edge in enumerate(node.edges):
        if edge.proven == LOSES:
            continue
        lost = edge.in_flight * settings.virtual_loss
        visits = edge.visits + lost
        if edge.proven != UNDECIDED:
            value = 0.0 if edge.proven == DRAWS else 1.0
        else:
            value = (edge.value_sum - lost) / visits if visits else urgency
        scores[place] = value + explore * edge.prior / (1 + visits)
    return scores


def plain_forced(node: PlainNode, k: float) -> int:
    """The index of the root edge of the largest prior that is visited, unproven and has too few forced visits."""
    total = sum(edge.visits for edge in node.edges)
    short = [
        (-edge.prior, place)
        for place, edge in enumerate(node.edges)
        if edge.visits and edge.proven == UNDECIDED and edge.visits < math.sqrt(k * edge.prior * total)
    ]
    return min(short)[1] if short else NOTHING


def plain_pruned(node: PlainNode, settings: SearchSettings) -> dict[int, int]:
    """Visits by point without forced ones: subtracted one by one, as defined in Wu 2019, section 3.2."""

    def bound(edge: PlainEdge, visits: int) -> float:
        growth = math.log((node.visits + settings.exploration_base) / settings.exploration_base)
        explore = (settings.exploration + settings.exploration_log * growth) * math.sqrt(node.visits)
        return edge.value_sum / edge.visits + explore * edge.prior / (1 + visits)

    total = sum(edge.visits for edge in node.edges)
    best = max((edge for edge in node.edges if edge.proven != LOSES), key=lambda edge: edge.visits)
    left = {}
    for edge in node.edges:
        visits = edge.visits
        if edge is not best and visits and edge.proven == UNDECIDED:
            for _ in range(math.floor(math.sqrt(settings.forced_playouts * edge.prior * total))):
                if visits and bound(edge, visits - 1) < bound(best, best.visits):
                    visits -= 1
            if visits == 1 < edge.visits:
                visits = 0
        left[edge.point] = visits
    return left


def agrees(choice: int, scores: dict[int, float], tolerance: float = 1e-4) -> bool:
    """Whether a choice is the best by these scores (or as good, up to rounding)."""
    if not scores:
        return choice == NOTHING
    return choice in scores and scores[choice] >= max(scores.values()) - tolerance


def check_sums(node: PlainNode, is_root: bool = True, own_visits: int | None = None) -> None:
    """Checks the sums of visits: a node has one from its own evaluation and one for each visit of an edge."""
    assert node.visits - 1 == sum(edge.visits for edge in node.edges)
    # Backing up changes the sign, and a proof replaces values only in the nodes on the path of its simulation.
    for edge in node.edges:
        assert edge.in_flight == 0
        assert abs(edge.value_sum) <= edge.visits + 1e-3
        if edge.child is not None:
            check_sums(edge.child, False)
            if edge.proven == UNDECIDED:
                assert edge.visits == edge.child.visits


def drawn(forest: Forest, tree: int = 0) -> str:
    """The tree as text: a line for each visited move, deeper ones indented."""
    lines: list[str] = []

    def draw(node: PlainNode, indent: str) -> None:
        for edge in node.edges:
            if edge.visits:
                certain = {UNDECIDED: "", WINS: " wins", LOSES: " loses", DRAWS: " draws"}[edge.proven]
                value = edge.value_sum / edge.visits
                name = point_name(edge.point, forest.size)
                lines.append(f"{indent}{name} {edge.visits}x {value:+.2f}{certain}")
                if edge.child is not None:
                    draw(edge.child, indent + "  ")

    root = read_tree(forest.tree(tree))
    lines.append(f"root {root.visits}x {root.value_sum / root.visits:+.2f}")
    draw(root, "  ")
    return "\n".join(lines)
