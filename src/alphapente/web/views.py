"""Positions for the page. All rules are applied here; the browser needs none."""

from collections.abc import Iterable
from typing import cast

from alphapente.rules.game import Game
from alphapente.rules.legality import IllegalMoveError, check_legal
from alphapente.rules.notation import NotationError, parse_point, point_name
from alphapente.rules.position import CAPTURES_TO_WIN, EMPTY, NEVER, Position, stones
from alphapente.rules.queries import stones_taken, winning_line
from alphapente.rules.tactics import tactics
from alphapente.web.schemas import (
    Capture,
    Forbidden,
    GameMoves,
    LastMove,
    Player,
    PositionAnswer,
    Result,
    Threats,
)

_OPENING_PLIES = (0, 2)
"""Plies at which an opening rule may forbid points."""


def names(points: Iterable[int], size: int) -> list[str]:
    """The names of the points."""
    return [point_name(point, size) for point in points]


def rounded(number: float) -> float:
    """A value or a share, rounded to five decimals."""
    return round(float(number), 5)


def played(asked: GameMoves) -> Game:
    """The game of a request. Raises NotationError, IllegalMoveError, with the move's number."""
    game = Game(asked.variant, asked.board_size)
    for number, name in enumerate(asked.moves, start=1):
        try:
            game.play(parse_point(name, game.size))
        except (IllegalMoveError, NotationError) as error:
            raise type(error)(f"move {number}: {error}") from None
    return game


def result_of(game: Game) -> Result | None:
    """How the game ended on the board; None while it is in play."""
    if game.winner is None:
        return None
    by = cast("str", game.won_by)
    line = names(winning_line(game.position), game.size) if by == "five" else []
    return Result.model_validate({"winner": game.winner, "by": by, "line": line})


def view_position(game: Game) -> PositionAnswer:
    """Everything that a board needs to show the position and to accept moves."""
    position, size = game.position, game.size
    board = stones(position)
    need = int(CAPTURES_TO_WIN[position["variant"]])
    first, second = game.captures
    return PositionAnswer(
        to_move=cast(Player, game.to_move),
        ply=len(game.moves),
        stones={
            str(player): names((point for point, stone in enumerate(board) if stone == player), size)
            for player in (1, 2)
        },
        captured={"1": first // 2, "2": second // 2},
        captured_stones={"1": first, "2": second},
        stones_to_win=None if need == NEVER else need,
        forbidden=_forbidden(game, position),
        legal_count=len(game.legal_points()),
        result=result_of(game),
        last=_last(game),
        threats=_threats(game, position),
    )


def _forbidden(game: Game, position: Position) -> list[Forbidden]:
    """The empty points that the opening rule forbids now."""
    if game.winner is not None or len(game.moves) not in _OPENING_PLIES:
        return []
    legal, found = set(game.legal_points()), []
    for point, stone in enumerate(stones(position)):
        if stone == EMPTY and point not in legal:
            try:
                check_legal(position, point)
            except IllegalMoveError as error:
                found.append(Forbidden(point=point_name(point, game.size), reason=str(error)))
    return found


def _last(game: Game) -> LastMove | None:
    moves = game.moves
    if not moves:
        return None
    before = Game.from_moves(moves[:-1], game.variant, game.size).position
    taken = stones_taken(before, moves[-1])
    return LastMove(point=point_name(moves[-1], game.size), captured=names(taken, game.size))


def _threats(game: Game, position: Position) -> Threats:
    if game.winner is not None:
        return Threats(wins=[], must_answer=[], captures=[], in_danger=[])
    _, found = tactics(position)
    size, player = game.size, game.to_move
    return Threats(
        wins=names(found["own_wins"], size),
        must_answer=names(found["enemy_wins"], size),
        captures=_captures(position, found["own_captures"], player),
        in_danger=_captures(position, found["enemy_captures"], 3 - player),
    )


def _captures(position: Position, points: Iterable[int], player: int) -> list[Capture]:
    size = int(position["size"])
    board, found = stones(position), []
    for point in points:
        taken = [at for at in stones_taken(position, point, player) if board[at] != player]  # poof takes own stones too
        found.append(Capture(point=point_name(point, size), takes=names(taken, size)))
    return found
