"""Makes and verifies the balanced openings of matches in `src/alphapente/arena/matches/opening_sets`.

    python suites/make_openings.py --verify           check every opening of the committed set
    python suites/make_openings.py OUT                make a set, or add to OUT; tree search with random playouts judges
    ... --checkpoint FILE --simulations 400           a network's search judges instead
    ... --variant pente --board-size 19 --count 240 --bound 0.1 --minutes 10 --seed 1

Openings are random plies near the stones that the variant's opening rule allows. No two positions are equal under the
eight symmetries. A position is kept if it is quiet (the player to move need not answer a threat, and neither player, if
it were their turn, wins within three plies: proven by exhaustive search), if the value found by a search is at most
`--bound` from even, and if player 1 scores between 30% and 70% when weak players play it out a few times. All lengths
have equal shares. Random numbers depend only on the position, so `--verify` with the same judge reproduces all
numbers.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from alphapente.arena.matches.games import GameStart, play_games
from alphapente.arena.matches.match import tally
from alphapente.arena.matches.openings import SETS, random_opening
from alphapente.arena.players.references import RolloutPlayer
from alphapente.arena.players.rollouts import CHILDREN, begin, new_tree, root_value, simulate
from alphapente.config import default_config_path, load_config
from alphapente.files import write_text
from alphapente.network.load import load_network
from alphapente.rules.game import Game
from alphapente.rules.legality import replay
from alphapente.rules.notation import format_moves
from alphapente.rules.position import IN_PLAY, POSITION, Position
from alphapente.rules.queries import position_key
from alphapente.rules.tactics import UNDECIDED, tactics
from alphapente.search.exhaustive import Prover
from alphapente.search.mcts.forest import Forest, search_position

PLIES = (4, 5, 6, 7)
"""Lengths of openings: with four plies the second stone of player 1, which has its own rule, is answered."""
PROVEN_PLIES = 3
"""Neither player wins within this number of plies."""
SIMULATIONS = 8000
"""Simulations of the judge."""
PLAYED, PLAYED_SIMULATIONS = 16, 64
"""Number of games in which `rollouts` plays an opening against itself, and its simulations a move."""
LEAST_SCORE = 0.3
"""Minimum score of player 1 in these games. The maximum is 1 minus this number."""
LEAVES = 8
"""A network's batch: leaves of one search in flight."""

Judge = Callable[[Position], float]
"""The value of a position for player 1, -1 to 1."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Moves, the judge's value for player 1, and player 1's score when it was played out."""

    moves: list[int]
    value: float
    score: float


def _seed(position: Position) -> int:
    return crc32(position_key(position))


def for_player_1(position: Position, value: float) -> float:
    """Converts a value for the player to move to one for player 1."""
    return value if position["to_move"] == 1 else -value


def rollout_judge(size: int, simulations: int) -> Judge:
    """Judges by tree search with random playouts."""
    tree = new_tree(size, CHILDREN * simulations + size * size)

    def judge(position: Position) -> float:
        begin(tree, position, _seed(position))
        simulate(tree, simulations)
        return for_player_1(position, float(root_value(tree)))

    return judge


def network_judge(checkpoint: Path, variant: str, size: int, simulations: int) -> Judge:
    """Judges by the search of a network, without noise or temperature.

    Raises CheckpointError for a checkpoint that cannot be used.
    """
    config = load_config(default_config_path(), (), {"game.variant": variant, "game.board_size": size})
    evaluator = load_network(config, checkpoint).evaluator(LEAVES, size)
    forest = Forest(evaluator, config.search, num_trees=1, simulations=simulations)

    def judge(position: Position) -> float:
        result = search_position(forest, position, np.random.default_rng(_seed(position)))
        return for_player_1(position, float(result.value))

    return judge


def is_quiet(position: Position, prover: Prover) -> bool:
    """Whether there is no threat to answer, and neither player, if to move, wins within PROVEN_PLIES plies."""
    if position["winner"] != IN_PLAY or tactics(position)[0] != UNDECIDED:
        return False
    passed = np.zeros(1, POSITION)
    passed[0] = position
    passed[0]["to_move"] = 3 - position["to_move"]
    return not prover.wins(position, PROVEN_PLIES) and not prover.wins(passed[0], PROVEN_PLIES)


def played_out(player: RolloutPlayer, moves: list[int], position: Position, variant: str) -> float:
    """Player 1's score, 0 to 1, of PLAYED games of `player` against itself from an opening."""
    seeds = np.random.SeedSequence(_seed(position)).spawn(PLAYED)
    starts = [GameStart(index, "a", tuple(moves), seed) for index, seed in enumerate(seeds)]
    return tally(play_games(player, player, starts, variant, int(position["size"]))).score


