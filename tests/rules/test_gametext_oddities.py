"""Irregular game texts from people, editors and programs: none is misread without an error or a note."""

import pytest
from hypothesis import HealthCheck, given, settings

from alphapente.rules import (
    GameText,
    IllegalMoveError,
    NotationError,
    TextError,
    each_game,
    read_game,
    read_games,
    write_game,
)
from alphapente.rules.gametext import decode_text

from .game_texts import game_texts

MOVES = "1. K10 L9 2. K14 N11 3. K12"
POINTS = [180, 200, 104, 164, 142]
HEADS = '[Game "Pente"]\n[Player 1 Name "alice"]\n[Result "1-0"]\n'


def plies(text: str) -> list[int]:
    """The number of moves of each game in the text."""
    return [len(game.moves) for game in read_games(text)]


@pytest.mark.parametrize(
    "text",
    [
        "1. K10 {good}\n1... L9 2. K14 N11\n3. K12",
        "1.\nK10\n1\n...\nL9\n2.\nK14\nN11\n3.\nK12",
        "1. K10 {one\n1. two}\n1... L9 2. K14 N11 3. K12",
        "{before}\n1. K10 L9 2. K14 N11 3. K12",
        "K10\nL9\nK14\nN11\nK12",
        "(1. K9)\n1. K10 L9\n(2. K13\n1. K10)\n2. K14 N11 3. K12",
        "1. K10 L9 2. K14 N11 3. K12 {the end}\n{of it}\n",
    ],
)
def test_one_game_stays_one_game(text: str) -> None:
    assert read_game(text).moves == POINTS


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        (f"{MOVES}\n{MOVES}", [5, 5]),
        (f"{MOVES} {MOVES}", [5, 5]),
        (f"{MOVES} 1-0 {MOVES} * 1 K10 L9", [5, 5, 2]),
        ("K10 L9 0-1\nK10", [2, 1]),
        (f"{HEADS}{MOVES} 1-0 {HEADS}{MOVES}", [5, 5]),
        (f"{HEADS}{MOVES}\n{HEADS}", [5, 0]),
        (f"{HEADS}\n{HEADS}\n\n{HEADS}\n{MOVES}", [0, 0, 5]),
        (f"{HEADS}\ufeff{HEADS}\ufeffK10 L9\n\ufeffK10", [0, 2, 1]),
        ("K10 L9\n \ufeffK10 L9\nK14", [2, 3]),
        (f"{HEADS.replace(chr(10), chr(10) * 2)}{MOVES}", [5]),
        (f"{MOVES} ?\n\n{{about the next}}\n{HEADS}{MOVES}\n", [5, 5]),
    ],
)
def test_where_games_begin(text: str, counts: list[int]) -> None:
    for newline in ("\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"):
        assert plies(text.replace("\n", newline)) == counts


def test_several_headers_on_one_line() -> None:
    game = read_game('[Game "Pente"][Site "a"] [Event "[x] {y} \\"z\\" \\\\ ; (w"]  [RESULT "0-1" ] 1. K10 L9')
    assert game.headers == {"Game": "Pente", "Site": "a", "Event": '[x] {y} "z" \\ ; (w', "Result": "0-1"}
    assert (game.result, game.moves) == ("0-1", POINTS[:2])


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (r'[Site "C:\games"]', r"C:\games"),
        (r'[Site "C:\games\"]', "C:\\games\\"),
        (r'[Site "a \"b\" c"]', 'a "b" c'),
        ('[Site "a "b" c"]', 'a "b" c'),
        ('[ Site\t"  a  "  ]', "  a  "),
        ('[Site ""]', ""),
    ],
)
def test_values_of_headers(header: str, value: str) -> None:
    assert read_game(f"{header}\n{MOVES}").headers["Site"] == value


def test_a_value_ends_at_the_first_quote_before_a_bracket() -> None:
    (error,) = each_game(f'[Site "a"] b"]\n{HEADS}')
    assert isinstance(error, NotationError)


def test_comments_belong_to_the_adjacent_game() -> None:
    first, second = read_games(f"{{a}}\n{HEADS}{{b}}\n1. K10 {{c}} L9 1-0 {{d}}\n{{e}}\n{HEADS}K10; f\n*\n; g")
    assert first.comments == {0: "a b", 1: "c", 2: "d"}
    assert second.comments == {0: "e", 1: "f g"}


def test_a_comment_may_hold_anything_but_braces_and_the_next_game() -> None:
    game = read_game('1. K10 {[Game "Boat"]\n[Site "x"] 1-0\n\n1. A1 ;(} L9')
    assert (game.moves, game.comments) == (POINTS[:2], {1: '[Game "Boat"] [Site "x"] 1-0 1. A1 ;('})
    assert game.notes == ["the comment that begins in line 1 contains headers: is its '}' missing?"]


