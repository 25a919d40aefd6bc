"""Games as text, as pente.org writes them: headers, a blank line, the moves, the result; read and written.

A bare move list is a game text too, and comments may stand in braces after moves. Captures are implied, so every text
is replayed against the rules while it is read. Pente.org plays on 19x19 only; here the header ``[Size "13"]`` names
another board, and is written for one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from alphapente.rules.legality import IllegalMoveError, describe_end, replay
from alphapente.rules.notation import RESULTS, NotationError, format_moves, parse_moves
from alphapente.rules.position import DRAW, IN_PLAY, MAX_SIZE, MIN_SIZE, PLAYER_1, Position, variant_index

HEADERS = (
    "Game",
    "Site",
    "Event",
    "Round",
    "Section",
    "Date",
    "Time",
    "TimeControl",
    "Rated",
    "Player 1 Name",
    "Player 2 Name",
    "Player 1 Rating",
    "Player 2 Rating",
    "Player 1 Type",
    "Player 2 Type",
    "Result",
)
"""Pente.org's headers in its order; others follow them."""

GAME_NAMES = {
    "pente": "Pente",
    "keryo": "Keryo-Pente",
    "gomoku": "Gomoku",
    "gpente": "G-Pente",
    "poof": "Poof-Pente",
    "boat": "Boat-Pente",
}
"""What the header ``Game`` says of each variant."""

_VARIANT_OF = {
    "pente": "pente",
    "keryo": "keryo",
    "keryopente": "keryo",
    "gomoku": "gomoku",
    "gpente": "gpente",
    "poof": "poof",
    "poofpente": "poof",
    "boat": "boat",
    "boatpente": "boat",
}
_SPEED = re.compile(r"^(speed|turnbased|tb)+")
_HEADER = re.compile(r'\[([^"\[\]]*)"(.*)"\s*\]')
_COMMENT = re.compile(r"\{[^{}]*\}")
_FIRST_MOVE = re.compile(r"1\.")
_DATES = ("%m/%d/%Y", "%Y.%m.%d")


@dataclass
class GameText:
    """One game as a text tells it: headers by name in their order, moves as points, result, variant, board size.

    `result` is `1-0`, `0-1`, `1/2-1/2`, or None when it is not known or the game was not finished.
    """

    headers: dict[str, str] = field(default_factory=dict)
    moves: list[int] = field(default_factory=list)
    result: str | None = None
    variant: str = "pente"
    size: int = MAX_SIZE
    comments: dict[int, str] = field(default_factory=dict)
    """What is said of the game after so many moves, by ply; 0 is before the first."""

    @property
    def date(self) -> date | None:
        """The day of the header Date (`MM/dd/yyyy` or `yyyy.MM.dd`), None when unknown. Raises NotationError."""
        return _parse_date(self.headers.get("Date", "?"))

    def rating(self, player: int) -> int | None:
        """The rating of player 1 or 2 by the headers, None when it is not there or `?`. Raises NotationError."""
        text = self.headers.get(f"Player {player} Rating", "?").strip()
        if text in ("?", "", "-"):
            return None
        if not text.isdecimal():
            raise NotationError(f"rating {text!r} of player {player}: write a whole number, or ? for unknown")
        return int(text)


def read_game(text: str, variant: str = "pente", size: int = MAX_SIZE) -> GameText:
    """Reads the one game in `text`; `variant` and `size` hold where no header names them.

    Raises NotationError for what cannot be read (and when there is no game, or more than one), IllegalMoveError for
    a move that the rules forbid, with its number and the reason.
    """
    sections = list(_sections(text))
    if len(sections) != 1:
        found = "no game" if not sections else f"{len(sections)} games"
        raise NotationError(f"{found} in the text where one was expected: headers and moves, or moves like '1. K10 L9'")
    return _read_section(sections[0], variant, size)


def read_games(text: str, variant: str = "pente", size: int = MAX_SIZE) -> list[GameText]:
    """Reads every game in `text`, none for an empty one; otherwise as `read_game`, naming the game that is wrong.

    A game begins with headers, with a line that starts with move number 1, or with the line after a result.
    """
    games = []
    for number, section in enumerate(_sections(text), start=1):
        try:
            games.append(_read_section(section, variant, size))
        except (NotationError, IllegalMoveError) as error:
            raise type(error)(f"game {number}: {error}") from None
    return games


def write_game(game: GameText) -> str:
    """`game` as pente.org text with LF line ends: its headers in pente.org's order, moves and result.

    Game and Result are always written, Size for a board other than 19x19, and dates as `MM/dd/yyyy`. Raises
    NotationError for headers or comments that contradict the game or cannot be written, IllegalMoveError for illegal
    moves.
    """
    position = replay(game.moves, game.variant, game.size)
    result = _settled_result(position, game.result)
    headers = {"Game": GAME_NAMES[game.variant]} | game.headers
    if _variant_named(headers["Game"]) != game.variant:
        raise NotationError(f"header Game {headers['Game']!r} contradicts the variant {game.variant!r}: leave it out")
    headers["Result"] = result or "?"
    headers.pop("Size", None)
    if game.size != MAX_SIZE:
        headers["Size"] = str(game.size)
    if "Date" in headers and (day := _parse_date(headers["Date"])) is not None:
        headers["Date"] = day.strftime("%m/%d/%Y")
    ordered = [name for name in HEADERS if name in headers] + [name for name in headers if name not in HEADERS]
    lines = []
    for name in ordered:
        line = f'[{name} "{headers[name]}"]'
        if not name or _split_header(line) != (name, headers[name]) or len(line.splitlines()) > 1:
            raise NotationError(f"header {name!r} with value {headers[name]!r} cannot be written: use one plain line")
        lines.append(line)
    return "\n".join([*lines, "", format_moves(game.moves, game.size, result or "?", game.comments)]) + "\n"


