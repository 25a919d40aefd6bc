"""The committed openings, and what a match begins with."""

import json

import numpy as np

from alphapente.arena.matches.match import plan_games
from alphapente.arena.matches.openings import SETS, committed_openings, match_openings
from alphapente.rules.legality import replay
from alphapente.rules.position import IN_PLAY, Position, stones
from alphapente.rules.queries import position_key
from alphapente.rules.symmetry import NUM_SYMMETRIES, transform_positions
from alphapente.rules.tactics import UNDECIDED, tactics

COMMITTED = committed_openings("pente", 19)


def look(position: Position) -> bytes:
    return stones(position).tobytes() + bytes(position["captured"]) + bytes([position["to_move"]])


class TestCommitted:
    def test_at_least_200_and_distinct_under_the_symmetries(self) -> None:
        assert len(COMMITTED) >= 200
        seen: set[bytes] = set()
        for moves in COMMITTED:
            position = replay(moves)
            assert look(position) not in seen
            transformed = position.reshape(1)
            seen |= {look(transform_positions(transformed, symmetry)[0]) for symmetry in range(NUM_SYMMETRIES)}

    def test_no_threat_has_to_be_answered(self) -> None:
        for moves in COMMITTED:
            position = replay(moves)
            assert position["winner"] == IN_PLAY
            assert tactics(position)[0] == UNDECIDED

    def test_values_and_scores_are_within_the_bounds(self) -> None:
        stored = json.loads((SETS / "pente_19.json").read_text())
        assert len(stored["openings"]) == len(COMMITTED)
        assert all(abs(entry["value"]) <= stored["bound"] <= 0.1 for entry in stored["openings"])
        scores = [entry["score"] for entry in stored["openings"]]
        assert 0.3 <= min(scores) <= max(scores) <= 0.7
        assert 0.45 <= float(np.mean(scores)) <= 0.55

    def test_both_players_are_to_move_equally_often(self) -> None:
        odd = sum(len(moves) % 2 for moves in COMMITTED)
        assert abs(odd - len(COMMITTED) / 2) <= 0.05 * len(COMMITTED)


class TestMatchOpenings:
    def test_a_match_begins_with_the_committed_ones(self) -> None:
        starts = plan_games(100, seed=3)
        assert {start.opening for start in starts} <= set(COMMITTED)
        assert len({start.opening for start in starts}) == 50
        assert [start.opening for start in plan_games(100, seed=3)] == [start.opening for start in starts]
        assert [start.opening for start in plan_games(100, seed=4)] != [start.opening for start in starts]
        for one, two in zip(starts[::2], starts[1::2], strict=True):
            assert (one.opening, one.first, two.first) == (two.opening, "a", "b")

    def test_when_all_are_played_others_are_drawn(self) -> None:
        openings = match_openings(len(COMMITTED) + 40, np.random.default_rng(1), "pente", 19)
        assert {tuple(moves) for moves in openings[: len(COMMITTED)]} == set(COMMITTED)
        assert len({position_key(replay(moves)) for moves in openings}) == len(COMMITTED) + 40

    def test_other_rules_boards_and_lengths_are_drawn(self) -> None:
        for variant, size, plies in (("pente", 13, None), ("keryo", 19, None), ("pente", 19, (2, 6))):
            openings = match_openings(30, np.random.default_rng(1), variant, size, plies)
            assert {2, 6} <= {len(moves) for moves in openings}
            assert len({position_key(replay(moves, variant, size)) for moves in openings}) == 30
