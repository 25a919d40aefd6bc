"""Asks the threat solver one question."""

from alphapente.rules.position import Position
from alphapente.rules.tactics import find_tactics
from alphapente.search.solver.threats import Threats, prove_from


def prove(threats: Threats, position: Position, plies: int, budget: int, level: int) -> bool:
    """Whether a VCF (FOURS) or VCT (THREES) of the player to move within `plies` was found: see `prove_from`."""
    find_tactics(position, threats.outer.bits, threats.outer.scratch[0])
    return bool(prove_from(threats, position, threats.outer.bits, plies, budget, level))
