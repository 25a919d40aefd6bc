"""Players: networks, reference players, foreign engines by GTP, and the engine that plays a person.

Exports modules; `base` is the interface, `spec` makes a player from its specification. May import what `arena` may.
"""
