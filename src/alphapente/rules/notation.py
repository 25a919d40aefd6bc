"""Reads and writes points (`K10`) and moves (`1. K10 L9 2. K14`).

As on pente.org, columns are `A` to `T` without `I` from left to right, rows 1 to the board's size from bottom to top.
Everywhere else a point is its index, ``row from the top * size + column``: `K10` is 180 on 19x19.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from alphapente.errors import RequestError
from alphapente.rules.gametext_tokens import UNKNOWN, Kind, Places, Token, quoted, tokens, with_unix_newlines
from alphapente.rules.position import MAX_SIZE

COLUMNS = "ABCDEFGHJKLMNOPQRST"
LINE_LENGTH = 80

_POINT = re.compile(r"([A-Za-z])([1-9][0-9]?)")


class TextError(RequestError):
    """Base of errors in moves and game texts.

    `reason` is the message without the place. `game` is the number of the game in the text, `line` and `column` are the
    place in the text, all from 1; each is None if unknown.
    """

    def __init__(
        self, reason: str, *, game: int | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.game = game
        self.line = line
        self.column = column

    def __str__(self) -> str:
        game = "" if self.game is None else f"game {self.game}: "
        place = "" if self.line is None else f" (line {self.line}, column {self.column})"
        return f"{game}{self.reason}{place}"


class NotationError(TextError):
    """An unreadable point, move list or game text."""


class MoveList(NamedTuple):
    """A move list: the points in order, and the result at its end (None: missing or unknown).

    `comments` has each comment by the number of moves before it, with single spaces between its words.
    """

    moves: list[int]
    result: str | None
    comments: dict[int, str]


def point_name(point: int, size: int = MAX_SIZE) -> str:
    """The name of a point (0..size*size-1) on a board of `size`, `A19` for 0 on 19x19. Raises NotationError."""
    if not 0 <= point < size * size:
        raise NotationError(f"point {point} is off the board: points are 0 to {size * size - 1} on {size}x{size}")
    return f"{COLUMNS[point % size]}{size - point // size}"


def parse_point(text: str, size: int = MAX_SIZE) -> int:
    """The index of a point named in `text` (`K10`, `k10`) on a board of `size`. Raises NotationError."""
    match = _POINT.fullmatch(text.strip())
    if match is not None:
        column = COLUMNS[:size].find(match[1].upper())
        row = int(match[2])
        if column >= 0 and row <= size:
            return (size - row) * size + column
    without_i = ", without I" if size > COLUMNS.index("J") else ""
    raise NotationError(
        f"no point {quoted(text.strip())} on {size}x{size}: "
        f"write a column A to {COLUMNS[size - 1]}{without_i}, and a row 1 to {size}, like {COLUMNS[size // 2]}2"
    )


def parse_moves(text: str, size: int = MAX_SIZE) -> MoveList:
    """Reads `1. K10 L9 {a good reply} 2. K14 ...`. Numbers, and a result at the end, are optional.

    Spaces, line ends and commas separate moves. Comments are in braces, or from a semicolon to the end of the line.
    Numbers count pairs of moves, as on pente.org, or single moves. Variations and annotations are skipped. Does not
    check whether the moves are legal. Raises NotationError with the line and the column.
    """
    text = with_unix_newlines(text)
    return read_moves(tokens(text), size, Places(text))


def read_moves(movetext: Iterable[Token], size: int, places: Places) -> MoveList:
    """As `parse_moves`, from the tokens of one game without its headers; `places` belongs to their text."""
    moves: list[int] = []
    comments: dict[int, list[str]] = {}
    result: Token | None = None
    for token in movetext:
        kind = token.kind
        try:
            if kind is Kind.COMMENT:
                comments.setdefault(len(moves), []).extend(token.text.split())
            elif kind is Kind.FAULT:
                raise NotationError(token.text)
            elif kind is Kind.HEADER:
                raise NotationError(f"header {token.text!r} among the moves: headers must be before them")
            elif kind not in (Kind.NUMBER, Kind.MOVE, Kind.RESULT):
                continue
            elif result is not None:
                raise NotationError(
                    f"{quoted(token.text)} after the result {result.text!r}: begin the next game on a new line"
                )
            elif kind is Kind.RESULT:
                result = token
            elif kind is Kind.NUMBER:
                _check_number(token.number, len(moves))
            else:
                moves.append(parse_point(token.text, size))
        except NotationError as error:
            number = f"move {len(moves) + 1}: " if kind is Kind.MOVE and result is None else ""
            line, column = places.of(token.start)
            raise NotationError(f"{number}{error.reason}", line=line, column=column) from None
    known = None if result is None or result.text in UNKNOWN else result.text
    return MoveList(moves, known, {ply: " ".join(words) for ply, words in comments.items() if words})


def format_moves(
    moves: Sequence[int],
    size: int = MAX_SIZE,
    result: str | None = None,
    comments: Mapping[int, str] = MappingProxyType({}),
) -> str:
    """Writes the moves as pente.org does, `1. K10 L9 2. ...`, then `result` if given, wrapped at 80 characters.

    `comments`, by the number of moves before them, are written in braces; a comment with a brace is written as lines
    that begin with a semicolon. Raises NotationError for a comment on a ply that was not played.
    """
    for ply in comments:
        if not 0 <= ply <= len(moves):
            raise NotationError(f"a comment on ply {ply} of a game of {len(moves)}: choose 0 to {len(moves)}")
    lines = _Lines()
    lines.add_comment(comments.get(0, ""))
    for ply, point in enumerate(moves):
        if ply % 2 == 0:
            lines.add(f"{ply // 2 + 1}.")
        lines.add(point_name(point, size))
        lines.add_comment(comments.get(ply + 1, ""))
    if result is not None:
        lines.add(result)
    return str(lines)


class _Lines:
    """Wraps words at LINE_LENGTH characters."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._continues = False  # whether a word may be added to the last line

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def add(self, word: str, prefix: str = "") -> None:
        """Adds a word; a new line begins with `prefix`."""
        if self._continues and len(self._lines[-1]) + 1 + len(word) <= LINE_LENGTH:
            self._lines[-1] += " " + word
        else:
            self._lines.append(prefix + word)
            self._continues = True

    def add_comment(self, comment: str) -> None:
        """Adds a comment, with single spaces between its words; adds nothing if it has no words."""
        words = comment.split()
        if not words:
            return
        if "{" not in comment and "}" not in comment:
            for word in f"{{{' '.join(words)}}}".split(" "):
                self.add(word)
            return
        self._continues = False
        for word in words:
            self.add(word, "; ")
        self._continues = False


def _check_number(number: int, played: int) -> None:
    pairs, singles = played // 2 + 1, played + 1
    if number not in (pairs, singles):
        raise NotationError(
            f"move number {number} after {played} moves: {pairs} was expected; look for a move missing or written twice"
        )
