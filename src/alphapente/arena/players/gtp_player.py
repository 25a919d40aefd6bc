"""A player that is an external program: engine processes that speak GTP, one for each game in play."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from alphapente.arena.players.base import ChosenMove, Player, Turn
from alphapente.arena.players.gtp import COLOURS, EngineError, EngineProcess, EngineRefusalError
from alphapente.errors import RequestError
from alphapente.rules.legality import IllegalMoveError, check_legal
from alphapente.rules.notation import NotationError, parse_point, point_name

START_TIMEOUT_S = 300.0
"""Seconds for an engine's start and first moves: it may compile code."""
WARM_UP_PLIES = 4
"""Moves that an engine plays for both sides before its first game, so that no game includes its start-up time."""


class _EngineSession:
    """One engine process and the moves that it has received."""

    def __init__(self, command: str, size: int) -> None:
        self.command = command
        self.process = EngineProcess(command)
        self.moves: list[int] = []
        self._size = size
        try:
            self.name = self._ask_name()
            self.process.ask(f"boardsize {size}", START_TIMEOUT_S)
            self.process.ask("clear_board", START_TIMEOUT_S)
            for ply in range(WARM_UP_PLIES):
                self.process.ask(f"genmove {COLOURS[ply % 2]}", START_TIMEOUT_S)
            self.process.ask("clear_board", START_TIMEOUT_S)
        except EngineError as error:
            self.process.kill()
            raise EngineError(f"engine {command!r} does not start: {error}") from None

    def _ask_name(self) -> str:
        try:
            return self.process.ask("name", START_TIMEOUT_S)
        except EngineRefusalError:
            return ""

    def follow(self, moves: Sequence[int], timeout_s: float) -> None:
        """Sends the moves that the engine lacks. Raises EngineError."""
        if list(moves[: len(self.moves)]) != self.moves:
            self.process.ask("clear_board", timeout_s)
            self.moves = []
        for ply in range(len(self.moves), len(moves)):
            self.process.ask(f"play {COLOURS[ply % 2]} {point_name(moves[ply], self._size)}", timeout_s)
            self.moves.append(moves[ply])


class GtpPlayer(Player):
    """Plays by engine processes started with `command`: up to `processes` games in parallel, each in its own process.

    A process plays the next game after `clear_board`. One that stops, refuses a legal move, chooses an illegal one or
    exceeds `timeout_s` loses its game and is killed; the next game gets a new process.

    Raises RequestError for a command that cannot be run, EngineError with the engine's last output if it does not
    start.
    """

    def __init__(self, command: str, size: int, *, processes: int = 1, timeout_s: float = 60.0) -> None:
        self._command = command
        self._size = size
        self._timeout_s = timeout_s
        self._free = [_EngineSession(command, size)]
        self._playing: dict[int, _EngineSession] = {}
        self._threads = ThreadPoolExecutor(processes, "engine")
        self.name = f"{self._free[0].name or 'engine'} ({command})"
        self.games_at_once = processes

    def choose(self, turns: Sequence[Turn]) -> list[ChosenMove]:
        """See Player.choose. For an engine that fails, `point` is None and `note` is the reason."""
        for turn in turns:
            if int(turn.position["size"]) != self._size:
                raise RequestError(f"engine {self._command!r} was started for {self._size}x{self._size}")
        return list(self._threads.map(self._answer, turns))

    def end_game(self, game: int) -> None:
        """Makes the game's process available for another game."""
        session = self._playing.pop(game, None)
        if session is not None:
            self._free.append(session)

    def close(self) -> None:
        """Ends all processes."""
        self._threads.shutdown()
        for session in [*self._free, *self._playing.values()]:
            session.process.close()
        self._free, self._playing = [], {}

    def _answer(self, turn: Turn) -> ChosenMove:
        session = self._playing.get(turn.game)
        if session is None:
            try:
                session = self._free.pop()
            except IndexError:
                session = _EngineSession(self._command, self._size)
            self._playing[turn.game] = session
        started = time.perf_counter()
        try:
            session.follow(turn.moves, self._timeout_s)
            started = time.perf_counter()
            text = session.process.ask(f"genmove {COLOURS[len(turn.moves) % 2]}", self._timeout_s)
            elapsed_s = time.perf_counter() - started
            if text.lower() == "resign":
                return ChosenMove(None, elapsed_s, "it resigned")
            point = self._point(text, turn)
        except EngineError as error:
            self._playing.pop(turn.game).process.kill()
            return ChosenMove(None, time.perf_counter() - started, str(error))
        session.moves.append(point)
        return ChosenMove(point, elapsed_s)

    def _point(self, text: str, turn: Turn) -> int:
        try:
            point = parse_point(text, self._size)
            check_legal(turn.position, point)
        except (NotationError, IllegalMoveError) as error:
            raise EngineError(f"it answered {text[:20]!r}, which is illegal: {error}") from None
        return point
