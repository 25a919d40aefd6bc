"""Matches: openings, games between two players, tournaments, and their storage.

Exports modules; start with `match` and `tournament`. May import `arena.players`, and what `arena` may.
"""
