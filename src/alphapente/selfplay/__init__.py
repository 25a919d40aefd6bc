"""Self-play: plays games by search and network and stores each when it ends."""

from alphapente.selfplay.generate import generate

__all__ = ["generate"]
