"""The threat solver against every possible reply, and on well-known positions."""

from itertools import islice

import pytest

from alphapente.rules.game import Game
from alphapente.rules.kernels import is_legal, play
from alphapente.rules.notation import point_name
from alphapente.rules.position import IN_PLAY, VARIANTS, Position
from alphapente.rules.tactics import find_tactics, new_bitboards, tactics
from alphapente.search import Prover, Solution, Solver, solve
from alphapente.search.solver.candidates import add_forcing_moves, add_threes
from alphapente.search.solver.threats import FOURS, new_threats
from tests.search.random_play import SOUND, cells_of, open_positions
from tests.search.solver.proving import prove

PROVER, PLAIN = Prover(), Prover(plain=True)


class Referee:
    """Plays a claimed win to the end: the solver's move, and every legal reply to it."""

    def __init__(self, games: int) -> None:
        self._solver = Solver(20_000)
        self.games_left = games

    def upholds(self, position: Position, claim: Solution) -> bool:
        """Whether the claim holds within its number of plies; True as well if there are too many games."""
        assert is_legal(position, claim.line[0])
        attacker = position["to_move"]
        after = position.copy()
        play(after, claim.line[0])
        if after["winner"] != IN_PLAY:
            return bool(after["winner"] == attacker)
        for reply in range(int(position["size"]) ** 2):
            if not is_legal(after, reply):
                continue
            if self.games_left <= 0:
                return True
            self.games_left -= 1
            replied = after.copy()
            play(replied, reply)
            if replied["winner"] != IN_PLAY:
                return False
            answer = self._solver.solve(replied)
            if not answer.won or answer.plies > claim.plies - 2 or not self.upholds(replied, answer):
                return False
        return True


def check_claims(variant: str, sizes: tuple[int, ...], positions: int, seed: int, budget: int = 500) -> int:
    """Solves this number of positions; returns how many wins were claimed."""
    solver, claims = Solver(budget), 0
    for position in islice(open_positions(variant, sizes, seed), positions):
        claim = solver.solve(position)
        if not claim.won:
            continue
        claims += 1
        where = f"{variant} {position['size']}, claimed in {claim.plies}: {claim.line}"
        if claim.plies <= 5:
            assert PROVER.wins(position, claim.plies), where
        if claim.plies <= 3:
            assert PLAIN.wins(position, claim.plies), where
            assert claim.line[0] in PROVER.winning_moves(position, claim.plies)
        assert Referee(3_000).upholds(position, claim), where
    return claims


@pytest.mark.slow
@pytest.mark.parametrize("variant", SOUND)
def test_no_claim_is_refuted(variant: str) -> None:
    """A quick version of the long test below, with fewer positions."""
    assert check_claims(variant, (7, 8, 9), positions=100, seed=1) > 5


@pytest.mark.slow
@pytest.mark.parametrize("variant", SOUND)
@pytest.mark.timeout(3000)
def test_no_claim_is_refuted_on_thousands_of_positions(variant: str) -> None:
    assert check_claims(variant, (7, 8, 9), positions=1500, seed=2) > 100
    assert check_claims(variant, (13, 19), positions=100, seed=3) > 3


@pytest.mark.slow
@pytest.mark.parametrize("variant", SOUND)
def test_three_plies_are_never_missed(variant: str) -> None:
    """A win in three plies is a VCF, so level FOURS must find all of them."""
    threats, wins = new_threats(5_000), 0
    for position in islice(open_positions(variant, (7, 8), seed=4), 150):
        found = prove(threats, position, 3, 5_000, FOURS)
        assert found == PROVER.wins(position, 3)
        wins += found
    assert wins > 5


@pytest.mark.parametrize("variant", SOUND)
def test_every_threat_is_among_the_forcing_moves(variant: str) -> None:
    bits, out, scratch = new_bitboards(), new_bitboards(), new_bitboards()
    threats = 0
    for position in islice(open_positions(variant, (7, 9), seed=5), 15):
        find_tactics(position, bits, position.copy())
        out[0] = 0
        add_forcing_moves(position, bits, scratch[0], out[0])
        chosen = set(cells_of(out[0]))
        size = int(position["size"])
        for point in range(size * size):
            if not is_legal(position, point):
                continue
            after = position.copy()
            play(after, point)
            if after["winner"] == IN_PLAY and tactics(after)[1]["enemy_wins"]:
                threats += 1
                assert 84 + point // size * 20 + point % size in chosen, point_name(point, size)
    assert threats > 10


