"""Elo ratings by Bradley-Terry from stored matches, and sequential tests (SPRT)."""
