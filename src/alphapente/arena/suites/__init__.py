"""Suites: positions with known right moves, solved by the raw policy and by searches."""