def plain_threes(position: Position) -> tuple[set[int], set[int]]:
    """The cells of `add_threes`, window by window: (inside two adjacent windows, all)."""
    size, board, own = int(position["size"]), position["board"], int(position["to_move"])
    cells = {84 + 20 * row + column for row in range(size) for column in range(size)}
    open_threes, threes = set(), set()
    for step in (1, 20, 21, 19):
        good = {
            start
            for start in cells
            if cells.issuperset(range(start, start + 5 * step, step))
            and sorted(int(board[start + k * step]) for k in range(5)) == [0, 0, 0, own, own]
        }
        for start in good:
            threes |= {start + k * step for k in range(5) if board[start + k * step] == 0}
            if start + step in good:
                open_threes |= {start + k * step for k in range(1, 5) if board[start + k * step] == 0}
    return open_threes, threes


def test_threes_are_all_found() -> None:
    bits, out, scratch = new_bitboards(), new_bitboards(), new_bitboards()
    seen = 0
    for position in islice(open_positions("pente", (7, 9, 19), seed=6, most_plies=25), 20):
        find_tactics(position, bits, position.copy())
        out[:2] = 0
        add_threes(bits, int(position["size"]), scratch[0], out[0], out[1])
        assert (set(cells_of(out[0])), set(cells_of(out[1]))) == plain_threes(position)
        seen += len(cells_of(out[0]))
    assert seen > 20


def solved(moves: str, size: int = 9, variant: str = "pente", budget: int = 200) -> tuple[Position, Solution]:
    position = Game.from_moves(moves, variant, size).position
    return position, solve(position, budget)


def names(solution: Solution, size: int = 9) -> list[str]:
    return [point_name(point, size) for point in solution.line]


def test_a_five_at_once() -> None:
    assert names(solved("1. E5 A1 2. E8 A9 3. E6 J1 4. E7 J9")[1]) in (["E4"], ["E9"])


def test_an_open_three_becomes_a_four() -> None:
    _, solution = solved("1. E5 A1 2. E8 A9 3. E6 J1")
    assert (solution.won, solution.plies, names(solution)[0]) == (True, 3, "E7")
    assert len(solution.line) == 3


def test_the_line_is_a_game_that_the_attacker_wins() -> None:
    solver, quiet = Solver(500), 0
    for position in islice(open_positions("pente", (9,), seed=7), 40):
        solution = solver.solve(position)
        if not solution.won:
            continue
        attacker, board = position["to_move"], position.copy()
        for point in solution.line:
            assert board["winner"] == IN_PLAY
            assert is_legal(board, point)
            play(board, point)
        assert board["winner"] == attacker
        assert len(solution.line) <= solution.plies
        quiet += solution.plies > 3
    assert quiet


def test_two_open_threes_at_once_win_in_five() -> None:
    """M10 makes two threes that cross; one can be stopped, and not the other."""
    position, solution = solved("1. K10 A1 2. K14 A19 3. L10 T1 4. M12 T19 5. M13 A15", size=19, budget=3000)
    assert (solution.won, solution.plies) == (True, 5)
    assert names(solution, 19)[0] in ("M10", "M11", "M14")
    assert position["to_move"] == 1


def test_a_capture_that_breaks_the_four_is_seen() -> None:
    """Without the enemy's stone beside the pair the open four wins; with it, the pair is captured."""
    free, spoilt = "1. E5 A1 2. E8 A9 3. E6 J1", "1. E5 D6 2. E8 A9 3. E6 J1"
    assert solved(free)[1].won
    after = Game.from_moves(spoilt + " 4. A5 J9", size=9).position
    claim = solve(after, 200)
    if claim.won:
        assert Referee(100_000).upholds(after, claim)


def test_nothing_is_claimed_where_stones_vanish() -> None:
    for variant in ("poof", "boat"):
        assert not solved("1. E5 A1 2. E8 A9 3. E6 J1", variant=variant)[1].won
    assert set(VARIANTS) - set(SOUND) == {"poof", "boat"}


def test_nothing_is_claimed_for_the_empty_board() -> None:
    assert solve(Game(size=9).position) == Solution(False, (), 0, 1)


def test_a_small_budget_is_kept() -> None:
    """A quiet move's threat is searched to its end, and its proof traversed again: this may exceed the budget."""
    for position in islice(open_positions("pente", (9,), seed=8), 10):
        for budget in (1, 10, 100):
            assert solve(position, budget).positions <= budget + 64 + 64 + 200
