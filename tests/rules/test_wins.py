"""Fives, overlines, draws, and the endings that are special to poof and boat."""

import pytest

from alphapente.rules import Position
from alphapente.rules.kernels import play
from alphapente.rules.position import BY_CAPTURES, BY_FIVE, BY_FULL_BOARD, BY_NOTHING, DRAW, IN_PLAY, VARIANTS
from tests.rules.diagrams import after, board_text, draw, star

EMPTY_ROW = ". . . . . . . . .\n"


def board(*rows: str) -> str:
    """A 9x9 diagram of these rows and empty ones below."""
    return "\n".join(rows) + "\n" + EMPTY_ROW * (9 - len(rows))


def played(diagram: str, variant: str = "pente", to_move: int = 1, captured: tuple[int, int] = (0, 0)) -> Position:
    position = draw(diagram, variant, to_move, captured)
    play(position, star(diagram))
    return position


FIVES = {
    "row": board("X X X * X . . . ."),
    "row at the right edge": board(EMPTY_ROW.strip(), ". . . . X X X X *"),
    "column": board(
        "X . . . . . . . .", "X . . . . . . . .", "* . . . . . . . .", "X . . . . . . . .", "X . . . . . . . ."
    ),
    "falling": board(
        "X . . . . . . . .", ". X . . . . . . .", ". . X . . . . . .", ". . . X . . . . .", ". . . . * . . . ."
    ),
    "rising": board(
        ". . . . . . . . *", ". . . . . . . X .", ". . . . . . X . .", ". . . . . X . . .", ". . . . X . . . ."
    ),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", FIVES)
def test_five_in_a_line_wins(variant: str, name: str) -> None:
    position = played(FIVES[name], variant)
    assert (position["winner"], position["won_by"]) == (1, BY_FIVE)
    colours_swapped = FIVES[name].replace("X", "O")
    assert played(colours_swapped, variant, to_move=2)["winner"] == 2


@pytest.mark.parametrize("variant", VARIANTS)
def test_four_and_a_broken_five_do_not_win(variant: str) -> None:
    assert played(board("X X X * . X . . ."), variant)["winner"] == IN_PLAY
    assert played(board("X X X * O X . . ."), variant)["winner"] == IN_PLAY


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("row", ["X X X * X X . . .", "X X X X * X X X X"])
def test_an_overline_wins_but_not_in_gomoku(variant: str, row: str) -> None:
    assert played(board(row), variant)["winner"] == (IN_PLAY if variant == "gomoku" else 1)


def test_gomoku_overline_beside_an_exact_five_wins() -> None:
    both = board(
        "X X X * X X . . .", ". . . X . . . . .", ". . . X . . . . .", ". . . X . . . . .", ". . . X . . . . ."
    )
    assert played(both, "gomoku")["winner"] == 1


def test_five_made_with_a_capture_wins_by_five() -> None:
    position = played(board("X X X X * O O X ."))
    assert (position["winner"], position["won_by"], position["captured"].tolist()) == (1, BY_FIVE, [2, 0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_full_board_is_a_draw(variant: str) -> None:
    full = """
        X X O O X X O
        O O X X O O X
        X X O O X X O
        O O X X O O X
        X X O O X X O
        O O X X O O X
        X X O O X X *
    """
    position = played(full, variant)
    assert (position["winner"], position["won_by"]) == (DRAW, BY_FULL_BOARD)


def test_a_capture_on_the_last_point_keeps_the_game_going() -> None:
    full = """
        X X O O X X *
        O O X X O O O
        X X O O X X O
        O O X X O O X
        X X O O X X O
        O O X X O O X
        X X O O X X O
    """
    position = played(full, "pente")
    assert (position["winner"], position["captured"].tolist()) == (IN_PLAY, [2, 0])


# Poof.


def test_poof_takes_the_new_stone_and_its_pair() -> None:
    position = played(board(". O X * O . . . ."), "poof")
    assert board_text(position)[0] == ".O..O...."
    assert position["captured"].tolist() == [0, 2]
    assert (position["ply"], position["to_move"], position["winner"]) == (4, 2, IN_PLAY)


def test_poof_of_several_pairs_shares_the_new_stone() -> None:
    position = played(board("O . . . . . . . .", ". X . . . . . . .", "O X * O . . . . .", ". . . O . . . . ."), "poof")
    assert board_text(position)[:4] == ["O........", ".........", "O..O.....", "...O....."]
    assert position["captured"].tolist() == [0, 3]  # two pairs, three stones


def test_poof_leaves_three_in_a_row_alone() -> None:
    assert board_text(played(board(". O X * X O . . ."), "poof"))[0] == ".OXXXO..."


def test_poof_happens_even_when_the_flanking_stone_is_captured_by_the_same_move() -> None:
    diagram = board("X O O * X O . . .")
    position = played(diagram, "poof")
    assert board_text(position)[0] == "X....O..."
    assert position["captured"].tolist() == [2, 2]


def test_poof_at_ten_each_continues() -> None:
    position = played(board("X O O * X O . . ."), "poof", captured=(8, 8))
    assert (position["captured"].tolist(), position["winner"]) == ([10, 10], IN_PLAY)


@pytest.mark.parametrize(("captured", "winner"), [((8, 7), 1), ((7, 8), 2), ((9, 8), 1), ((10, 10), IN_PLAY)])
def test_poof_the_larger_total_wins_whoever_moved(captured: tuple[int, int], winner: int) -> None:
    position = played(board("X O O * X O . . ."), "poof", captured=captured)
    assert position["winner"] == winner
    assert position["won_by"] == (BY_NOTHING if winner == IN_PLAY else BY_CAPTURES)


def test_poof_gives_the_enemy_the_win() -> None:
    position = played(board(". O X * O . . . ."), "poof", captured=(0, 8))
    assert (position["winner"], position["won_by"]) == (2, BY_CAPTURES)


def test_poof_a_removed_stone_makes_no_five() -> None:
    diagram = board("X X X X * . . . .", ". . . . X . . . .", ". . . . O . . . .")
    assert played(diagram, "poof")["winner"] == 1  # nothing poofs: the edge is not a stone
    lowered = board(". . . . O . . . .", "X X X X * . . . .", ". . . . X . . . .", ". . . . O . . . .")
    position = played(lowered, "poof")
    assert (position["winner"], position["captured"].tolist()) == (IN_PLAY, [0, 2])
    assert board_text(position)[1] == "XXXX....."


# Boat: the five below (row 8) has a stone that can be captured along the E column.

BREAKABLE = board(
    ". . . . . . . . .",
    "X X X X * . . . .",
    ". . . . X . . . .",
    ". . . . O . . . .",
    ". . . . . . . . .",
    "O . O . O . O . .",
)


def test_boat_a_five_that_can_be_captured_waits_and_then_wins() -> None:
    position = played(BREAKABLE, "boat")
    assert (position["winner"], position["pending"]) == (IN_PLAY, 1)
    elsewhere = after(position, "J1")
    assert (elsewhere["winner"], elsewhere["won_by"]) == (1, BY_FIVE)


def test_boat_a_capture_breaks_the_five() -> None:
    broken = after(played(BREAKABLE, "boat"), "E9")
    assert board_text(broken)[1] == "XXXX....."
    assert (broken["winner"], broken["pending"], broken["captured"].tolist()) == (IN_PLAY, 0, [0, 2])


def test_boat_the_waiting_five_wins_before_the_other_sides_five_or_captures() -> None:
    own_five = draw(BREAKABLE.replace("O . O . O . O . .", "O O O O . . . . ."), "boat")
    play(own_five, star(BREAKABLE))
    assert after(own_five, "E4")["winner"] == 1
    assert after(own_five, "E4")["won_by"] == BY_FIVE

    ten_elsewhere = draw(BREAKABLE.replace("O . O . O . O . .", "O X X . . . . . ."), "boat", captured=(0, 8))
    play(ten_elsewhere, star(BREAKABLE))
    captured = after(ten_elsewhere, "D4")
    assert (captured["captured"].tolist(), captured["winner"], captured["won_by"]) == ([0, 10], 1, BY_FIVE)


def test_boat_breaking_the_five_with_the_last_captures_wins_by_captures() -> None:
    position = played(BREAKABLE, "boat", captured=(0, 8))
    broken = after(position, "E9")
    assert (broken["winner"], broken["won_by"]) == (2, BY_CAPTURES)


def test_boat_breaking_the_five_by_making_one_wins() -> None:
    diagram = BREAKABLE.replace(". . . . . . . . .\n", "O O O O . . . . .\n", 1)
    position = played(diagram, "boat")
    # E9 both captures E8 and E7 and makes five in the top row.
    broken = after(position, "E9")
    assert (broken["winner"], broken["won_by"]) == (2, BY_FIVE)


def test_boat_a_pair_with_both_ends_taken_or_both_empty_is_safe() -> None:
    guarded = BREAKABLE.replace(". . . . . . . . .", ". . . . O . . . .", 1)
    assert played(guarded, "boat")["winner"] == 1
    open_ended = BREAKABLE.replace(". . . . O . . . .", ". . . . . . . . .")
    assert played(open_ended, "boat")["winner"] == 1


def test_boat_at_the_edge_no_capture_fits() -> None:
    edge = board("X X X X * . . . .", ". . . . X . . . .", ". . . . O . . . .")
    assert played(edge, "boat")["winner"] == 1


def test_boat_one_of_two_fives_that_cannot_be_broken_wins() -> None:
    column = [". . . . X . . . ."] * 4
    two = board(". . . . . . . . .", "X X X X * . . . .", *column)
    assert played(two, "boat")["winner"] == 1
