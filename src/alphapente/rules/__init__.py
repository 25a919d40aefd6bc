"""The rules of Pente and its variants: positions, legal points, what a stone does, notation and game text.

The names below load when first used, so that importing a light part of this room (positions, notation) does not
load the compiler of the kernels.
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

_HOMES = {
    "game": ("Game",),
    "gametext": ("GameText", "each_game", "read_game", "read_games", "write_game"),
    "legality": ("IllegalMoveError", "replay"),
    "notation": ("NotationError", "TextError", "parse_moves", "parse_point", "point_name"),
    "position": ("MAX_SIZE", "MIN_SIZE", "POSITION", "VARIANTS", "Position", "Positions", "new_positions"),
    "symmetry": ("SYMMETRIES", "transform_positions"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

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
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
