"""Players against players: openings, matches, the engine that plays a person."""
