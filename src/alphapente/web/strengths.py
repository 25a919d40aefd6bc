"""The engine's playing strengths against a person, from a beginner's level to its full strength."""

from dataclasses import dataclass

from alphapente.web.errors import WebError


@dataclass(frozen=True, slots=True)
class Strength:
    """Simulations a move, and the temperature at which the move is drawn.

    `temperature` 0 plays the best move found; above 0, moves are drawn by policy ** (1 / temperature). With 0
    simulations the policy is that of the network.
    """

    id: str
    title: str
    simulations: int
    temperature: float = 0.0


STRENGTHS = (
    Strength("first game", "First game: no search, random moves are frequent", 0, 1.0),
    Strength("beginner", "Beginner: no search", 0, 0.5),
    Strength("casual", "Casual: a short search", 16, 0.3),
    Strength("club", "Club: a longer search", 64),
    Strength("strong", "Strong", 200),
    Strength("expert", "Expert", 800),
    Strength("full", "Full: the longest search", 3200),
)
DEFAULT_STRENGTH = "club"


def strength_named(name: str) -> Strength:
    """The strength of this id. Raises WebError for an unknown id."""
    for one in STRENGTHS:
        if one.id == name:
            return one
    known = ", ".join(one.id for one in STRENGTHS)
    raise WebError(400, "bad_strength", f"unknown strength {name!r}: choose one of {known}")
