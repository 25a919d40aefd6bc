"""The tokens of game texts and move lists; docs/rules.md has the grammar.

Every text is scanned once, in linear time. Unreadable text is a FAULT token with the reason. The scan continues after
it, so that one broken game does not hide the others.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from enum import Enum, auto
from functools import cached_property
from typing import NamedTuple

UNKNOWN = ("?", "*")
"""The results of a game that is in play or whose result is unknown."""
RESULTS = ("1-0", "0-1", "1/2-1/2", *UNKNOWN)
"""The results in a game text; the first three: won by player 1, won by player 2, a draw."""
LONGEST_QUOTE = 30
"""Characters of unreadable text in an error message."""

_NEWLINE = re.compile("\r\n|[\r\x85\u2028\u2029]")
_INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060"
_BLANK = re.compile(rf"[\s,{_INVISIBLE}]+")
_PLAIN_MOVE = re.compile(r"[\s,]*([A-Za-z][1-9][0-9]?)(?=[\s,]|$)")
_WORD = re.compile(rf"[^\s,;{{}}()\[\]${_INVISIBLE}]+")
_NUMBER = re.compile(r"([0-9]{1,4})([.…]+|$)")
_SPACED_RESULT = re.compile(r"(1|0|1/2)[^\S\n]*-[^\S\n]*(0|1|1/2)(?=[\s;{}()\[\]$]|$)")
_DOTS = re.compile(r"\s*([.…]+)")
_GLYPHS = re.compile(r"[!?]{1,2}")
_GLYPHS_AT_END = re.compile(r"(?<=[^!?])[!?]{1,2}$")
_ANNOTATION = re.compile(r"\$[0-9]*")
_HEADER_NAME = re.compile(r'\[([^"\[\]\n]*)"')
_VALUE_PART = re.compile(r'\\[\\"]|"[^\S\n]*\]|\n')
_LAST_CLOSING = re.compile(r'"[^\S\n]*\][^\S\n]*$')
_ESCAPED = re.compile(r'\\([\\"])')
_HEADER_LINE = r'\n[^\S\n]*\[[^"\[\]\n]*"'
_IN_COMMENT = re.compile(r"[{}]|\n[^\S\n]*" + _HEADER_LINE)
_IN_VARIATION = re.compile(r"[{();]|" + _HEADER_LINE)
_FILE_START = re.compile(r"(?:^|\n)[^\S\n]*\ufeff")


class Kind(Enum):
    """The kinds of tokens."""

    HEADER = auto()
    """`[Name "value"]`: `text` is the name, `value` the value without its escapes."""
    NUMBER = auto()
    """A move number: `number`; `is_reply` for two dots or more (`1...`)."""
    MOVE = auto()
    """A word that should be a point's name."""
    RESULT = auto()
    """One of RESULTS."""
    COMMENT = auto()
    """`text` is the content; `value` is `;` for a comment to the end of the line."""
    VARIATION = auto()
    """Moves in parentheses, not played in the game."""
    ANNOTATION = auto()
    """A numeric (`$1`) or symbolic (`!?`) annotation of a move."""
    FILE_START = auto()
    """A byte-order mark at the start of a line: files were concatenated here."""
    FAULT = auto()
    """Unreadable text: `text` is the reason. `value` is HEADER_FAULT for a malformed header, UNCLOSED for a comment or
    variation without an end before the next game."""


HEADER_FAULT = "header"
UNCLOSED = "unclosed"


class Token(NamedTuple):
    """One token, from offset `start` to `end` of the text."""

    kind: Kind
    start: int
    end: int
    text: str = ""
    value: str = ""
    number: int = 0
    is_reply: bool = False


class Places:
    """Lines and columns, counted from 1, of the offsets in a text whose line ends are `\\n`."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self._text))]

    def of(self, offset: int) -> tuple[int, int]:
        """The line and the column of an offset."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1


def with_unix_newlines(text: str) -> str:
    """Replaces the line ends CRLF, CR, NEL (U+0085), LS (U+2028) and PS (U+2029) by `\\n`."""
    return _NEWLINE.sub("\n", text)


def quoted(text: str) -> str:
    """The text, or its beginning, in quotes, for an error message."""
    return repr(text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "...")


def tokens(text: str) -> Iterator[Token]:
    """Yields the tokens of a text whose line ends are `\\n`."""
    at = 0
    while at < len(text):
        if plain := _PLAIN_MOVE.match(text, at):  # a fast path for most tokens; the other branches give the same
            at = plain.end()
            yield Token(Kind.MOVE, plain.start(1), at, plain[1])
        elif blank := _BLANK.match(text, at):
            at = blank.end()
            if "\ufeff" in blank[0] and (mark := _FILE_START.search(text, max(0, blank.start() - 1), at)):
                yield Token(Kind.FILE_START, mark.start(), at)
        elif result := _spaced_result(text, at):
            yield result
            at = result.end
        elif word := _WORD.match(text, at):
            for token in _word_tokens(text, word[0], at):
                yield token
                at = token.end
        else:
            token = _MARKS[text[at]](text, at)
            yield token
            at = token.end


