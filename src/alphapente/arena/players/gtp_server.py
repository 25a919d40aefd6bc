"""Serves one of our players by the Go Text Protocol (GTP), for other programs and graphical boards.

The protocol is that of arena/gtp.py, seen from the server. The response to a command that fails is `?` and the
reason; the game does not change.
"""

from collections.abc import Callable, Iterable

import numpy as np

from alphapente import __version__
from alphapente.arena.players.base import Player, Turn
from alphapente.arena.players.gtp import COLOURS
from alphapente.errors import AlphaPenteError, RequestError
from alphapente.rules.game import Game
from alphapente.rules.legality import describe_end
from alphapente.rules.notation import point_name

NAME = "AlphaPente"
PROTOCOL_VERSION = "2"
LONGEST_NUMBER = 4
"""Maximum digits of a board size."""
_SIDES = {"b": 1, "black": 1, "w": 2, "white": 2}


class GtpServer:
    """One session with one game. `make_player` makes the player for a board size, once for each size."""

    def __init__(self, make_player: Callable[[int], Player], variant: str, size: int, seed: int = 0) -> None:
        self.game = Game(variant, size)
        self._make_player = make_player
        self._players: dict[int, Player] = {size: make_player(size)}
        self._seed = seed
        self._number = 0  # index of the game
        self._rng = np.random.default_rng((seed, 0))
        self._commands: dict[str, Callable[[list[str]], str]] = {
            "protocol_version": lambda _: PROTOCOL_VERSION,
            "name": lambda _: NAME,
            "version": lambda _: __version__,
            "known_command": self._known_command,
            "list_commands": lambda _: "\n".join(self._commands),
            "boardsize": self._boardsize,
            "clear_board": lambda _: self._new_game(self.game.size),
            "komi": lambda _: "",  # Go programs send it; this game has no komi
            "time_settings": lambda _: "",  # nor a game clock: the player's budget is fixed at the start
            "time_left": lambda _: "",
            "play": self._play,
            "genmove": self._genmove,
            "undo": self._undo,
            "showboard": lambda _: "\n" + str(self.game),
            "quit": lambda _: "",
        }

    def run(self, lines: Iterable[str], write: Callable[[str], None]) -> None:
        """Responds to every line until `quit` or the end of the lines. `write` gets complete responses."""
        try:
            for line in lines:
                words = "".join(" " if character == "\t" else character for character in line if _kept(character))
                command = words.partition("#")[0].split()
                if not command:
                    continue
                number = command.pop(0) if command[0].isdecimal() else ""
                if not command:
                    continue
                write(self.answer(command, number))
                if command[0] == "quit":
                    return
        finally:
            for player in self._players.values():
                player.close()

    def answer(self, command: list[str], number: str = "") -> str:
        """The complete response to one command, given as words: status, text and the empty line."""
        status = "="
        try:
            if command[0] not in self._commands:
                raise RequestError("unknown command")
            text = self._commands[command[0]](command[1:])
        except AlphaPenteError as error:
            status, text = "?", " ".join(str(error).split())
        return f"{status}{number} {text}".rstrip() + "\n\n"

    def _known_command(self, words: list[str]) -> str:
        return "true" if words[:1] and words[0] in self._commands else "false"

    def _boardsize(self, words: list[str]) -> str:
        if len(words) != 1 or not words[0].isdecimal() or len(words[0]) > LONGEST_NUMBER:
            raise RequestError("syntax error: write boardsize SIZE")
        size = int(words[0])
        try:
            Game(self.game.variant, size)
        except RequestError as error:
            raise RequestError(f"unacceptable size: {error}") from None
        if size not in self._players:
            self._players[size] = self._make_player(size)
        return self._new_game(size)

    def _new_game(self, size: int) -> str:
        self._players[self.game.size].end_game(self._number)
        self.game = Game(self.game.variant, size)
        self._number += 1
        self._rng = np.random.default_rng((self._seed, self._number))
        return ""

    def _play(self, words: list[str]) -> str:
        if len(words) != 2:
            raise RequestError("syntax error: write play COLOUR POINT")
        self._check_turn(words[0])
        try:
            self.game.play(words[1])
        except RequestError as error:
            raise RequestError(f"illegal move: {error}") from None
        return ""

    def _genmove(self, words: list[str]) -> str:
        if len(words) != 1:
            raise RequestError("syntax error: write genmove COLOUR")
        self._check_turn(words[0])
        game = self.game
        turn = Turn(self._number, game.moves, game.position, self._rng)
        (answer,) = self._players[game.size].choose([turn])
        if answer.point is None:
            return "resign"
        return point_name(game.play(answer.point), game.size)

    def _undo(self, _: list[str]) -> str:
        try:
            self.game.undo()
        except RequestError:
            raise RequestError("cannot undo") from None
        return ""

    def _check_turn(self, colour: str) -> None:
        if colour.lower() not in _SIDES:
            raise RequestError(f"syntax error: no colour {colour[:20]!r}; write B (player 1) or W (player 2)")
        if self.game.winner is not None:
            raise RequestError(f"the game is over: {describe_end(self.game.position)}")
        if _SIDES[colour.lower()] != self.game.to_move:
            raise RequestError(f"wrong colour: it is the turn of {COLOURS[self.game.to_move - 1]}")


def _kept(character: str) -> bool:
    """The protocol requires that control characters are removed from a command."""
    return character == "\t" or (character >= " " and character != "\x7f")
