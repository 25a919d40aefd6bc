"""Players: networks, reference players, foreign engines by GTP, and the engine that plays a person."""
