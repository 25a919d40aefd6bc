"""Games between players: openings, matches, ratings, suites, and the engine that plays against a person."""
