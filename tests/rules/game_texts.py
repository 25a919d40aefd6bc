"""Game texts for tests: in pente.org's format, and with every variation of the grammar."""

import numpy as np
from hypothesis import strategies as st

from alphapente.rules import VARIANTS, GameText, new_positions, point_name, replay, write_game
from alphapente.rules.gametext import GAME_NAMES, result_of
from alphapente.rules.kernels import is_legal, play
from alphapente.rules.position import IN_PLAY

NEWLINES = ("\n", "\r\n", "\r", "\x85", "\u2028", "\u2029")
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="{}\0\n\r\x85\u2028\u2029"), max_size=12)
HEADER_VALUES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r\x85\u2028\u2029"), max_size=12),
    st.sampled_from(["2014.??.??", "19/01/2014", "2014.01.19", "?", "*", "", '"]', "\\", '\\"', "[x] {y} ;(", "Renée"]),
)


def pente_org_games(count: int, illegal: int = 0) -> list[str]:
    """Random games with pente.org's headers; in `illegal` of them, the last move repeats the first."""
    rng = np.random.default_rng(1)
    wrong = set(rng.choice(count, illegal, replace=False).tolist())
    texts = []
    for number in range(count):
        variant = VARIANTS[number % 2]
        moves = random_moves(rng, variant, 19, 20 + number % 40)
        headers = {
            "Site": "Pente.org",
            "Event": f"Game {number + 1}",
            "Date": f"{number % 12 + 1:02}/{number % 28 + 1:02}/2014",
            "Time": "21:22:25",
            "Player 1 Name": f"alice{number}",
            "Player 2 Name": "bob",
            "Player 1 Rating": "1488",
        }
        text = write_game(GameText(headers, moves, None, variant))
        if number in wrong:
            first, last = point_name(moves[0]), point_name(moves[-1])
            before, _, after = text.rpartition(last)
            text = before + first + after
        texts.append(text)
    return texts


def random_moves(rng: np.random.Generator, variant: str, size: int, count: int) -> list[int]:
    """Up to `count` random legal moves of one game."""
    position = new_positions(1, variant, size)[0]
    moves: list[int] = []
    while len(moves) < count and position["winner"] == IN_PLAY:
        point = int(rng.integers(size * size)) if moves else size // 2 * size + size // 2
        if is_legal(position, point):
            play(position, point)
            moves.append(point)
    return moves


@st.composite
def game_texts(draw: st.DrawFn) -> str:
    """Several games in one text, most of them readable, in every spelling that the grammar allows."""
    games = draw(st.lists(one_game(), min_size=1, max_size=4))
    text = draw(st.sampled_from(["", "\ufeff", "\n\n", "{before}\n", "; before\n"])) + "".join(games)
    return text.replace("\n", draw(st.sampled_from(NEWLINES)))


@st.composite
def one_game(draw: st.DrawFn) -> str:
    """One game, with a beginning and an end that allow other games before and after it."""
    variant, size = draw(st.sampled_from(VARIANTS)), draw(st.sampled_from([7, 13, 19]))
    points = random_moves(np.random.default_rng(draw(st.integers(0, 1000))), variant, size, draw(st.integers(0, 12)))
    between = draw(st.sampled_from(["\n", "\n\n", " ", ""]))
    heads = {"Game": GAME_NAMES[variant], "SIZE": str(size)}
    heads |= draw(st.dictionaries(st.sampled_from(["Date", "Site", "Event", "Player 1 Name"]), HEADER_VALUES))
    in_play = result_of(replay(points, variant, size)) is None
    result = draw(st.sampled_from(["1-0", "0-1", "1/2-1/2", "?", "*"])) if in_play else "?"
    heads["result"] = result
    lines = [f'[{name} "{_escaped(value)}"]' for name, value in heads.items()]
    moves = [draw(_aside())]
    for ply, move in enumerate(points):
        if ply % 2 == 0:
            moves.append(f"{ply // 2 + 1}." + draw(st.sampled_from(["", " "])))
        elif draw(st.booleans()):
            moves.append(f"{ply // 2 + 1}" + draw(st.sampled_from(["...", " ... ", "…", "...\n"])))
        moves += [point_name(move, size) + draw(st.sampled_from(["", "!", "?!", "$3"])), draw(_aside())]
    begin = draw(st.sampled_from(["", "\ufeff", "\n\n"]))
    return f"{begin}{between.join(lines)}\n\n{''.join(moves)}{result}\n\n"


def _aside() -> st.SearchStrategy[str]:
    """A comment, variation or annotation between two moves."""
    comments = WORDS.map(lambda words: f" {{{words}}} ")
    lines = WORDS.map(lambda words: f" ; {words} }} {{\n")
    variations = st.sampled_from([" (1. K10 (L9 {)} ; )\n) $4) ", "(x)"])
    return st.one_of(st.sampled_from([" ", "\n", " , \t", " \ufeff "]), comments, lines, variations)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
