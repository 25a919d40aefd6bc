"""Self-play: workers play games by search and network, and each game is stored with its records when it ends.

Exports `generate`, one generation. May import `records` and what that may.
"""

from alphapente.selfplay.generate import generate

__all__ = ["generate"]
