"""The headers of game texts: pente.org's names, the values of known headers, and writing headers."""

import re
from collections.abc import Mapping
from datetime import date, datetime

from alphapente.rules.gametext_tokens import Kind, quoted, tokens
from alphapente.rules.notation import NotationError
from alphapente.rules.position import MAX_SIZE, MIN_SIZE

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
"""The value of the header `Game` for each variant."""

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
_KNOWN = {name.casefold(): name for name in (*HEADERS, "Size")}
_DATES = ("%m/%d/%Y", "%Y.%m.%d")


def known_name(name: str) -> str:
    """The standard spelling of a known header in upper or lower case; other names are unchanged."""
    return _KNOWN.get(name.casefold(), name)


def settled_headers(headers: Mapping[str, str], variant: str, size: int, result: str | None) -> dict[str, str]:
    """Returns the headers completed from the game itself.

    Sets Game and Result always, and Size for a board other than 19x19. Writes a valid Date as `MM/dd/yyyy`; any other
    Date is unchanged. Raises NotationError for a Game that contradicts `variant`.
    """
    settled = {"Game": GAME_NAMES[variant]} | {known_name(name): value for name, value in headers.items()}
    if len({known_name(name) for name in headers}) < len(headers):
        twice = next(name for name in settled if sum(known_name(given) == name for given in headers) > 1)
        raise NotationError(f"header {twice!r} twice, in upper and lower case: write it once")
    if variant_named(settled["Game"]) != variant:
        raise NotationError(f"header Game {quoted(settled['Game'])} contradicts the variant {variant!r}: omit it")
    settled["Result"] = result or "?"
    settled.pop("Size", None)
    if size != MAX_SIZE:
        settled["Size"] = str(size)
    day = _whole_date(settled.get("Date", ""))
    if day is not None:
        settled["Date"] = f"{day.month:02}/{day.day:02}/{day.year:04}"
    return settled


def header_lines(headers: Mapping[str, str]) -> list[str]:
    """The headers as lines, pente.org's first, in its order. Raises NotationError for one that cannot be written."""
    ordered = [name for name in HEADERS if name in headers] + [name for name in headers if name not in HEADERS]
    return [_header_line(name, headers[name]) for name in ordered]


def _header_line(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    line = f'[{name} "{escaped}"]'
    found = list(tokens(line))
    if len(found) != 1 or found[0].kind is not Kind.HEADER or (found[0].text, found[0].value) != (name, value):
        raise NotationError(
            f"header {quoted(name)} with value {quoted(value)} cannot be written: use one line, and in "
            "the name neither quotes nor brackets nor outer spaces"
        )
    return line


def variant_named(name: str) -> str:
    """The variant named by the value of a header Game. Raises NotationError."""
    plain = _SPEED.sub("", re.sub(r"[^a-z0-9]", "", name.lower()))
    if plain not in _VARIANT_OF:
        raise NotationError(
            f"header Game {quoted(name)} is not supported: choose one of {', '.join(GAME_NAMES.values())}"
        )
    return _VARIANT_OF[plain]


def parse_size(text: str) -> int:
    """The board size of a header Size, `13` or `13x13`. Raises NotationError."""
    plain = text.strip().lower()
    side = plain.removesuffix(f"x{plain.partition('x')[0]}")
    if not side.isdecimal() or len(side) > 2 or not MIN_SIZE <= int(side) <= MAX_SIZE:
        raise NotationError(f"header Size {quoted(text)}: write a whole number from {MIN_SIZE} to {MAX_SIZE}")
    return int(side)


def parse_date(text: str) -> date | None:
    """The day of a header Date, `MM/dd/yyyy` or `yyyy.MM.dd`; None where a part of it is unknown (`2014.??.??`).

    Raises NotationError.
    """
    plain = text.strip()
    if "?" in plain or not plain.strip("-./"):
        return None
    day = _whole_date(plain)
    if day is None:
        raise NotationError(f"date {quoted(text)}: write MM/dd/yyyy or yyyy.MM.dd, with ? for unknown parts")
    return day


def _whole_date(text: str) -> date | None:
    for pattern in _DATES:
        try:
            return datetime.strptime(text.strip(), pattern).date()
        except ValueError:
            continue
    return None
