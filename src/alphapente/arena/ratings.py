"""The list of ratings: all matches of a variant and board size, each distinct game once, through Bradley and Terry."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphapente.arena.bradley_terry import Fit, Pairing, fit_ratings, one_sided
from alphapente.arena.play_settings import canonical_identity
from alphapente.errors import RequestError
from alphapente.records.model import Match, PlayerIdentity

ANCHORS = ("tactical", "rollouts@1000", "rollouts@10000", "random")
"""References that the scale is hung on, the first that has played: 0 Elo. `random` is last, since whoever searches
beats it every time, and a scale that hangs on such a gap has wide intervals everywhere."""


@dataclass(frozen=True, slots=True, eq=False)
class RatedPlayer:
    """One line of the ratings: Elo with its 95% interval (the anchor held), games that counted, and points."""

    identity: PlayerIdentity
    label: str
    """Its name, with more of its identity where two players would share it."""
    elo: float
    low: float
    high: float
    spread: float | None
    """Half the 95% interval of its distance from the average of its class: those with whom points went both ways,
    themselves or through others. None where it is alone in its class."""
    games: int
    points: float
    group: int

    @property
    def score(self) -> float:
        """Share of the points, 0 to 1."""
        return self.points / self.games


@dataclass(frozen=True, slots=True, eq=False)
class RatingList:
    """All players of a variant and board size, best first within each group; the anchored groups come first."""

    variant: str
    board_size: int
    players: tuple[RatedPlayer, ...]
    anchors: dict[str, float]
    fit: Fit
    order: tuple[int, ...]
    """The place in `fit` of each of `players`."""
    games: int
    repeated_games: int
    """Games that were the same, move by move, as an earlier one between the same two: they tell nothing new."""
    classes: tuple[tuple[str, ...], ...]
    """Labels of the players of each class of `one_sided`, where there are several in a group; else empty."""

    def difference(self, one: RatedPlayer, other: RatedPlayer) -> tuple[float, float]:
        """How far `one` is above `other`, and half the 95% interval of that."""
        places = dict(zip((player.label for player in self.players), self.order, strict=True))
        return self.fit.difference(places[one.label], places[other.label])


def rate_matches(
    matches: Sequence[Match], variant: str, size: int, anchors: Mapping[str, float] | None = None
) -> RatingList:
    """Rates all players of these matches, which are of one variant and board size.

    `anchors` are Elo by name or label; without any, the first of ANCHORS that has played is 0. Raises RequestError
    where there are no games, or an anchor is nobody's name.
    """
    players, pairings, games, repeated = _collect(matches)
    if not pairings:
        raise RequestError(
            f"no matches of {variant} {size}x{size} are stored: play some with `alphapente arena A B --store`, "
            "or `alphapente rate --games N`"
        )
    labels = _labels(players)
    held = _held(players, labels, anchors)
    fit = fit_ratings(len(players), pairings, held)
    played, points = np.zeros(len(players)), np.zeros(len(players))
    for one in pairings:
        played[[one.first, one.second]] += one.games
        points[one.first] += one.points
        points[one.second] += one.games - one.points
    classes = one_sided(len(players), pairings)
    order = sorted(
        range(len(players)), key=lambda place: (not fit.anchored[place], int(fit.groups[place]), -fit.ratings[place])
    )
    rated = tuple(
        RatedPlayer(
            identity=players[place],
            label=labels[place],
            elo=float(fit.ratings[place]),
            low=fit.interval(place)[0],
            high=fit.interval(place)[1],
            spread=_spread(fit, place, classes),
            games=int(played[place]),
            points=float(points[place]),
            group=int(fit.groups[place]),
        )
        for place in order
    )
    named = {labels[place]: elo for place, elo in held.items()}
    class_labels = _class_labels(classes, fit, labels, order)
    return RatingList(variant, size, rated, named, fit, tuple(order), games, repeated, class_labels)


def warnings(ratings: RatingList) -> list[str]:
    """What must be known to read the numbers right."""
    lines = []
    groups = len({player.group for player in ratings.players})
    if groups > 1:
        lines.append(
            f"The players are {groups} groups that have never met, not even through others: numbers of different "
            "groups cannot be compared. A match between any two of them joins them."
        )
    if not all(ratings.fit.anchored):
        lines.append("A group without an anchor is rated about its own average: --anchor NAME=ELO holds one of it.")
    if ratings.classes:
        classes = " > ".join(", ".join(names[:3]) + (" ..." if len(names) > 3 else "") for names in ratings.classes)
        lines.append(
            f"All points went one way between these: {classes}. Each such gap is at least large; how large it "
            "says here comes from the drawn games given."
        )
    return lines


def _spread(fit: Fit, place: int, classes: NDArray[np.int64]) -> float | None:
    alike = classes == classes[place]
    return fit.spread_among(place, alike) if alike.sum() > 1 else None


def _collect(matches: Sequence[Match]) -> tuple[list[PlayerIdentity], list[Pairing], int, int]:
    """Players in the order of their first match, what they scored, games that counted and games that were repeats."""
    places: dict[PlayerIdentity, int] = {}
    scores: dict[tuple[int, int], list[float]] = {}
    seen: set[tuple[int, int, tuple[int, ...]]] = set()
    repeated = 0
    for match in matches:
        one, other = canonical_identity(match.player_a), canonical_identity(match.player_b)
        if one == other:
            continue
        for game in match.games:
            ends = (one, other) if game.first == "a" else (other, one)
            first, second = (places.setdefault(player, len(places)) for player in ends)
            if (first, second, game.moves) in seen:
                repeated += 1
                continue
            seen.add((first, second, game.moves))
            total = scores.setdefault((first, second), [0, 0.0])
            total[0] += 1
            total[1] += {1: 1.0, 2: 0.0, 0: 0.5}[game.winner]
    pairings = [Pairing(*pair, *total) for pair, total in scores.items()]
    return list(places), pairings, len(seen), repeated


def check_anchors(anchors: Mapping[str, float], matches: Sequence[Match], others: Sequence[PlayerIdentity]) -> None:
    """Raises the RequestError of `rate_matches` for anchors once these matches and matches of `others` are stored."""
    players = list(dict.fromkeys([*_collect(matches)[0], *others]))
    _held(players, _labels(players), anchors)


def _labels(players: Sequence[PlayerIdentity]) -> list[str]:
    """A name for each player that no other has: its own, with its weights' digest and settings where need be."""
    shared = Counter(player.name for player in players)
    named = [
        player.name if shared[player.name] == 1 else f"{player.name} #{player.digest[:8]}".removesuffix(" #")
        for player in players
    ]
    shared = Counter(named)
    named = [
        name if shared[name] == 1 or not player.settings else f"{name} {player.settings}"
        for name, player in zip(named, players, strict=True)
    ]
    shared = Counter(named)
    return [name if shared[name] == 1 else f"{name} ({place + 1})" for place, name in enumerate(named)]


