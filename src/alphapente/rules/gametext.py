"""Reads and writes games in pente.org's text format: headers, a blank line, the moves, the result.

A bare move list is a game text too. Captures are implied, so every game is replayed by the rules when it is read.
Pente.org's board is 19x19; here the header ``[Size "13"]`` selects another size. The grammar is in docs/rules.md.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from alphapente.rules.gametext_games import GameTokens, split_games
from alphapente.rules.gametext_headers import (
    GAME_NAMES,
    HEADERS,
    header_lines,
    parse_date,
    parse_size,
    settled_headers,
    variant_named,
)
from alphapente.rules.gametext_tokens import RESULTS, UNKNOWN, Kind, Places, Token, quoted, with_unix_newlines
from alphapente.rules.legality import IllegalMoveError, describe_end, replay
from alphapente.rules.notation import NotationError, TextError, format_moves, parse_point, read_moves
from alphapente.rules.position import DRAW, MAX_SIZE, PLAYER_1, PLAYER_2, Position, new_positions

__all__ = [
    "GAME_NAMES",
    "HEADERS",
    "RESULTS_BY_WINNER",
    "GameText",
    "decode_text",
    "each_game",
    "read_game",
    "read_games",
    "result_of",
    "write_game",
]

RESULTS_BY_WINNER = {PLAYER_1: "1-0", PLAYER_2: "0-1", DRAW: "1/2-1/2"}
LONGEST_RATING = 9
"""Digits."""

_LINES = re.compile(rb"(\r\n|\r|\n)")
_WIDE_MARKS = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_HEADER_IN_COMMENT = re.compile(r'\n[^\S\n]*\[[^"\[\]\n]*"')


@dataclass
class GameText:
    """One game of a text: headers by name, in order; moves as points; result, variant, board size.

    `result` is `1-0`, `0-1`, `1/2-1/2`, or None if it is unknown or the game is unfinished.
    """

    headers: dict[str, str] = field(default_factory=dict)
    moves: list[int] = field(default_factory=list)
    result: str | None = None
    variant: str = "pente"
    size: int = MAX_SIZE
    comments: dict[int, str] = field(default_factory=dict)
    """Comments by the number of moves before them; 0 is before the first."""
    notes: list[str] = field(default_factory=list, compare=False)
    """What the reader skipped or had to interpret, one sentence each."""
    line: int = field(default=1, compare=False)
    """The line of the text where the game begins."""

    @property
    def date(self) -> date | None:
        """The header Date (`MM/dd/yyyy` or `yyyy.MM.dd`), None if unknown. Raises NotationError."""
        return parse_date(self.headers.get("Date", "?"))

    def rating(self, player: int) -> int | None:
        """The rating of player 1 or 2 from the headers, None if missing or `?`. Raises NotationError."""
        text = self.headers.get(f"Player {player} Rating", "?").strip()
        if text in ("?", "", "-"):
            return None
        if not text.isdecimal() or len(text) > LONGEST_RATING:
            raise NotationError(f"rating {quoted(text)} of player {player}: write a whole number, or ? for unknown")
        return int(text)


def read_game(text: str, variant: str = "pente", size: int = MAX_SIZE) -> GameText:
    """Reads the one game in `text`; `variant` and `size` apply where no header names them.

    Raises NotationError for unreadable text, for no game or more than one, and IllegalMoveError for a move that the
    rules forbid; both have the line. Raises RequestError for an unknown `variant` or `size`.
    """
    new_positions(1, variant, size)
    text = with_unix_newlines(text)
    games = list(split_games(text))
    if len(games) != 1:
        found = "no game" if not games else f"{len(games)} games"
        raise NotationError(f"{found} in the text where one was expected: headers and moves, or moves like '1. K10 L9'")
    return _read(games[0], variant, size, Places(text))


def read_games(text: str, variant: str = "pente", size: int = MAX_SIZE) -> list[GameText]:
    """Reads all games in `text` (an empty text has none). Raises as `read_game`; errors have the game's number."""
    games = []
    for game in each_game(text, variant, size):
        if isinstance(game, TextError):
            raise game
        games.append(game)
    return games


def each_game(text: str, variant: str = "pente", size: int = MAX_SIZE) -> Iterator[GameText | TextError]:
    """Reads the games in `text` one by one; yields each game, or its error if it cannot be read.

    An error is a NotationError or an IllegalMoveError and has the game's number (from 1) and the line. Raises
    RequestError for an unknown `variant` or `size`.
    """
    new_positions(1, variant, size)
    text = with_unix_newlines(text)
    places = Places(text)
    for number, game in enumerate(split_games(text), start=1):
        try:
            yield _read(game, variant, size, places)
        except TextError as error:
            error.game = number
            yield error.with_traceback(None)


def write_game(game: GameText) -> str:
    """Writes `game` as pente.org text with LF line ends: headers in pente.org's order, moves, result.

    Game and Result are always written, and Size for a board other than 19x19. Raises NotationError for headers or
    comments that contradict the game or cannot be written, IllegalMoveError for illegal moves.
    """
    result = _settled_result(replay(game.moves, game.variant, game.size), game.result)
    lines = header_lines(settled_headers(game.headers, game.variant, game.size, result))
    return "\n".join([*lines, "", format_moves(game.moves, game.size, result or "?", game.comments)]) + "\n"


