"""Elo ratings by Bradley-Terry from stored matches, and sequential tests (SPRT).

Exports modules; start with `ratings` and `sprt`. May import `arena.matches`, `arena.players`, and what `arena` may.
"""
