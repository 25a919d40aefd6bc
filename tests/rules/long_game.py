"""A game of poof in which the captures of both players stay equal without end."""

from alphapente.rules.game import Game

OPENING = "1. K10 G11 2. G9 H10 3. A19 J10 4. C19 G8"
CYCLE = ["G10", "H10", "G9", "J10"]
"""The first stone captures a pair and loses a pair; then both players play these points again."""


def long_game(plies: int) -> Game:
    game = Game.from_moves(OPENING, "poof")
    while len(game.moves) < plies:
        game.play(CYCLE[(len(game.moves) - 8) % 4])
    return game
