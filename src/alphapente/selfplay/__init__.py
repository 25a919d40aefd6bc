"""Self-play: games by search and network, each stored as it ends."""

from alphapente.selfplay.generate import generate

__all__ = ["generate"]
