"""Games between players: openings, matches, ratings, suites, and the engine that plays against a person.

Exports the packages `players`, `matches`, `ratings` and `suites`. May import `records` and what that may.
"""