def _held(
    players: Sequence[PlayerIdentity], labels: Sequence[str], anchors: Mapping[str, float] | None
) -> dict[int, float]:
    """The place of each anchor, and its Elo."""
    if anchors:
        held = {}
        for name, elo in anchors.items():
            places = [p for p, player in enumerate(players) if name in (player.name, labels[p])]
            if len(places) != 1:
                problem = "no player is called so" if not places else "several players are called so"
                raise RequestError(f"anchor {name!r}: {problem}; there are " + ", ".join(sorted(labels)[:20]))
            held[places[0]] = elo
        return held
    for name in ANCHORS:
        for place, player in enumerate(players):
            if player.kind == "reference" and player.name == name:
                return {place: 0.0}
    return {}


def _class_labels(
    classes: NDArray[np.int64], fit: Fit, labels: Sequence[str], order: Sequence[int]
) -> tuple[tuple[str, ...], ...]:
    """The classes' labels, best first, of the groups that have several of them."""
    split = {group for group in set(fit.groups.tolist()) if len(set(classes[fit.groups == group].tolist())) > 1}
    found: dict[int, list[str]] = {}
    for place in order:
        if int(fit.groups[place]) in split:
            found.setdefault(int(classes[place]), []).append(labels[place])
    return tuple(tuple(names) for names in found.values())