def decode_text(data: bytes) -> str:
    """Decodes a file in UTF-8, with or without a byte-order mark; lines that are not UTF-8 are read as Windows-1252.

    Raises NotationError for UTF-16, UTF-32, and bytes that are not text.
    """
    encoding = next((name for mark, name in _WIDE_MARKS if data.startswith(mark)), None)
    start = data[:1000]
    # of UTF-16 half of the bytes are 0, since nearly all letters of a game text are ASCII
    if encoding is None and 0 in start:
        if start.count(0) <= len(start) // 4:
            raise NotationError("it is not text: it contains zero bytes")
        encoding = "UTF-16"
    if encoding is not None:
        raise NotationError(f"it is {encoding}: save it as UTF-8, for example with `iconv -f {encoding} -t UTF-8 FILE`")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(map(_decode_line, _LINES.split(data)))


def result_of(position: Position) -> str | None:
    """`1-0`, `0-1` or `1/2-1/2` by the position, None while the game is in play."""
    return RESULTS_BY_WINNER.get(int(position["winner"]))


def _decode_line(line: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")  # every byte is a character


def _read(game: GameTokens, variant: str, size: int, places: Places) -> GameText:
    """Reads one game. Raises NotationError and IllegalMoveError, each with the line."""
    line, column = places.of(game.start)
    try:
        if game.repeated is not None:
            line, column = places.of(game.repeated.start)
            raise NotationError(f"header {game.repeated.text!r} twice: a game has it once, before the moves")
        if "Size" in game.headers:
            size = parse_size(game.headers["Size"])
        moves, result, comments = read_moves(game.movetext, size, places)
        if not game.headers and not moves:
            raise NotationError("a result or a move number without a game: headers or moves were expected before it")
        if "Game" in game.headers:
            variant = variant_named(game.headers["Game"])
        given = _given_result(game.headers.get("Result", "?"), result)
        settled = _settled_result(replay(moves, variant, size), given)
        headers = settled_headers(game.headers, variant, size, settled)
    except TextError as error:
        if error.line is None:
            if isinstance(error, IllegalMoveError) and error.ply is not None:
                move = [token for token in game.movetext if token.kind is Kind.MOVE][error.ply]
                line, column = places.of(move.start)
            error.line, error.column = line, column
        raise
    return GameText(headers, moves, settled, variant, size, comments, list(_notes(game, places)), line)


def _given_result(header: str, after_moves: str | None) -> str | None:
    """The result of the text, from the header Result and after the moves; they must agree if both are known."""
    header = header.strip() or "?"
    if header not in RESULTS:
        raise NotationError(f"header Result {quoted(header)}: choose one of {', '.join(RESULTS)}")
    if header in UNKNOWN:
        return after_moves
    if after_moves not in (None, header):
        raise NotationError(f"header Result {header!r} contradicts the result {after_moves!r} after the moves")
    return header


def _settled_result(position: Position, given: str | None) -> str | None:
    """The result of the board, or the given one if the game is in play (a resignation). They must not contradict."""
    if given is not None and given not in RESULTS:
        raise NotationError(f"result {given!r}: choose one of {', '.join(RESULTS)}")
    derived = result_of(position)
    if given is None or given in UNKNOWN:
        return derived
    if derived is not None and given != derived:
        raise NotationError(f"result {given!r} contradicts the moves: {describe_end(position)}, {derived!r}")
    return given


def _notes(game: GameTokens, places: Places) -> Iterator[str]:
    """Notes on what the reader skipped, or read in a way that its writer may not have meant."""
    for kind, what in ((Kind.VARIATION, "variations"), (Kind.ANNOTATION, "move annotations such as !? or $1")):
        skipped = [token for token in game.movetext if token.kind is kind]
        if skipped:
            line = places.of(skipped[0].start)[0]
            yield f"skipped {what}: {len(skipped)}, the first in line {line}"
    for token in game.movetext:
        if token.kind is not Kind.COMMENT:
            continue
        line = places.of(token.start)[0]
        if token.value == ";" and (move := _move_in(token)):
            yield f"{move} in line {line} is in a comment, which a semicolon begins: separate moves by spaces"
        elif _HEADER_IN_COMMENT.search(token.text):
            yield f"the comment that begins in line {line} contains headers: is its '}}' missing?"
    played = 0
    for token in game.movetext:
        played += token.kind is Kind.MOVE
        if token.is_reply and played % 2 == 0:
            line = places.of(token.start)[0]
            yield f"move {played + 1}, in line {line}, is read as player 1's, but its number has several dots (1...)"
            break
    if game.headers and not game.has_body:
        yield "headers only: read as a game without moves"


def _move_in(token: Token) -> str | None:
    """The first word of a comment that names a point."""
    for word in token.text.split():
        try:
            parse_point(word.strip(",;."))
        except NotationError:
            continue
        return word
    return None
