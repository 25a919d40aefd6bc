"""A game against the engine in the terminal: reads commands, keeps the game, shows the board."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from alphapente.arena.players.engine import Analysis, Engine
from alphapente.errors import AlphaPenteError, RequestError
from alphapente.files import configured_path, write_text
from alphapente.rules.game import MARKS, Game
from alphapente.rules.gametext import decode_text, read_game
from alphapente.rules.notation import COLUMNS, NotationError, format_moves, parse_point, point_name
from alphapente.rules.position import DRAW, stones
from alphapente.rules.tactics import DRAWS, WINS

EngineMaker = Callable[[int], Engine]
"""Makes an engine for a board size."""

NAME = "AlphaPente"
STYLES = ("dim", "bold cyan", "bold yellow")
"""Styles of empty points and of the stones of players 1 and 2, on a terminal with colours."""
CANDIDATES_SHOWN = 5
HELP = """\
  k10         play on a point: column and row
  undo        take back your last move and the reply to it
  hint        the engine's candidate moves for you
  eval        the engine's evaluation of the position
  board       show the board again
  moves       list the moves played
  swap        swap sides with the engine
  save FILE   write the game as text
  load FILE   continue a game from a file; you play the side to move
  resign      resign the game
  new         start another game
  quit        quit (also Ctrl-D)"""


class QuitRequested(Exception):  # noqa: N818 - a request, not an error
    """The user wants to quit."""


class TerminalGame:
    """One session: `side` is the user's player. `run` reads commands from standard input until it ends."""

    def __init__(self, make_engine: EngineMaker, variant: str, size: int, side: int) -> None:
        self.game = Game(variant, size)
        self.side = side
        self._resigned: int | None = None
        self._make_engine = make_engine
        self._engines: dict[int, Engine] = {}
        self._console = Console(highlight=False, soft_wrap=True)
        self._commands: dict[str, Callable[[str], None]] = {
            "undo": self._undo,
            "hint": self._hint,
            "eval": self._eval,
            "board": lambda _: self.show(),
            "moves": self._moves,
            "swap": self._swap,
            "save": self._save,
            "load": self._load,
            "resign": self._resign,
            "new": self._new,
            "help": lambda _: self.say(HELP),
            "quit": self._quit,
        }

    def say(self, text: str | Text) -> None:
        """Prints a text."""
        self._console.print(text, markup=False)

    def run(self) -> int:
        """Plays until the user quits; returns the exit status: 0, or 130 after Ctrl-C."""
        if sys.stdin.isatty():
            import readline  # noqa: F401 - gives `input` its line editing
        try:
            self.say(f"You are player {self.side} ({MARKS[self.side]}). `help` lists the commands.")
            self._engine_move()
            self.show()
            while True:
                self._execute(input(self._prompt()))
        except (EOFError, QuitRequested):
            self.say("Goodbye.")
            return 0
        except KeyboardInterrupt:
            self.say("\nGoodbye.")
            return 130

    @property
    def over(self) -> bool:
        """Whether the game has ended, on the board or by resignation."""
        return self.game.winner is not None or self._resigned is not None

    def show(self) -> None:
        """Prints the board with coordinates, captured stones and status."""
        game, size = self.game, self.game.size
        board = stones(game.position).reshape(size, size)
        last = game.moves[-1] if game.moves else -1
        letters = "   " + "".join(f" {letter}" for letter in COLUMNS[:size])
        text = Text(f"{letters}\n")
        for row in range(size):
            text.append(f"{size - row:>3}")
            for column in range(size):
                point, stone = row * size + column, int(board[row, column])
                after_last = column > 0 and point - 1 == last
                text.append("(" if point == last else ")" if after_last else " ")
                text.append(MARKS[stone], style=STYLES[stone])
            text.append(f"{')' if last == row * size + size - 1 else ' '}{size - row}\n")
        text.append(letters)
        self.say(text)
        first, second = game.captures
        self.say(f"Captured: player 1 (X) {first}, player 2 (O) {second}. {self._standing()}")

    def _standing(self) -> str:
        game = self.game
        if self._resigned is not None:
            return f"Player {self._resigned} resigned: player {3 - self._resigned} won."
        if game.winner is None:
            who = "you" if game.to_move == self.side else NAME
            return f"Ply {len(game.moves)}. Player {game.to_move} ({MARKS[game.to_move]}, {who}) to move."
        if game.winner == DRAW:
            return "The board is full: a draw."
        who = "You won" if game.winner == self.side else f"{NAME} won"
        return f"{who} (player {game.winner}, by {game.won_by}). `new` starts another game."

    def _prompt(self) -> str:
        return "> " if self.over else f"{len(self.game.moves) // 2 + 1}. player {self.side} > "

    def _execute(self, line: str) -> None:
        """Executes one input line; prints an error in one line."""
        word, _, rest = line.strip().partition(" ")
        if not word:
            return
        command = self._commands.get(word.lower())
        try:
            if command is not None:
                command(rest.strip())
            else:
                self._play(line.strip())
        except AlphaPenteError as error:
            self.say(Text(str(error), style="red"))

    def _play(self, name: str) -> None:
        if self._resigned is not None:
            raise RequestError("the game is over: `new` starts another, `undo` takes back a move")
        if not any(character.isdigit() for character in name):
            raise RequestError(f"no command {name!r}: `help` lists all, and a move is written like k10")
        self.game.play(parse_point(name, self.game.size))
        self._engine_move()
        self.show()

    def _engine_move(self) -> None:
        """Plays the engine's move if it is its turn."""
        if self.over or self.game.to_move == self.side:
            return
        opinion = self._think()
        point = self.game.play(opinion.result.point)
        self.say(
            f"{NAME} plays {point_name(point, self.game.size)}: {_opinion_text(opinion, 3 - self.side)}, "
            f"{opinion.result.simulations} simulations in {opinion.elapsed_s:.1f} s."
        )

    def _think(self) -> Analysis:
        size = self.game.size
        if size not in self._engines:
            with self._console.status("Preparing the network"):
                self._engines[size] = self._make_engine(size)
        with self._console.status("Thinking"):
            return self._engines[size].think(self.game)

    def _require_play(self) -> None:
        if self.over:
            raise RequestError("the game is over: `new` starts another, `undo` takes back a move")

    def _undo(self, _: str) -> None:
        if self._resigned is not None:
            self._resigned = None
        else:
            mine = [ply for ply in range(len(self.game.moves)) if ply % 2 + 1 == self.side]
            if not mine:
                raise RequestError("nothing to take back: you have not moved yet")
            while len(self.game.moves) > mine[-1]:
                self.game.undo()
        self.show()

    def _hint(self, _: str) -> None:
        self._require_play()
        opinion, size = self._think(), self.game.size
        self.say("move  visits  policy   value  expected line")
        for one in opinion.candidates[:CANDIDATES_SHOWN]:
            line = " ".join(point_name(point, size) for point in one.line)
            self.say(
                f"{point_name(one.point, size):<4}  {one.visits:>6}  {one.policy:>6.1%}  {one.value:>+6.2f}  {line}"
            )

    def _eval(self, _: str) -> None:
        self._require_play()
        opinion = self._think()
        size, result = self.game.size, opinion.result
        line = " ".join(point_name(point, size) for point in result.principal_variation)
        self.say(
            f"Player {self.game.to_move} to move: {_opinion_text(opinion, self.game.to_move)}; the network alone: "
            f"{result.raw_value:+.2f}. Expected: {line}."
        )

    def _moves(self, _: str) -> None:
        self.say(format_moves(self.game.moves, self.game.size) if self.game.moves else "No moves yet.")

    def _swap(self, _: str) -> None:
        self._require_play()
        self.side = 3 - self.side
        self.say(f"You are now player {self.side} ({MARKS[self.side]}).")
        self._engine_move()
        self.show()

    def _save(self, name: str) -> None:
        if not name:
            raise RequestError("save needs a file: save game.txt")
        names = {f"Player {self.side} Name": "You", f"Player {3 - self.side} Name": NAME}
        headers = {"Date": datetime.now(UTC).strftime("%m/%d/%Y")} | dict(sorted(names.items()))
        result = None if self._resigned is None else "0-1" if self._resigned == 1 else "1-0"
        write_text(configured_path(name), self.game.to_text(headers, result))
        self.say(f"Saved to {name}.")

    def _load(self, name: str) -> None:
        if not name:
            raise RequestError("load needs a file: load game.txt")
        try:
            text = decode_text(configured_path(name).read_bytes())
        except (OSError, NotationError) as error:
            reason = error.strerror or error if isinstance(error, OSError) else error
            raise RequestError(f"cannot read {name}: {reason}; choose another file") from error
        loaded = read_game(text, self.game.variant, self.game.size)
        self.game = Game.from_moves(loaded.moves, loaded.variant, loaded.size)
        self._resigned = None
        if loaded.result in ("1-0", "0-1") and self.game.winner is None:
            self._resigned = 2 if loaded.result == "1-0" else 1
        self.side = self.game.to_move
        for note in loaded.notes:
            self.say(f"Note: {note}.")
        self.say(f"Loaded {name}: {loaded.variant} {loaded.size}x{loaded.size}; you are player {self.side}.")
        self.show()

    def _resign(self, _: str) -> None:
        self._require_play()
        self._resigned = self.side
        self.say(f"You resign: {NAME} won. `new` starts another game, `save FILE` keeps this one.")

    def _new(self, _: str) -> None:
        self.game = Game(self.game.variant, self.game.size)
        self._resigned = None
        self._engine_move()
        self.show()

    def _quit(self, _: str) -> None:
        raise QuitRequested


def _opinion_text(opinion: Analysis, player: int) -> str:
    """The search result as text; `player` is to move, and the value is for this player."""
    result = opinion.result
    if result.proven == DRAWS:
        return "a proven draw"
    if result.proven:
        winner = player if result.proven == WINS else 3 - player
        return f"player {winner} has a proven win"
    chance = (result.value + 1) / 2
    return f"value {result.value:+.2f} for player {player} ({chance:.0%})"
