"""A game of Pente: moves by name or point, undo, and the board as text."""

from collections.abc import Iterable, Mapping
from typing import Self

import numpy as np

from alphapente.errors import RequestError
from alphapente.rules.gametext import GameText, read_game, result_of, write_game
from alphapente.rules.kernels import legal_points, play
from alphapente.rules.legality import check_legal, describe_end
from alphapente.rules.notation import COLUMNS, parse_moves, parse_point, point_name
from alphapente.rules.position import IN_PLAY, MAX_SIZE, VARIANTS, WON_BY, Position, new_positions, stones

MARKS = ".XO"
"""The characters for an empty point, a stone of player 1, a stone of player 2."""


class Game:
    """One game. `variant` is a name of VARIANTS, `size` 7 to 19; raises RequestError for others.

    Moves are given as a name (`"K10"`) or a point (``180``).
    """

    def __init__(self, variant: str = "pente", size: int = MAX_SIZE) -> None:
        self._positions = new_positions(1, variant, size)
        self._moves: list[int] = []
        self._before: list[Position] = []

    @classmethod
    def from_moves(cls, moves: str | Iterable[int | str], variant: str = "pente", size: int = MAX_SIZE) -> Self:
        """The game after `moves`: points, names, or a text such as `1. K10 L9 2. K14`.

        Raises NotationError and IllegalMoveError, as `play` does.
        """
        game = cls(variant, size)
        for move in parse_moves(moves, size).moves if isinstance(moves, str) else moves:
            game.play(move)
        return game

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Parses a pente.org game text or a bare move list. Raises NotationError, IllegalMoveError."""
        parsed = read_game(text)
        return cls.from_moves(parsed.moves, parsed.variant, parsed.size)

    @property
    def variant(self) -> str:
        """The variant's name."""
        return VARIANTS[self._positions[0]["variant"]]

    @property
    def size(self) -> int:
        """Rows and columns of the board."""
        return int(self._positions[0]["size"])

    @property
    def position(self) -> Position:
        """A copy of the POSITION record."""
        return self._positions.copy()[0]

    @property
    def moves(self) -> list[int]:
        """The points played so far, in order."""
        return list(self._moves)

    @property
    def to_move(self) -> int:
        """The player to move (1 or 2); after the end, the one who would be next."""
        return int(self._positions[0]["to_move"])

    @property
    def captures(self) -> tuple[int, int]:
        """Stones captured by player 1 and by player 2."""
        first, second = self._positions[0]["captured"].tolist()
        return first, second

    @property
    def winner(self) -> int | None:
        """None while the game is in play, then 1 or 2, or DRAW."""
        winner = int(self._positions[0]["winner"])
        return None if winner == IN_PLAY else winner

    @property
    def won_by(self) -> str | None:
        """None while the game is in play, then `five`, `captures` or `draw`."""
        return None if self.winner is None else WON_BY[self._positions[0]["won_by"]]

    def legal_points(self) -> list[int]:
        """The legal points of the player to move, rising; empty when the game is over."""
        points = np.empty(self.size * self.size, np.int16)
        count = legal_points(self._positions[0], points)
        return [int(point) for point in points[:count]]

    def play(self, move: str | int) -> int:
        """Plays `move` for the player to move and returns its point.

        Raises NotationError for a name that is not a point of this board, IllegalMoveError with the reason for a move
        that the rules forbid. After an error the game is unchanged.
        """
        point = parse_point(move, self.size) if isinstance(move, str) else int(move)
        check_legal(self._positions[0], point)
        self._before.append(self.position)
        play(self._positions[0], point)
        self._moves.append(point)
        return point

    def undo(self) -> int:
        """Takes back the last move and returns its point. Raises RequestError if there is none."""
        if not self._moves:
            raise RequestError("no move to take back: none has been played")
        self._positions[0] = self._before.pop()
        return self._moves.pop()

    def to_text(self, headers: Mapping[str, str] | None = None, result: str | None = None) -> str:
        """The game as pente.org text; `result` is needed where the board does not show it (a resignation)."""
        final = result if result is not None else result_of(self._positions[0])
        return write_game(GameText(dict(headers or {}), self.moves, final, self.variant, self.size))

    def __str__(self) -> str:
        """The board with coordinates, the last move in parentheses, captures, and the player to move."""
        size, last = self.size, int(self._positions[0]["last"])
        board = stones(self._positions[0]).reshape(size, size)
        letters = "   " + "".join(f" {letter}" for letter in COLUMNS[:size])
        lines = [letters]
        for row in range(size):
            line = "".join(f" {MARKS[stone]}" for stone in board[row]) + " "
            if last >= 0 and last // size == row:
                at = 2 * (last % size)
                line = f"{line[:at]}({line[at + 1]}){line[at + 3 :]}"
            lines.append(f"{size - row:>3}{line}{size - row}")
        end = describe_end(self._positions[0])
        turn = f"player {self.to_move} ({MARKS[self.to_move]}) to move" if end == "in play" else end
        played = f", last {point_name(last, size)}" if last >= 0 else ""
        first, second = self.captures
        lines += [
            letters,
            f"captured: player 1 (X) {first}, player 2 (O) {second}; ply {len(self._moves)}{played}; {turn}",
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Game {self.variant} {self.size}x{self.size}, ply {len(self._moves)}>"
