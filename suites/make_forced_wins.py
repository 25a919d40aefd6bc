"""Makes and verifies `suites/forced_wins.json`: the player to move on 19x19 has a forced win in exactly five plies.

    python suites/make_forced_wins.py OUT --seed 1     make a suite
    python suites/make_forced_wins.py --verify [FILE]  prove every position of the committed file again

Positions come from games between hand-made evaluators with short searches and strong noise (as in `make_tactical.py`).
A position is accepted if

- the threat solver finds a forced win in five plies,
- exhaustive search proves it, finds all moves that win in five plies (at most eight), and none that wins in three,
- no accepted position is equal up to symmetry, or comes from the same game within four plies.

Half of them are won by fours alone. In the others a quiet move wins, an open three or two threats at once, and no four.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from make_tactical import played_games, proof_text, verify

from alphapente.arena.suites.suite import BUILT_IN, Puzzle, read_suite, write_suite
from alphapente.rules.notation import format_moves, point_name
from alphapente.rules.position import Position
from alphapente.rules.queries import position_key
from alphapente.search.exhaustive import Prover
from alphapente.search.solver.solve import Solver
from alphapente.search.solver.threats import FOURS

SUITE = BUILT_IN / "forced_wins.json"
SIZE = 19
PLIES = 5
MOST_ANSWERS = 8
QUOTAS = {"by fours": 50, "by a quiet move": 50}
BUDGET = 5_000
"""Maximum positions of the solver."""
APART = 4
"""Minimum plies between two positions of one game."""
GAMES = 8


def answers_to(prover: Prover, position: Position) -> list[int] | None:
    """All moves that win within PLIES plies; None if one wins sooner, none wins, or too many win."""
    if prover.wins(position, PLIES - 2):
        return None
    wins = prover.winning_moves(position, PLIES)
    return wins if 0 < len(wins) <= MOST_ANSWERS else None


def collect(seed: int) -> list[Puzzle]:
    """Collects positions until both quotas are full."""
    rng, prover, solver = np.random.default_rng(seed), Prover(), Solver(BUDGET)
    missing = dict(QUOTAS)
    seen: set[bytes] = set()
    entries: list[Puzzle] = []
    while any(missing.values()):
        last: dict[int, int] = {}
        for moves, position in played_games("pente", SIZE, rng, GAMES):
            game = id(moves)
            if len(moves) - last.get(game, -APART) < APART or position_key(position) in seen:
                continue
            if solver.solve(position).plies != PLIES:
                continue
            kind = "by fours" if solver.solve(position, level=FOURS).plies == PLIES else "by a quiet move"
            answers = answers_to(prover, position) if missing[kind] else None
            if answers is None:
                continue
            last[game] = len(moves)
            seen.add(position_key(position))
            missing[kind] -= 1
            entries.append(entry_of(len(entries) + 1, kind, moves, answers))
    return entries


def entry_of(number: int, kind: str, moves: list[int], answers: list[int]) -> Puzzle:
    """The suite's entry of a position."""
    return Puzzle(
        " ".join(format_moves(moves, SIZE).split()),
        tuple(point_name(point, SIZE) for point in answers),
        f"forced-win-{number:03d}",
        kind,
        "pente",
        SIZE,
        "win",
        PLIES,
        f"{proof_text('win', PLIES)}, and none within {PLIES - 2}",
    )


def main() -> None:
    """See the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--verify", nargs="?", type=Path, const=SUITE, metavar="FILE")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.out is not None:
        entries = collect(arguments.seed)
        write_suite(arguments.out, entries)
        print(Counter(entry.kind for entry in entries))
    if arguments.verify is not None:
        prover, entries = Prover(), read_suite(arguments.verify)
        for entry in entries:
            verify(entry, prover)
            if answers_to(prover, entry.position) is None:
                raise ValueError(f"{entry.id}: won sooner, or by too many moves")
        print(f"{len(entries)} positions proven")


if __name__ == "__main__":
    main()
