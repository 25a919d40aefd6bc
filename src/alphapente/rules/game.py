"""A game of Pente as people play it: moves by name, what they do, taking them back, and the board in letters."""

from collections.abc import Iterable, Mapping
from typing import Self

import numpy as np

from alphapente.errors import RequestError
from alphapente.rules.gametext import GameText, read_game, result_of, write_game
from alphapente.rules.kernels import legal_points, play
from alphapente.rules.legality import check_legal, describe_end
from alphapente.rules.notation import COLUMNS, parse_moves, parse_point, point_name
from alphapente.rules.position import DRAW, IN_PLAY, MAX_SIZE, VARIANTS, WON_BY, Position, new_positions, stones

MARKS = ".XO"
"""How the board shows an empty point, a stone of player 1, a stone of player 2."""


class Game:
    """One game: `variant` is a name of VARIANTS, `size` 7 to 19. Raises RequestError for others.

    Wherever a move is asked for, a name (`"K10"`) and a point (``180``) do equally well.
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
        """The game that a pente.org game text or a bare move list tells. Raises NotationError, IllegalMoveError."""
        told = read_game(text)
        return cls.from_moves(told.moves, told.variant, told.size)

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
        """A copy of the POSITION record: changing it does not change the game."""
        return self._positions.copy()[0]

    @property
    def moves(self) -> list[int]:
        """The points played so far, in order."""
        return list(self._moves)

    @property
    def to_move(self) -> int:
        """The player whose turn it is (1 or 2); after the end, who would have been next."""
        return int(self._positions[0]["to_move"])

    @property
    def captures(self) -> tuple[int, int]:
        """Stones captured by player 1 and by player 2."""
        first, second = self._positions[0]["captured"].tolist()
        return first, second

    @property
    def winner(self) -> int | None:
        """None while the game goes on, then 1 or 2, or 0 for a draw."""
        winner = int(self._positions[0]["winner"])
        return None if winner == IN_PLAY else 0 if winner == DRAW else winner

    @property
    def won_by(self) -> str | None:
        """None while the game goes on, then `five`, `captures` or `draw`."""
        return None if self.winner is None else WON_BY[self._positions[0]["won_by"]]

    def legal_points(self) -> list[int]:
        """The points that the player to move may play, in rising order; none when the game is over."""
        points = np.empty(self.size * self.size, np.int16)
        count = legal_points(self._positions[0], points)
        return [int(point) for point in points[:count]]

    def play(self, move: str | int) -> int:
        """Plays `move` for the player to move and returns its point.

        Raises NotationError for a name that is no point of this board, IllegalMoveError, which says why, for a move
        that the rules forbid; the game is then as it was.
        """
        point = parse_point(move, self.size) if isinstance(move, str) else int(move)
        check_legal(self._positions[0], point)
        self._before.append(self.position)
        play(self._positions[0], point)
        self._moves.append(point)
        return point

    def undo(self) -> int:
        """Takes the last move back and returns its point. Raises RequestError when there is none."""
        if not self._moves:
            raise RequestError("no move to take back: none has been played")
        self._positions[0] = self._before.pop()
        return self._moves.pop()

    def to_text(self, headers: Mapping[str, str] | None = None, result: str | None = None) -> str:
        """The game as pente.org text; `result` tells how it ended when the board does not (a resignation)."""
        told = result if result is not None else result_of(self._positions[0])
        return write_game(GameText(dict(headers or {}), self.moves, told, self.variant, self.size))

    def __str__(self) -> str:
        """The board with coordinates, the last move in brackets, captures, and whose turn it is."""
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