def result_of(position: Position) -> str | None:
    """`1-0`, `0-1` or `1/2-1/2` as the board itself says, None while the game goes on."""
    winner = int(position["winner"])
    if winner == IN_PLAY:
        return None
    return "1/2-1/2" if winner == DRAW else "1-0" if winner == PLAYER_1 else "0-1"


class _Section(NamedTuple):
    headers: dict[str, str]
    moves: list[str]  # lines of the text
    first_line: int  # where they begin in it


def _sections(text: str) -> Iterator[_Section]:
    """The headers and the moves' lines of each game in a text."""
    section = _Section({}, [], 1)
    ended = in_comment = False
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = raw.strip()
        if not line:
            if section.moves:
                section.moves.append("")
            continue
        if in_comment:  # headers and games do not begin here
            section.moves.append(raw)
            in_comment = "}" not in line or line.rfind("{") > line.rfind("}")
            ended = not in_comment and _ends_game(line)
            continue
        is_header = line.startswith("[")
        if section.moves and (ended or is_header or (_FIRST_MOVE.match(line) and _has_moves(section))):
            yield section
            section = _Section({}, [], number)
        if is_header:
            name, value = _parse_header(line, number)
            if name in section.headers:
                raise NotationError(f"header {name!r} twice, line {number}: a game has it once, before the moves")
            section.headers[name] = value
        else:
            if not section.moves:
                section = section._replace(first_line=number)
            section.moves.append(raw)
            in_comment = line.rfind("{") > line.rfind("}")
        ended = not is_header and not in_comment and _ends_game(line)
    if section.headers or section.moves:
        yield section


def _has_moves(section: _Section) -> bool:
    """Whether there is more than comments so far."""
    return bool(_COMMENT.sub("", "\n".join(section.moves)).strip())


def _ends_game(line: str) -> bool:
    return line.split()[-1] in RESULTS


def _parse_header(line: str, number: int) -> tuple[str, str]:
    found = _split_header(line)
    if found is None or not found[0]:
        raise NotationError(f'{line!r}, line {number}, is no header: write [Name "value"]')
    return found


def _split_header(line: str) -> tuple[str, str] | None:
    """A header's name and value."""
    match = _HEADER.fullmatch(line)
    return None if match is None else (match[1].strip(), match[2])


def _read_section(section: _Section, variant: str, size: int) -> GameText:
    headers = section.headers
    if "Game" in headers:
        variant = _variant_named(headers["Game"])
    variant_index(variant)
    if "Size" in headers:
        size = _parse_size(headers["Size"])
    moves, result, comments = parse_moves("\n".join(section.moves), size, section.first_line)
    named = headers.get("Result", "?").strip() or "?"
    if named not in RESULTS:
        raise NotationError(f"header Result {named!r}: choose one of {', '.join(RESULTS)}")
    if named != "?" and result is not None and named != result:
        raise NotationError(f"header Result {named!r} contradicts the result {result!r} after the moves")
    if result is None and named != "?":
        result = named
    return GameText(headers, moves, _settled_result(replay(moves, variant, size), result), variant, size, comments)


def _settled_result(position: Position, told: str | None) -> str | None:
    """The result: what is told when the board leaves it open (a resignation), else the board's, if they agree."""
    if told is not None and told not in RESULTS:
        raise NotationError(f"result {told!r}: choose one of {', '.join(RESULTS)}")
    told = None if told == "?" else told
    derived = result_of(position)
    if told is not None and derived is not None and told != derived:
        raise NotationError(f"result {told!r} contradicts the moves: {describe_end(position)}, {derived!r}")
    return derived if told is None else told


def _variant_named(name: str) -> str:
    plain = _SPEED.sub("", re.sub(r"[^a-z0-9]", "", name.lower()))
    if plain not in _VARIANT_OF:
        raise NotationError(f"header Game {name!r} is not supported: choose one of {', '.join(GAME_NAMES.values())}")
    return _VARIANT_OF[plain]


def _parse_size(text: str) -> int:
    plain = text.strip().lower()
    side = plain.removesuffix(f"x{plain.partition('x')[0]}")
    if not side.isdecimal() or len(side) > 2 or not MIN_SIZE <= int(side) <= MAX_SIZE:
        raise NotationError(f"header Size {text!r}: write a whole number from {MIN_SIZE} to {MAX_SIZE}")
    return int(side)


def _parse_date(text: str) -> date | None:
    plain = text.strip()
    if not plain.strip("?-./"):
        return None
    for pattern in _DATES:
        try:
            return datetime.strptime(plain, pattern).date()
        except ValueError:
            continue
    raise NotationError(f"date {text!r}: write MM/dd/yyyy or yyyy.MM.dd, or ? for unknown")
