"""How strongly the engine plays for a person: from a first game to all that it can."""

from dataclasses import dataclass

from alphapente.web.errors import WebError


@dataclass(frozen=True, slots=True)
class Strength:
    """Simulations a move, and how the move is drawn from what they find.

    `temperature` 0 plays the best move found; above, moves are drawn by policy ** (1 / temperature). Without
    simulations the policy is the network's own.
    """

    id: str
    title: str
    simulations: int
    temperature: float = 0.0


STRENGTHS = (
    Strength("first game", "First game: plays by feeling, and often wanders", 0, 1.0),
    Strength("beginner", "Beginner: plays by feeling", 0, 0.5),
    Strength("casual", "Casual: a glance ahead", 16, 0.3),
    Strength("club", "Club: looks ahead", 64),
    Strength("strong", "Strong", 200),
    Strength("expert", "Expert", 800),
    Strength("full", "Full: takes its time", 3200),
)
DEFAULT_STRENGTH = "club"


def strength_named(name: str) -> Strength:
    """The strength of this id. Raises WebError for none."""
    for one in STRENGTHS:
        if one.id == name:
            return one
    known = ", ".join(one.id for one in STRENGTHS)
    raise WebError(400, "bad_strength", f"unknown strength {name!r}: choose one of {known}")
