"""The engine's review of each move of a game: the value that it lost, and the better move."""

import math
from collections.abc import Sequence

from alphapente.rules.game import Game
from alphapente.rules.notation import point_name
from alphapente.rules.position import DRAW
from alphapente.rules.tactics import LOSES, WINS
from alphapente.web.schemas import ReviewedMove, Verdict
from alphapente.web.searches import ForcedWin, SearchSnapshot
from alphapente.web.views import names, rounded

GRADES: tuple[tuple[float, Verdict], ...] = ((0.6, "blunder"), (0.35, "mistake"), (0.15, "inaccuracy"))
"""Minimum loss of value for each verdict. A won game against a lost one is 2."""
_MISSED = 0.15
"""Minimum loss of value for the verdict "missed win". With a smaller loss the game is still won."""


def review_move(game: Game, before: SearchSnapshot, after: SearchSnapshot | None) -> ReviewedMove:
    """Reviews the game's last move with searches of the positions before and after it.

    `after` is None if the move ended the game.
    """
    size, mover = game.size, before.game.to_move
    move = game.moves[-1]
    value_before = before.result.value
    value_after = _final_value(game, mover) if after is None else -after.result.value
    best = before.result.point
    loss = 0.0 if move == best else max(0.0, value_before - value_after)
    won = value_after == 1.0 if after is None else after.result.proven == LOSES
    missed = None if move == best or after is None else _win_of(before, mover)
    if missed is not None and won and missed.plies > 1:
        missed = None  # the player chose another forced win
    allowed = _allowed(before, after, mover)
    sign = 1.0 if mover == 1 else -1.0
    return ReviewedMove(
        ply=len(game.moves),
        move=point_name(move, size),
        value_before=rounded(sign * value_before),
        value_after=rounded(sign * value_after),
        best=point_name(best, size),
        best_line=names(before.result.principal_variation, size),
        loss=rounded(loss),
        verdict=_verdict(loss, missed is not None and not won),
        comment=_comment(before.game, missed, after, allowed, None if move == best else best),
    )


def accuracy(moves: Sequence[ReviewedMove], player: int) -> float | None:
    """The mean accuracy of a player's moves in percent; None for a player without moves.

    The accuracy of a move is 103.1668 * exp(-0.04354 * loss) - 3.1669, with the loss in percent of winning chances
    (Lichess's formula, lichess.org/page/accuracy).
    """
    own = [one for one in moves if one.ply % 2 == player % 2]
    if not own:
        return None
    each = [min(100.0, max(0.0, 103.1668 * math.exp(-0.04354 * one.loss * 50.0) - 3.1669)) for one in own]
    return round(sum(each) / len(each), 1)


def _final_value(game: Game, mover: int) -> float:
    return 0.0 if game.winner == DRAW else 1.0 if game.winner == mover else -1.0


def _win_of(snapshot: SearchSnapshot, player: int) -> ForcedWin | None:
    """The forced win of a player in a position, if there is one."""
    return snapshot.forced if snapshot.forced is not None and snapshot.forced.winner == player else None


def _allowed(before: SearchSnapshot, after: SearchSnapshot | None, mover: int) -> ForcedWin | None:
    """The forced win that a move has given to the opponent, who had none before."""
    if after is None or before.result.proven == LOSES:
        return None
    return _win_of(after, 3 - mover)


def _verdict(loss: float, missed: bool) -> Verdict:
    if missed and loss >= _MISSED:
        return "missed win"
    return next((name for least, name in GRADES if loss >= least), "good")


def _comment(
    game: Game, missed: ForcedWin | None, after: SearchSnapshot | None, allowed: ForcedWin | None, best: int | None
) -> str:
    """One sentence or none. `game` is the game before the move, `after` the search after it."""
    if missed is not None:
        return f"{describe_win(game, missed)}."
    if allowed is not None and after is not None:
        return f"Now {describe_win(after.game, allowed)} for player {allowed.winner}."
    if after is not None and after.result.proven == WINS:
        return f"Now player {after.game.to_move} wins for certain."
    return "" if best is None else f"{point_name(best, game.size)} was the engine's move."


def describe_win(game: Game, win: ForcedWin) -> str:
    """For example "J11 wins by capture in 3", counted in the winner's moves, or "J11 wins at once by five"."""
    ended = Game.from_moves(game.moves, game.variant, game.size)
    own: list[str] = []
    for point in win.line:
        if ended.winner is not None:
            break
        if ended.to_move == win.winner:
            own.append(point_name(point, game.size))
        ended.play(point)
    by = {"five": " by five", "captures": " by capture"}.get(ended.won_by or "", "")
    first = own[0] if own else point_name(win.line[0], game.size)
    return f"{first} wins at once{by}" if len(own) == 1 else f"{first} wins{by} in {(win.plies + 1) // 2}"