def _spaced_result(text: str, start: int) -> Token | None:
    """The result that begins at `start`, also with spaces in it (`1 - 0`)."""
    match = _SPACED_RESULT.match(text, start)
    if match is None or (result := f"{match[1]}-{match[2]}") not in RESULTS:
        return None
    return Token(Kind.RESULT, start, match.end(), result)


def _word_tokens(text: str, word: str, start: int) -> Iterator[Token]:
    """Yields the tokens of one word: a number, then a result, a move or an annotation."""
    end = start + len(word)
    if word not in RESULTS and (number := _NUMBER.match(word)):
        dots, at = number[2], start + number.end()
        if at == end and (more := _DOTS.match(text, at)):
            dots, at = dots + more[1], more.end()
        is_reply = len(dots) > 1 or "…" in dots
        yield Token(Kind.NUMBER, start, at, word, number=int(number[1]), is_reply=is_reply)
        if at >= end:
            return
        start, word = at, text[at:end]
    if word in RESULTS:
        yield Token(Kind.RESULT, start, end, word)
    elif _GLYPHS.fullmatch(word):
        yield Token(Kind.ANNOTATION, start, end, word)
    elif glyphs := _GLYPHS_AT_END.search(word):
        middle = start + glyphs.start()
        yield Token(Kind.MOVE, start, middle, text[start:middle])
        yield Token(Kind.ANNOTATION, middle, end, glyphs[0])
    else:
        yield Token(Kind.MOVE, start, end, word)


def _header(text: str, start: int) -> Token:
    name = _HEADER_NAME.match(text, start)
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    if name is not None and name[1].strip():
        for part in _VALUE_PART.finditer(text, name.end()):
            if part[0][0] == '"':
                value = _ESCAPED.sub(r"\1", text[name.end() : part.start()])
                return Token(Kind.HEADER, start, part.end(), name[1].strip(), value)
            if part[0] == "\n":
                break
        # A backslash before the last quote, written by a program that does not escape.
        if closing := _last_closing(text, name.end(), line_end):
            value = _ESCAPED.sub(r"\1", text[name.end() : closing])
            return Token(Kind.HEADER, start, line_end, name[1].strip(), value)
    line = text[start:line_end]
    reason = f'{quoted(line.rstrip())} is not a header: write [Name "value"] on one line'
    return Token(Kind.FAULT, start, line_end, reason, HEADER_FAULT if '"' in line else "")


def _last_closing(text: str, start: int, line_end: int) -> int | None:
    """The offset of the quote of `"]` at the end of the line, or None."""
    quote = text.rfind('"', start, line_end)
    return quote if quote >= 0 and _LAST_CLOSING.match(text, quote, line_end) else None


def _comment(text: str, start: int) -> Token:
    end, reason = _comment_end(text, start)
    if reason:
        return Token(Kind.FAULT, start, end, reason, UNCLOSED if text[end - 1] != "}" else "")
    return Token(Kind.COMMENT, start, end, text[start + 1 : end - 1])


def _comment_end(text: str, start: int) -> tuple[int, str]:
    """The end of the comment in braces that begins at `start`, and its error ("" for none)."""
    reason = ""
    for part in _IN_COMMENT.finditer(text, start + 1):
        if part[0] == "}":
            return part.end(), reason
        if part[0] != "{":  # the next game
            return part.start(), "a comment that begins with '{' has no '}': write {like this}"
        reason = "a comment in braces contains '{': is a '}' missing before it?"
    return len(text), "a comment that begins with '{' has no '}': write {like this}"


def _line_comment(text: str, start: int) -> Token:
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    return Token(Kind.COMMENT, start, end, text[start + 1 : end], ";")


def _variation(text: str, start: int) -> Token:
    depth, at = 1, start + 1
    while part := _IN_VARIATION.search(text, at):
        at = part.end()
        if part[0] == "{":
            at, reason = _comment_end(text, part.start())
            if reason:
                return Token(Kind.FAULT, start, at, reason, UNCLOSED)
        elif part[0] == ";":
            at = _line_comment(text, part.start()).end
        elif part[0] in "()":
            depth += 1 if part[0] == "(" else -1
            if depth == 0:
                return Token(Kind.VARIATION, start, at)
        else:  # the next game
            at = part.start()
            break
    else:
        at = len(text)
    return Token(Kind.FAULT, start, at, "a variation that begins with '(' has no ')': write (like this)", UNCLOSED)


def _unpaired(text: str, start: int) -> Token:
    opening = {"}": "{", ")": "(", "]": "["}[text[start]]
    return Token(Kind.FAULT, start, start + 1, f"{text[start]!r} without {opening!r} before it")


def _annotation(text: str, start: int) -> Token:
    match = _ANNOTATION.match(text, start)
    assert match is not None
    return Token(Kind.ANNOTATION, start, match.end(), match[0])


_MARKS = {
    "[": _header,
    "{": _comment,
    ";": _line_comment,
    "(": _variation,
    "}": _unpaired,
    ")": _unpaired,
    "]": _unpaired,
    "$": _annotation,
}
