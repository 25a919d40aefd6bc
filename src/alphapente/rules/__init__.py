"""The rules of Pente and its variants: positions, legal points, moves, notation and game text.

Exports the names below, imported on first use: a light module (positions, notation) then loads no compiler. The
compiled kernels are in `kernels` and `tactics`. May import `config` and what that may.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphapente.rules.game import Game
    from alphapente.rules.gametext import GameText, each_game, read_game, read_games, write_game
    from alphapente.rules.legality import IllegalMoveError, replay
    from alphapente.rules.notation import NotationError, TextError, parse_moves, parse_point, point_name
    from alphapente.rules.position import MAX_SIZE, MIN_SIZE, POSITION, VARIANTS, Position, Positions, new_positions
    from alphapente.rules.symmetry import SYMMETRIES, transform_positions

_MODULES = {
    "game": ("Game",),
    "gametext": ("GameText", "each_game", "read_game", "read_games", "write_game"),
    "legality": ("IllegalMoveError", "replay"),
    "notation": ("NotationError", "TextError", "parse_moves", "parse_point", "point_name"),
    "position": ("MAX_SIZE", "MIN_SIZE", "POSITION", "VARIANTS", "Position", "Positions", "new_positions"),
    "symmetry": ("SYMMETRIES", "transform_positions"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "MAX_SIZE",
    "MIN_SIZE",
    "POSITION",
    "SYMMETRIES",
    "VARIANTS",
    "Game",
    "GameText",
    "IllegalMoveError",
    "NotationError",
    "Position",
    "Positions",
    "TextError",
    "each_game",
    "new_positions",
    "parse_moves",
    "parse_point",
    "point_name",
    "read_game",
    "read_games",
    "replay",
    "transform_positions",
    "write_game",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
