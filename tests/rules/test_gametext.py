"""Reading and writing of game text: pente.org's format and common variations."""

import datetime
import pickle
from collections.abc import Callable

import pytest

from alphapente.rules import GameText, IllegalMoveError, NotationError, each_game, read_game, read_games, write_game
from alphapente.rules.gametext import GAME_NAMES, HEADERS

REAL_GAME = """[Game "Pente"]
[Site "Pente.org"]
[Event "Turn-based Game"]
[Round "-"]
[Section "-"]
[Date "01/19/2014"]
[Time "21:22:25"]
[TimeControl "5"]
[Rated "Y"]
[Player 1 Name "alice"]
[Player 2 Name "bob"]
[Player 1 Rating "2488"]
[Player 2 Rating "1696"]
[Player 1 Type "Human"]
[Player 2 Type "Human"]
[Result "1-0"]

1. K10 M9 2. N10 M7 3. M8 O7 4. L10 J10 5. M10 O10 6. L9 N7 7. L7 P7 8. Q7 L11
9. L8 L6 10. K8 J9 11. J11 H12 12. J8 N8 13. H8 1-0
"""
MOVES = "1. K10 L9 2. K14 N11 3. K12"


def test_the_real_game_is_read() -> None:
    game = read_game(REAL_GAME)
    assert (game.variant, game.size, game.result, len(game.moves)) == ("pente", 19, "1-0", 25)
    assert tuple(game.headers) == HEADERS
    assert (game.headers["Player 1 Name"], game.rating(1), game.rating(2)) == ("alice", 2488, 1696)
    assert game.date == datetime.date(2014, 1, 19)


def test_the_real_game_is_written_byte_for_byte() -> None:
    assert write_game(read_game(REAL_GAME)) == REAL_GAME


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("01/19/2014", "2014.01.19"),
        lambda text: text.replace("O10 6. L9", "O10\n6. L9"),
        lambda text: text.replace("\n\n1.", "\n1."),
        lambda text: "\n\n" + text + "\n\n  \n",
        lambda text: text.replace(" 1-0\n", "\n"),
        lambda text: text.replace('[Result "1-0"]', '[Result "?"]').replace(" 1-0\n", ""),
        lambda text: text.replace(" 1-0\n", " ?\n"),
        lambda text: text.replace("K10", "k10"),
    ],
)
def test_ways_to_write_the_same_game(change: Callable[[str], str]) -> None:
    assert write_game(read_game(change(REAL_GAME))) == REAL_GAME


def test_a_bare_move_list_is_a_game() -> None:
    game = read_game(MOVES)
    assert game == GameText({"Game": "Pente", "Result": "?"}, [180, 200, 104, 164, 142], None, "pente", 19)
    assert read_game("1. D4 D5 2. A1", size=7).size == 7
    assert read_game("A1 K10", "gomoku").moves == [342, 180]
    assert write_game(game) == f'[Game "Pente"]\n[Result "?"]\n\n{MOVES} ?\n'


def test_a_missing_result_is_derived_from_the_moves() -> None:
    moves = REAL_GAME.split("\n\n")[1].replace(" 1-0", "")
    assert read_game(moves).result == "1-0"
    assert read_game(moves[: moves.index("13.")]).result is None


def test_a_resignation_is_a_result() -> None:
    assert read_game(MOVES + " 0-1").result == "0-1"
    assert read_game(f'[Result "1/2-1/2"]\n\n{MOVES}').result == "1/2-1/2"


@pytest.mark.parametrize("result", ["0-1", "1/2-1/2"])
def test_a_result_that_contradicts_the_moves_is_refused(result: str) -> None:
    with pytest.raises(NotationError, match=f"result '{result}' contradicts the moves: player 1 won by five, '1-0'"):
        read_game(REAL_GAME.replace("1-0", result))
    with pytest.raises(NotationError, match="header Result '1-0' contradicts the result"):
        read_game(REAL_GAME.replace(" 1-0\n", f" {result}\n"))
    with pytest.raises(NotationError, match="contradicts the moves"):
        write_game(GameText({}, read_game(REAL_GAME).moves, result))


