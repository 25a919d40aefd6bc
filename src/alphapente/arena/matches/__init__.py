"""Matches: openings, games between two players, tournaments, and their storage."""
