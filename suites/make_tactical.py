"""Makes and verifies `suites/tactical.json`: positions whose right moves are proven by exhaustive search.

    python suites/make_tactical.py --verify        prove every position of the file
    python suites/make_tactical.py OUT --minutes 5 play games of hand-made evaluators and collect a suite
    ... --add 2 --grounds pente:19,gomoku:15       search OUT's positions again, replace those that contradict the
                                                   current search, and add up to 2 of each category from these boards

A position is accepted if `classify` finds a category whose quota is not full. No two are equal up to symmetry.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.arena.suites.suite import BUILT_IN, Puzzle, read_suite, write_suite
from alphapente.config import SearchSettings
from alphapente.rules.kernels import play
from alphapente.rules.notation import format_moves, point_name
from alphapente.rules.position import (
    BY_CAPTURES,
    BY_FIVE,
    IN_PLAY,
    POSITION,
    Position,
    new_positions,
)
from alphapente.rules.queries import position_key
from alphapente.rules.tactics import tactics
from alphapente.search.exhaustive import Prover
from alphapente.search.mcts.forest import Exploration, Forest, search_position
from alphapente.search.mcts.tree import PROVEN_LOSS, PROVEN_WIN

LONG_SEARCH = 25_000
"""Simulations of the search that may contradict a position."""
SUITE = BUILT_IN / "tactical.json"
QUOTAS = {
    "five in one": 14,
    "five in two": 28,
    "five in three": 8,
    "win by capture": 12,
    "win by capture in two": 10,
    "capture breaks a four and wins": 10,
    "save by capture": 16,
    "block of a four": 14,
    "block of an open three": 22,
    "capture race": 14,
}
"""Maximum number of positions of each category."""
GROUNDS = (("pente", 9), ("pente", 13), ("keryo", 9), ("pente", 11), ("gomoku", 9), ("pente", 15), ("gpente", 13),
           ("poof", 9), ("boat", 9), ("pente", 19))  # fmt: skip
"""Variants and board sizes of the games, in turn."""


def proof_text(goal: str, plies: int) -> str:
    """A description of what `verify` proves."""
    if goal == "win":
        return f"exhaustive: the expected moves, and no others, win within {plies} plies, the move included"
    return f"exhaustive: after every other move the opponent wins within {plies} plies, after the expected ones not"


def result_of(position: Position, point: int) -> Position:
    """The position after a move, a copy."""
    copy = np.zeros(1, POSITION)
    copy[0] = position
    play(copy[0], point)
    return copy[0]


def takes(position: Position, point: int) -> bool:
    """Whether a move captures."""
    after = result_of(position, point)
    return int(after["captured"].sum()) > int(position["captured"].sum())


def without_captures(position: Position) -> Position:
    """A copy of the position without captured stones."""
    copy = np.zeros(1, POSITION)
    copy[0] = position
    copy[0]["captured"] = 0
    return copy[0]


def passed(position: Position) -> Position:
    """A copy of the position with the other player to move."""
    copy = np.zeros(1, POSITION)
    copy[0] = position
    copy[0]["to_move"] = 3 - copy[0]["to_move"]
    return copy[0]


def classify(prover: Prover, position: Position) -> tuple[str, str, int, list[int]] | None:
    """(category, goal, plies, right moves) of a position in play that fits the suite, else None."""
    found = tactics(position)[1]
    if found["own_wins"]:
        ways = {int(result_of(position, point)["won_by"]) for point in found["own_wins"]}
        if ways == {BY_FIVE}:
            return "five in one", "win", 1, found["own_wins"]
        if ways == {BY_CAPTURES}:
            return "win by capture", "win", 1, found["own_wins"]
        return None
    wins = prover.winning_moves(position, 3)
    if wins:
        if len(wins) > 4:
            return None
        if found["enemy_wins"]:
            kind = "capture breaks a four and wins" if all(takes(position, point) for point in wins) else "five in two"
            return kind, "win", 3, wins
        if set(prover.winning_moves(without_captures(position), 3)) & set(wins):
            return "five in two", "win", 3, wins
        return "win by capture in two", "win", 3, wins
    if found["enemy_wins"]:
        saves = prover.right_moves(position, "save", 3)
        if not 0 < len(saves) <= 6:
            return None
        if any(int(result_of(passed(position), point)["won_by"]) == BY_CAPTURES for point in found["enemy_wins"]):
            return "capture race", "save", 3, saves
        kind = "save by capture" if all(takes(position, point) for point in saves) else "block of a four"
        return kind, "save", 3, saves
    if prover.wins(passed(position), 3):
        saves = prover.right_moves(position, "save", 3)
        if not 0 < len(saves) <= 8:
            return None
        by_five = prover.wins(passed(without_captures(position)), 3)
        return "block of an open three" if by_five else "capture race", "save", 3, saves
    if position["size"] == 9 and position["variant"] == 0 and found["own_fours"] and prover.wins(position, 5):
        wins = prover.winning_moves(position, 5)
        return ("five in three", "win", 5, wins) if len(wins) <= 4 else None
    return None


def settled(prover: Prover, entry: Puzzle) -> Puzzle | None:
    """The entry with a deeper proof where that is fast; None if its moves are not the only right ones.

    "win": on boards up to 15x15 no other move may win within 5 plies. "save": on small boards, and where a four must be
    answered, the expected moves must hold for 5 plies. A long search must find neither a slower win by another move nor
    that the position is lost.
    """
    position = entry.position
    forced = bool(tactics(position)[1]["enemy_wins"])
    if entry.goal == "win" and entry.plies == 3 and entry.board_size <= 15:
        if prover.winning_moves(position, 5) != sorted(entry.answers):
            return None
    elif entry.goal == "save" and entry.plies < 5 and (entry.board_size <= 11 or forced):
        points = prover.right_moves(position, "save", 5)
        if not points:
            return None
        names = [point_name(point, entry.board_size) for point in points]
        entry = replace(entry, expected=tuple(names), plies=5, proof=proof_text("save", 5))
    forest = Forest(
        HeuristicEvaluator(1, entry.board_size), SearchSettings(root="puct"), num_trees=1, simulations=LONG_SEARCH
    )
    result = search_position(forest, position, np.random.default_rng(0))
    found = point_name(result.point, entry.board_size) in entry.expected
    if (entry.goal == "save" and result.proven == PROVEN_LOSS) or (
        entry.goal == "win" and result.proven == PROVEN_WIN and not found
    ):
        return None
    return entry


def played_games(variant: str, size: int, rng: np.random.Generator, games: int) -> Iterator[tuple[list[int], Position]]:
    """Positions, with their moves, of games between hand-made evaluators with short searches and strong noise."""
    forest = Forest(HeuristicEvaluator(games, size), SearchSettings(), num_trees=games, simulations=16)
    moves: list[list[int]] = [[] for _ in range(games)]
    for tree in range(games):
        forest.set_position(tree, new_positions(1, variant, size)[0])
        forest.start(tree, rng, Exploration(0.5, 2.0))
    while forest.busy() or any(moves):
        ready = forest.step()
        if not ready and not forest.busy():
            return
        for tree in ready:
            point = forest.result(tree).point
            forest.advance(tree, point)
            moves[tree].append(point)
            position = forest.position(tree)
            if position["winner"] == IN_PLAY:
                yield moves[tree], position
                forest.start(tree, rng, Exploration(0.5, 2.0 if len(moves[tree]) < 12 else 1.0))


def collect(
    minutes: float, seed: int, grounds: Sequence[tuple[str, int]], quotas: dict[str, int], entries: list[Puzzle]
) -> list[Puzzle]:
    """Plays and classifies until every quota is full or the time is over; returns old and new entries, sorted."""
    rng, prover = np.random.default_rng(seed), Prover()
    entries = list(entries)
    counts = Counter(entry.kind for entry in entries)
    numbers = Counter({name: max(int(e.id[-2:]) for e in entries if e.kind == name) for name in counts})
    by_ground: Counter[tuple[str, str, int]] = Counter()
    seen = {position_key(entry.position) for entry in entries}
    end = time.monotonic() + 60 * minutes
    turn = 0
    while time.monotonic() < end and any(counts[name] < quota for name, quota in quotas.items()):
        variant, size = grounds[turn % len(grounds)]
        turn += 1
        last: dict[int, int] = {}
        stop = min(end, time.monotonic() + (20 if size == 19 else 8))
        for moves, position in played_games(variant, size, rng, 8):
            if time.monotonic() > stop:
                break
            key = id(moves)
            if len(moves) < 6 or len(moves) - last.get(key, -9) < 4:
                continue
            found = classify(prover, position)
            if found is None:
                continue
            category, goal, plies, points = found
            ground = (category, variant, size)
            mark = position_key(position)
            share = 6 if variant == "pente" else 2
            if counts[category] >= quotas[category] or by_ground[ground] >= share or mark in seen:
                continue
            seen.add(mark)
            last[key] = len(moves)
            name = f"{category.replace(' ', '-')}-{numbers[category] + 1:02d}"
            names = tuple(point_name(point, size) for point in points)
            state = " ".join(format_moves(moves, size).split())
            proof = proof_text(goal, plies)
            entry = settled(prover, Puzzle(state, names, name, category, variant, size, goal, plies, proof))
            if entry is not None:
                entries.append(entry)
                numbers[category] += 1
                counts[category] += 1
                by_ground[ground] += 1
    return sorted(entries, key=lambda entry: (list(QUOTAS).index(entry.kind), entry.id))


def verify(entry: Puzzle, prover: Prover) -> None:
    """Proves one position. Raises ValueError if the expected moves are not exactly the right ones."""
    position = entry.position
    right = prover.right_moves(position, entry.goal, entry.plies)
    if sorted(entry.answers) != right:
        names = [point_name(point, entry.board_size) for point in right]
        raise ValueError(f"{entry.id}: expected {entry.expected}, proven {names}")


def main() -> None:
    """See the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--add", type=int)
    parser.add_argument("--grounds", default="")
    arguments = parser.parse_args()
    if arguments.out is not None:
        old, quotas = [], QUOTAS
        if arguments.add is not None:
            had, prover = read_suite(arguments.out), Prover()
            counts = Counter(entry.kind for entry in had)
            quotas = {name: counts[name] + arguments.add for name in QUOTAS}
            old = [entry for entry in had if settled(prover, entry) is not None]
            print("contradicted by a long search:", ", ".join(entry.id for entry in had if entry not in old) or "none")
        named = [ground.split(":") for ground in arguments.grounds.split(",") if ground]
        grounds = [(variant, int(size)) for variant, size in named] or GROUNDS
        entries = collect(arguments.minutes, arguments.seed, grounds, quotas, old)
        write_suite(arguments.out, entries)
        print(Counter(entry.kind for entry in entries), Counter((e.variant, e.board_size) for e in entries))
    if arguments.verify:
        prover, entries = Prover(), read_suite(arguments.out or SUITE)
        for entry in entries:
            verify(entry, prover)
        print(f"{len(entries)} positions proven")


if __name__ == "__main__":
    main()