def test_an_illegal_move_is_named() -> None:
    with pytest.raises(IllegalMoveError, match="move 2 of player 1: L11 breaks the tournament rule"):
        read_game("1. K10 L9 2. L11 N11")
    with pytest.raises(IllegalMoveError, match="move 3 of player 2: L9 is occupied by a stone of player 2"):
        read_game("1. K10 L9 2. K14 N11 3. K12 L9")
    with pytest.raises(IllegalMoveError, match="move 13 of player 2: A1 cannot be played: the game is over"):
        read_game(REAL_GAME.replace("H8 1-0", "H8 A1 1-0"))


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("Pente", "pente"),
        ("Speed Pente", "pente"),
        ("Turn-based Pente", "pente"),
        ("Keryo-Pente", "keryo"),
        ("Speed Keryo-Pente", "keryo"),
        ("Gomoku", "gomoku"),
        ("Turn-based Gomoku", "gomoku"),
        ("G-Pente", "gpente"),
        ("Poof-Pente", "poof"),
        ("speed poof-pente", "poof"),
        ("Boat-Pente", "boat"),
    ],
)
def test_the_variant_is_in_the_header(name: str, variant: str) -> None:
    text = f'[Game "{name}"]\n[Result "?"]\n\n1. K10 L9 2. T1 ?\n'
    game = read_game(text)
    assert game.variant == variant
    assert write_game(game) == text
    assert read_game(write_game(GameText({}, game.moves, None, variant))).headers["Game"] == GAME_NAMES[variant]


@pytest.mark.parametrize("size", [7, 8, 13, 18])
def test_boards_other_than_19x19_round_trip(size: int) -> None:
    game = GameText({}, [size // 2 * size + size // 2, 0, size * size - 1], "0-1", "keryo", size)
    text = write_game(game)
    assert f'[Size "{size}"]' in text
    again = read_game(text)
    assert (again.moves, again.size, again.result, again.variant) == (game.moves, size, "0-1", "keryo")
    assert write_game(again) == text
    assert read_game(text.replace(f'"{size}"', f'"{size}x{size}"')).size == size


def test_other_headers_follow_in_their_order() -> None:
    text = write_game(GameText({"Network": "abc", "Site": 'a "quoted" \\ place', "Seed": "7"}, [180]))
    assert (
        text
        == '[Game "Pente"]\n[Site "a \\"quoted\\" \\\\ place"]\n[Result "?"]\n[Network "abc"]\n[Seed "7"]\n\n1. K10 ?\n'
    )
    assert write_game(read_game(text)) == text
    assert write_game(read_game(text.replace("\\", "", 2).replace("\\\\", "\\"))) == text  # not escaped


def test_a_game_without_moves() -> None:
    text = write_game(GameText())
    assert text == '[Game "Pente"]\n[Result "?"]\n\n?\n'
    assert read_game(text).moves == []


def test_comments_with_any_content_round_trip() -> None:
    comments = {0: "Before " * 20 + "1. K10", 2: '[Game "Boat"] ' * 9 + "1-0", 5: "the end"}
    game = GameText({"Event": "x"}, [180, 200, 104, 164, 142], None, comments=comments)
    text = write_game(game)
    assert max(map(len, text.splitlines())) <= 80
    (first, second) = read_games(text + text)
    assert first == second
    assert (first.moves, first.comments) == (
        game.moves,
        {ply: " ".join(said.split()) for ply, said in comments.items()},
    )


def test_several_games_in_one_text() -> None:
    bare = MOVES + "\n1. K10 L9 2. K14\nN11 0-1\nK10 L11\n"
    games = read_games(
        REAL_GAME + "\n" + REAL_GAME + write_game(GameText()) + "\n\n" + write_game(read_game(MOVES)) + bare
    )
    assert [len(game.moves) for game in games] == [25, 25, 0, 5, 5, 4, 2]
    assert [game.result for game in games] == ["1-0", "1-0", None, None, None, "0-1", None]
    assert read_games("\n \n") == []


def test_an_error_names_the_game_and_the_line() -> None:
    with pytest.raises(NotationError, match=r"game 2: move 2: no point 'Z9' .*\(line 22, column 8\)"):
        read_games(REAL_GAME + "\n\n1. K10 Z9")
    with pytest.raises(IllegalMoveError, match="game 2: move 1 of player 1: A1 breaks") as caught:
        read_games(REAL_GAME + "\n1. A1")
    assert (caught.value.game, caught.value.line, caught.value.column) == (2, 21, 4)
    assert pickle.loads(pickle.dumps(caught.value)).line == 21


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no game in the text"),
        (REAL_GAME + REAL_GAME, "2 games in the text"),
        ('[Game "Pente"\n\n1. K10', r"'\[Game \"Pente\"' is not a header: .* \(line 1, column 1\)"),
        ('[Game "Chess"]\n\n1. K10', "header Game 'Chess' is not supported: choose one of Pente, Keryo-Pente"),
        ('[Size "20"]\n\n1. K10', "header Size '20': write a whole number from 7 to 19"),
        ('[Size "9x13"]\n\n1. K10', "header Size '9x13'"),
        ('[Size "x"]\n\n1. K10', "header Size 'x'"),
        ('[Result "2-0"]\n\n1. K10', "header Result '2-0': choose one of 1-0, 0-1"),
        ('[Site "a"]\n[Site "b"]\n\n1. K10', r"header 'Site' twice: .* \(line 2, column 1\)"),
        ("1-0", "a result or a move number without a game"),
        ("{only a comment}", "no game in the text"),
    ],
)
def test_what_cannot_be_read(text: str, complaint: str) -> None:
    with pytest.raises(NotationError, match=complaint):
        read_game(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[" + " " * 200_000, "is not a header"),
        ("1. " * 80_000 + "x", "no point 'x'"),
        ("{a} " * 60_000 + "x", "no point 'x'"),
        (f'[Size "{"9" * 5_000}"]', "header Size"),
        ("{" * 200_000, "has no '}'"),
        ("(" * 200_000, r"has no '\)'"),
        ("(x {y} " * 40_000, r"has no '\)'"),
        ("; x\n" * 50_000 + "x", "no point 'x'"),
        ('[a "' + '" ' * 100_000, "is not a header"),
        ('[a "' + "\\" * 200_000, "is not a header"),
        ("{" + "\n \n[a" * 50_000, "has no '}'"),
        ("{" + "\n" * 200_000, "has no '}'"),
        ("(" + "\n" * 200_000, r"has no '\)'"),
        ("K10 1-0" + " {a} $1 (b)" * 25_000 + "x", "'x' after the result"),
        ("." * 200_000, "no point"),
        ("1" + " ." * 100_000 + "x", "no point"),
        ("!" * 200_000, "no point"),
        ("\ufeff\n" * 100_000 + "x", "no point 'x'"),
        ('[Site "x"]\n\n' * 4_000 + "x", "4000 games in the text"),
    ],
)
def test_long_texts_are_read_in_linear_time(text: str, complaint: str) -> None:
    with pytest.raises(NotationError, match=complaint):
        read_game(text)


