"""How points and moves are written: `K10` for a point, `1. K10 L9 2. K14` for the moves of a game.

Columns are `A` to `T` without `I` from left to right, rows 1 to the board's size from bottom to top, as pente.org
has them. Everywhere else a point is its index: ``row from the top * size + column``, so that `K10` is 180 on 19x19.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from alphapente.errors import RequestError
from alphapente.rules.position import MAX_SIZE

COLUMNS = "ABCDEFGHJKLMNOPQRST"
RESULTS = ("1-0", "0-1", "1/2-1/2", "?")
"""How a game text says who won: player 1, player 2, nobody, not known."""
LINE_LENGTH = 80
LONGEST_QUOTE = 30
"""Of what cannot be read, an error quotes so many characters."""

_POINT = re.compile(r"([A-Za-z])([1-9][0-9]?)")
_NUMBER = re.compile(r"([0-9]{1,4})(\.+|$)")
_TOKEN = re.compile(r"\{[^{}]*\}|[^\s,;{}]+|[{}]")


class NotationError(RequestError):
    """A point, a move list or a game text that cannot be read: what was found, where, what is allowed."""


class MoveList(NamedTuple):
    """What a move list says: the points in order, and the result at its end (None: not there, or `?`).

    `comments` has what stood in braces, by how many moves stood before it.
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
        f"no point {_quoted(text.strip())} on {size}x{size}: "
        f"write a column A to {COLUMNS[size - 1]}{without_i}, and a row 1 to {size}, like {COLUMNS[size // 2]}2"
    )


def parse_moves(text: str, size: int = MAX_SIZE, first_line: int = 1) -> MoveList:
    """Reads `1. K10 L9 {a good reply} 2. K14 ...`: with or without numbers, comments, and a result at the end.

    Spaces, line ends, commas and semicolons separate; what stands in braces is a comment. Numbers count either pairs of
    moves, as pente.org does, or single moves; one that counts neither tells that moves are missing. Whether the moves
    are legal is not looked at.
    Raises NotationError with the line (counted from `first_line`) and the column of what cannot be read.
    """
    moves: list[int] = []
    comments: dict[int, list[str]] = {}
    result: str | None = None
    ended = False
    for match in _TOKEN.finditer(text):
        token = match[0]
        place = _Place(text, match.start(), first_line)
        if token.startswith("{") and len(token) > 1:
            comments.setdefault(len(moves), []).extend(token[1:-1].split())
            continue
        if token in "{}":
            raise NotationError(f"a brace {token!r} without its partner, {place}: a comment is {{like this}}")
        if ended:
            raise NotationError(f"{_quoted(token)} after the result, {place}: nothing may follow it")
        if token in RESULTS:
            ended, result = True, None if token == "?" else token
            continue
        number = _NUMBER.match(token)
        if number is not None:
            _check_number(int(number[1]), len(moves), place)
            token = token[number.end() :]
        if token:
            try:
                moves.append(parse_point(token, size))
            except NotationError as error:
                raise NotationError(f"{error} (move {len(moves) + 1}, {place})") from None
    return MoveList(moves, result, {ply: " ".join(words) for ply, words in comments.items()})


def format_moves(
    moves: Sequence[int],
    size: int = MAX_SIZE,
    result: str | None = None,
    comments: Mapping[int, str] = MappingProxyType({}),
) -> str:
    """The moves as pente.org writes them, `1. K10 L9 2. ...`, then `result` where given, wrapped at 80 characters.

    `comments` are written in braces after so many moves. Raises NotationError for one with braces in it, or of a ply
    that was not played.
    """
    for ply, said in comments.items():
        if not 0 <= ply <= len(moves):
            raise NotationError(f"a comment on ply {ply} of a game of {len(moves)}: choose 0 to {len(moves)}")
        if "{" in said or "}" in said:
            raise NotationError(f"the comment {_quoted(said)} on ply {ply} has a brace: write it without")
    words = _comment_words(comments, 0)
    for ply, point in enumerate(moves):
        if ply % 2 == 0:
            words.append(f"{ply // 2 + 1}.")
        words.append(point_name(point, size))
        words += _comment_words(comments, ply + 1)
    if result is not None:
        words.append(result)
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= LINE_LENGTH:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return "\n".join(lines)


def _comment_words(comments: Mapping[int, str], ply: int) -> list[str]:
    said = comments.get(ply, "").split()
    return f"{{{' '.join(said)}}}".split(" ") if said else []


def _check_number(number: int, played: int, place: "_Place") -> None:
    pairs, singles = played // 2 + 1, played + 1
    if number not in (pairs, singles):
        raise NotationError(
            f"move number {number} after {played} moves, {place}: "
            f"{pairs} was expected; look for a move missing or written twice"
        )


def _quoted(text: str) -> str:
    return repr(text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "...")


class _Place(NamedTuple):
    """Where something stands in a text; worked out only where it is told, which a long text makes dear."""

    text: str
    at: int
    first_line: int

    def __str__(self) -> str:
        line_start = self.text.rfind("\n", 0, self.at) + 1
        line = self.text.count("\n", 0, self.at) + self.first_line
        return f"line {line}, column {self.at - line_start + 1}"
