"""Splits a text into games, by the rules in docs/rules.md."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from alphapente.rules.gametext_headers import known_name
from alphapente.rules.gametext_tokens import HEADER_FAULT, UNCLOSED, Kind, Token, tokens

_EMPTY_LINE_OR_FILE_START = re.compile("\n[^\\S\n]*[\n\ufeff]")
_BESIDE_THE_GAME = (Kind.COMMENT, Kind.VARIATION, Kind.ANNOTATION)
_LIKE_A_POINT = re.compile(r"[A-Za-z][0-9]{1,2}")


@dataclass
class GameTokens:
    """The tokens of one game: `headers` by name, and in `movetext` all other tokens among and after them."""

    headers: dict[str, str] = field(default_factory=dict)
    movetext: list[Token] = field(default_factory=list)
    start: int = 0
    """The offset of its first header, number, move or result."""
    repeated: Token | None = None
    """The first header that occurs twice."""
    num_moves: int = 0
    has_headers: bool = False
    """Whether there is a header or something similar."""
    has_body: bool = False
    """Whether the moves have begun. Other words among the headers are an error in them, not the end of the game."""
    ended: bool = False
    """Whether there is a result after the moves."""
    last_header_end: int = 0
    last_line_end: int = -1
    """The offset of the end of the result's line, -1 without a result."""

    def add_header(self, token: Token) -> None:
        """Adds a header of the game."""
        name = known_name(token.text)
        if name in self.headers:
            self.repeated = self.repeated or token
        else:
            self.headers[name] = token.value
        self.has_headers = True
        self.last_header_end = token.end

    def add(self, token: Token, line_end: int) -> None:
        """Adds a token that is not a header; `line_end` is the offset of its line's end."""
        self.movetext.append(token)
        if token.kind is Kind.FAULT:
            self.has_headers |= token.value == HEADER_FAULT
            self.has_body |= token.value == UNCLOSED
        elif token.kind is Kind.NUMBER:
            self.has_body |= "." in token.text
        elif token.kind is Kind.MOVE:
            if _LIKE_A_POINT.fullmatch(token.text):
                self.num_moves += 1
                self.has_body = True
        else:
            self.has_body = True
            if not self.ended:
                self.ended, self.last_line_end = True, line_end


def split_games(text: str) -> Iterator[GameTokens]:
    """Yields the games of a text whose line ends are `\\n`, in order."""
    return _Splitter(text).games()


class _Splitter:
    def __init__(self, text: str) -> None:
        self._text = text
        self._game = GameTokens()
        self._begun = False  # whether the game has a token other than comments
        self._comments: list[Token] = []  # those before the next game

    def games(self) -> Iterator[GameTokens]:
        new_file = False
        for token in tokens(self._text):
            if token.kind is Kind.FILE_START:
                new_file = self._game.has_body
            elif token.kind in _BESIDE_THE_GAME:
                if self._begun and not new_file and not self._on_a_later_line(token):
                    self._game.movetext.append(token)
                else:
                    self._comments.append(token)
            else:
                if self._begun and (new_file or self._begins_a_game(token)):
                    yield self._game
                    self._game, self._begun = GameTokens(), False
                new_file = False
                self._add(token)
        if self._begun:
            self._game.movetext += self._comments  # after the last result
            yield self._game

    def _on_a_later_line(self, token: Token) -> bool:
        """Whether the token is on a line after that of the game's result."""
        return self._game.ended and token.start > self._game.last_line_end

    def _begins_a_game(self, token: Token) -> bool:
        game = self._game
        if token.kind is Kind.HEADER or token.value == HEADER_FAULT:
            if game.has_body or not game.has_headers:
                return True
            between = _EMPTY_LINE_OR_FILE_START.search(self._text, game.last_header_end, token.start)
            return known_name(token.text) in game.headers and between is not None
        is_first_number = token.kind is Kind.NUMBER and token.number == 1 and not token.is_reply
        if game.ended:
            return is_first_number or self._on_a_later_line(token)
        return is_first_number and game.num_moves > 0

    def _add(self, token: Token) -> None:
        game = self._game
        if not self._begun:
            game.start, self._begun = token.start, True
        game.movetext += self._comments
        self._comments = []
        if token.kind is Kind.HEADER:
            game.add_header(token)
        else:
            line_end = self._text.find("\n", token.end) if token.kind is Kind.RESULT else 0
            game.add(token, len(self._text) if line_end < 0 else line_end)
