"""Makes and verifies `suites/open_threes.json`: on 19x19 the opponent has an open three, and there is no other threat.

    python suites/make_open_threes.py OUT --seed 1     make a suite: six minutes of one core
    python suites/make_open_threes.py --verify [FILE]  prove every position of the committed file again: as long

A position is the end of a semi-random game: players move near the stones and often capture when they can, while one of
them places three stones on six free points of a line. A position is accepted if

- the player to move has no win, no three and no four, and the opponent no four yet,
- all moves except the expected ones (at most eight) lose within three plies by a five, proven by exhaustive search,
- after each expected move the opponent has no win within five plies: the move does save the game,
- no accepted position is equal up to symmetry, and the quota of its shape, line and captures is not full.

A three with a stone that can be captured is never accepted: the capture also answers the four that would follow.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from make_tactical import passed, proof_text, result_of, verify, without_captures

from alphapente.arena.suites.suite import BUILT_IN, Puzzle, read_suite, write_suite
from alphapente.rules.kernels import is_legal, play
from alphapente.rules.near import near_points
from alphapente.rules.notation import format_moves, point_name
from alphapente.rules.position import IN_PLAY, Position, new_positions, stones
from alphapente.rules.queries import position_key
from alphapente.rules.tactics import UNDECIDED, tactics
from alphapente.search.exhaustive import Prover

SUITE = BUILT_IN / "open_threes.json"
SIZE = 19
PLIES = 3
HOLDS = 5
MOST_ANSWERS = 8
SHAPES = {"straight": ((1, 2, 3), (2, 3, 4)), "broken": ((1, 2, 4), (1, 3, 4))}
"""The points of the three among six points of a line; the others are free."""
LINES = {"row": (0, 1), "column": (1, 0), "falling": (1, 1), "rising": (-1, 1)}
QUOTAS = {False: 20, True: 13}
"""Positions of each shape on each line, without and with captured stones."""
FILLERS = (4, 24)
TAKES = 0.6
"""Probability of a capture if one is possible."""


@dataclass(frozen=True, slots=True)
class Three:
    """A planned open three: the six points of its line, and those that get a stone."""

    points: tuple[int, ...]
    stones: tuple[int, ...]


def random_three(rng: np.random.Generator, shape: str, line: str) -> Three:
    """A three of this shape at a random place on the board."""
    down, right = LINES[line]
    while True:
        row, column = (int(number) for number in rng.integers(0, SIZE, 2))
        if 0 <= row + 5 * down < SIZE and 0 <= column + 5 * right < SIZE:
            break
    points = tuple((row + step * down) * SIZE + column + step * right for step in range(6))
    places = SHAPES[shape][int(rng.integers(2))]
    return Three(points, tuple(points[place] for place in places))


def random_game(rng: np.random.Generator, three: Three) -> tuple[list[int], Position] | None:
    """A game whose last stones make the three, with the other player to move; None if the rules forbid that."""
    position = new_positions(1, "pente", SIZE)[0]
    moves: list[int] = []
    planted = [int(point) for point in rng.permutation(three.stones)]
    fillers = int(rng.integers(FILLERS[0], FILLERS[1] + 1))
    while planted:
        builds = len(moves) >= fillers and (len(moves) - fillers) % 2 == 0
        point = planted.pop() if builds else _filler(rng, position, three)
        if point is None or not is_legal(position, point):
            return None
        play(position, point)
        moves.append(point)
        if position["winner"] != IN_PLAY:
            return None
    board = stones(position)
    kept = all(board[point] == (3 - position["to_move"] if point in three.stones else 0) for point in three.points)
    return (moves, position) if kept else None


def _filler(rng: np.random.Generator, position: Position, three: Three) -> int | None:
    """A move near the stones and outside the three, often a capture if there is one."""
    near = [point for point in near_points(position) if point not in three.points]
    if position["ply"] >= 4 and rng.random() < TAKES:
        near = [point for point in tactics(position)[1]["own_captures"] if point not in three.points] or near
    return int(rng.choice(near)) if near else None


def answers_to(prover: Prover, position: Position) -> list[int] | None:
    """All moves that do not lose to the opponent's three; None if the position does not fit the suite."""
    verdict, found = tactics(position)
    if verdict != UNDECIDED or found["own_fours"] or not found["enemy_fours"]:
        return None
    if prover.wins(position, PLIES) or not prover.wins(passed(without_captures(position)), PLIES):
        return None
    saves = prover.right_moves(position, "save", PLIES)
    if not 0 < len(saves) <= MOST_ANSWERS:
        return None
    holds = all(not prover.wins(result_of(position, point), HOLDS) for point in saves)
    return saves if holds else None


def collect(seed: int) -> list[Puzzle]:
    """Collects positions until every quota is full."""
    rng, prover = np.random.default_rng(seed), Prover()
    wanted = {(shape, line, taken): quota for shape in SHAPES for line in LINES for taken, quota in QUOTAS.items()}
    seen: set[bytes] = set()
    entries: list[Puzzle] = []
    while wanted:
        shape, line, taken = sorted(wanted)[int(rng.integers(len(wanted)))]
        game = random_game(rng, random_three(rng, shape, line))
        if game is None or bool(game[1]["captured"].any()) != taken or position_key(game[1]) in seen:
            continue
        moves, position = game
        answers = answers_to(prover, position)
        if answers is None:
            continue
        seen.add(position_key(position))
        entries.append(entry_of(len(entries) + 1, shape, moves, answers))
        wanted[shape, line, taken] -= 1
        if not wanted[shape, line, taken]:
            del wanted[shape, line, taken]
    return entries


def entry_of(number: int, shape: str, moves: Sequence[int], answers: Sequence[int]) -> Puzzle:
    """The suite's entry of a position."""
    return Puzzle(
        " ".join(format_moves(moves, SIZE).split()),
        tuple(point_name(point, SIZE) for point in answers),
        f"open-three-{number:03d}",
        f"{shape} three",
        "pente",
        SIZE,
        "save",
        PLIES,
        f"{proof_text('save', PLIES)} within {HOLDS} either",
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
                raise ValueError(f"{entry.id}: no open three, or an expected move that does not hold")
        print(f"{len(entries)} positions proven")


if __name__ == "__main__":
    main()