def collect(
    variant: str, size: int, count: int, bound: float, judge: Judge, minutes: float, seed: int, old: Sequence[Opening]
) -> list[Opening]:
    """The `old` openings and new ones, at most `count`, equally many of each length, in the order of lengths."""
    rng, prover = np.random.default_rng(seed), Prover()
    seen = {position_key(replay(one.moves, variant, size)) for one in old}
    found = {plies: [one for one in old if len(one.moves) == plies] for plies in PLIES}
    share = -(-count // len(PLIES))
    ends, rejected = time.monotonic() + 60 * minutes, Counter[str]()
    with closing(RolloutPlayer(size, simulations=PLAYED_SIMULATIONS)) as player:
        while time.monotonic() < ends and any(len(some) < share for some in found.values()):
            plies = min(PLIES, key=lambda plies: len(found[plies]))
            moves, position = random_opening(rng, variant, size, (plies, plies))
            key = position_key(position)
            if key in seen:
                continue
            seen.add(key)
            if not is_quiet(position, prover):
                rejected["not quiet"] += 1
                continue
            value = judge(position)
            if abs(value) > bound:
                rejected["value"] += 1
                continue
            score = played_out(player, moves, position, variant)
            if not LEAST_SCORE <= score <= 1 - LEAST_SCORE:
                rejected["played out"] += 1
                continue
            found[plies].append(Opening(moves, value, score))
    print("kept:", {plies: len(some) for plies, some in found.items()}, "rejected:", dict(rejected))
    return [one for plies in PLIES for one in found[plies]][:count]


def read_set(path: Path) -> list[Opening]:
    """The openings of a set. Raises NotationError, IllegalMoveError for invalid moves."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    return [
        Opening(
            Game.from_moves(entry["moves"], stored["variant"], stored["board_size"]).moves,
            entry["value"],
            entry["score"],
        )
        for entry in stored["openings"]
    ]


def verify(path: Path, judge: Judge) -> str:
    """Checks a set and returns a summary. Raises ValueError for an opening that breaks a rule of the set."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    variant, size, bound = stored["variant"], stored["board_size"], stored["bound"]
    prover, seen, total = Prover(), set[bytes](), 0.0
    with closing(RolloutPlayer(size, simulations=PLAYED_SIMULATIONS)) as player:
        for entry in stored["openings"]:
            game = Game.from_moves(entry["moves"], variant, size)
            key, name = position_key(game.position), entry["moves"]
            if key in seen:
                raise ValueError(f"{name}: equal to another one up to symmetry")
            seen.add(key)
            if not is_quiet(game.position, prover):
                raise ValueError(f"{name}: a player must answer a threat or wins within {PROVEN_PLIES} plies")
            value = judge(game.position)
            if abs(value) > bound:
                raise ValueError(f"{name}: its value is {value:.3f}, not within {bound} of even")
            score = played_out(player, list(game.moves), game.position, variant)
            if not LEAST_SCORE <= score <= 1 - LEAST_SCORE:
                raise ValueError(f"{name}: player 1 scores {score:.0%} when it is played out")
            total += score
    return (
        f"{len(seen)} openings: distinct under the eight symmetries, quiet, within {bound} of even; played out, "
        f"player 1 scores {total / len(seen):.1%}"
    )


def main() -> None:
    """See the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--simulations", type=int, default=SIMULATIONS)
    parser.add_argument("--variant", default="pente")
    parser.add_argument("--board-size", type=int, default=19)
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--bound", type=float, default=0.1)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.checkpoint is None:
        judge, name = rollout_judge(given.board_size, given.simulations), "rollouts"
    else:
        judge = network_judge(given.checkpoint, given.variant, given.board_size, given.simulations)
        name = given.checkpoint.name
    if given.out is not None:
        old = read_set(given.out) if given.out.is_file() else []
        openings = collect(
            given.variant, given.board_size, given.count, given.bound, judge, given.minutes, given.seed, old
        )
        header = {
            "variant": given.variant,
            "board_size": given.board_size,
            "judge": f"{name}, {given.simulations} simulations",
            "bound": given.bound,
            "score": f"of player 1 in {PLAYED} games by rollouts, {PLAYED_SIMULATIONS} simulations",
        }
        head = json.dumps(header)[:-1]
        lines = [
            json.dumps(
                {"moves": format_moves(one.moves, given.board_size), "value": round(one.value, 3), "score": one.score}
            )
            for one in openings
        ]
        write_text(given.out, head + ', "openings": [\n' + ",\n".join(lines) + "\n]}\n")
    if given.verify:
        print(verify(given.out or SETS / f"{given.variant}_{given.board_size}.json", judge))


if __name__ == "__main__":
    main()
