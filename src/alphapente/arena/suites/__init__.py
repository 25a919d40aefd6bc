"""Suites: positions with known right moves, solved by the raw policy and by searches.

Exports the module `suite`, and the built-in suites as JSON. May import `arena.players`, and what `arena` may.
"""