def test_many_rejected_games_are_read_in_linear_time() -> None:
    errors = list(each_game("1. Z9\n" * 8_000))
    assert isinstance(errors[-1], NotationError)
    assert (errors[-1].game, errors[-1].line) == (8_000, 8_000)


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        ({"Game": "Gomoku"}, "contradicts the variant 'pente'"),
        ({"Site": "two\nlines"}, "cannot be written"),
        ({'Si"te': "x"}, "cannot be written"),
        ({"": "x"}, "cannot be written"),
        ({"result": "1-0", "Result": "1-0"}, "header 'Result' twice"),
        ({" Site": "x"}, "cannot be written"),
    ],
)
def test_what_cannot_be_written(headers: dict[str, str], complaint: str) -> None:
    with pytest.raises(NotationError, match=complaint):
        write_game(GameText(headers, [180]))


def test_dates_and_ratings_may_be_unknown() -> None:
    for unknown in ("?", "", "-", "????.??.??", "2014.??.??", "??/19/2014"):
        assert GameText({"Date": unknown}).date is None
    for unknown in ("?", "", "-"):
        assert GameText({"Player 1 Rating": unknown}).rating(1) is None
    assert GameText().rating(2) is None
    for wrong in ("high", "9" * 5_000):
        with pytest.raises(NotationError, match="of player 1: write a whole number"):
            GameText({"Player 1 Rating": wrong}).rating(1)
    with pytest.raises(NotationError, match="date '19/01/2014': write MM/dd/yyyy"):
        _ = GameText({"Date": "19/01/2014"}).date