@pytest.mark.parametrize("opening", ["{", "(", "(1. K9 {", "{a {"])
def test_what_is_not_closed_ends_before_the_next_game(opening: str) -> None:
    first, second, third = each_game(f"{HEADS}{MOVES}\n\n{HEADS}1. K10 {opening} L9\n\n{HEADS}{MOVES} {{x}} (y)")
    assert isinstance(first, GameText)
    assert isinstance(second, NotationError)
    assert (second.game, second.line) == (2, 9)
    assert isinstance(third, GameText)
    assert (third.moves, third.comments, third.line) == (POINTS, {5: "x"}, 11)


def test_headers_alone_are_a_game_without_moves() -> None:
    game = read_game(HEADS)
    assert (game.moves, game.result, game.notes) == ([], "1-0", ["headers only: read as a game without moves"])
    assert read_game(write_game(game)) == game
    assert read_game('[Result "*"]').result is None


def test_what_is_skipped_is_noted() -> None:
    game = read_game("1. K10! $3 L9 (1... L10)\n(x)\n2. K14;N11 is close\nN11 3. K12?!")
    assert game.moves == POINTS
    assert game.notes == [
        "skipped variations: 2, the first in line 1",
        "skipped move annotations such as !? or $1: 3, the first in line 1",
        "N11 in line 3 is in a comment, which a semicolon begins: separate moves by spaces",
    ]
    assert read_game(MOVES).notes == []


def test_reading_continues_after_a_rejected_game() -> None:
    text = f'{MOVES}\n\n1. K10 L9 2. L11\n\n{HEADS}\n1. K10 Z9 2. K14\n\n[Game "Chess"]\n\n1. K10\n\n}}\n{HEADS}{MOVES}'
    games = list(each_game(text))
    errors = [game for game in games if isinstance(game, TextError)]
    assert [len(game.moves) for game in games if isinstance(game, GameText)] == [5, 5]
    assert [(error.game, error.line, error.column) for error in errors] == [
        (2, 3, 14),
        (3, 9, 8),
        (4, 15, 1),
    ]
    assert isinstance(errors[0], IllegalMoveError)
    assert "no point 'Z9'" in str(errors[1])


@pytest.mark.parametrize("junk", ["Played in 2014", '[Site "x"] b"]', "[x]", "}", '[Site "x'])
def test_junk_among_headers_does_not_split_them(junk: str) -> None:
    text = f'[Game "Gomoku"]\n{junk}\n[Player 1 Name "alice"]\n\n{MOVES}\n\n{HEADS}{MOVES}'
    bad, good = each_game(text)
    assert isinstance(bad, NotationError)
    assert isinstance(good, GameText)
    first, second = each_game(f"{junk}\n\n{HEADS}") if junk[0] != "[" else each_game(text)
    assert isinstance(first, NotationError)
    assert isinstance(second, GameText)


def test_bytes_of_older_files() -> None:
    text = '[Player 1 Name "René €“x”"]\r\n\r\n1. K10'
    for data in (text.encode(), text.encode("utf-8-sig"), text.encode("cp1252")):
        assert read_game(decode_text(data)).headers["Player 1 Name"] == "René €“x”"
    mixed = '[Site "é"]\r'.encode("cp1252") + '[Event "é"]\r'.encode() + b'[Round "\x81"]\rK10'
    assert read_game(decode_text(mixed)).headers == {
        "Game": "Pente",
        "Site": "é",
        "Event": "é",
        "Round": "\x81",
        "Result": "?",
    }
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        with pytest.raises(NotationError, match=f"it is {encoding[:6].upper()}: save it as UTF-8, .*iconv"):
            decode_text((HEADS + MOVES).encode(encoding))
    with pytest.raises(NotationError, match="it is not text"):
        decode_text(b"PK\x03\x04\0\0" + b"x" * 100)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(text=game_texts())
def test_what_is_read_can_be_written_and_read_again(text: str) -> None:
    games = read_games(text)
    assert read_games("\n".join(map(write_game, games))) == games
    assert [read_game(write_game(game)) for game in games] == games


@pytest.mark.parametrize("number", ["1...", "1.\n...", "1…"])
def test_a_number_of_player_2_before_a_move_of_player_1_is_noted(number: str) -> None:
    game = read_game(f"\n{number} L9 2. K14", variant="gomoku")
    assert (len(game.moves), len(game.notes)) == (2, 1)
    assert game.notes[0].startswith("move 1, in line 2, is read as player 1's")
    assert read_game("1. K10 L9 2... K14 N11").notes[0].startswith("move 3, in line 1, is read as player 1's")
    assert not read_game("1. K10 {good} 1... L9 2. K14 2... N11").notes


@pytest.mark.parametrize(("written", "result"), [("1 - 0", "1-0"), ("0 -1", "0-1"), ("1/2 - 1/2", "1/2-1/2")])
def test_a_result_may_contain_spaces(written: str, result: str) -> None:
    first, second = read_games(f"1. K10 L9 2. K14 N11 {written}\n1. K10 L9 {written}{{over}}")
    assert (first.result, first.moves, second.result) == (result, POINTS[:4], result)
