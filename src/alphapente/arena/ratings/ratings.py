"""Ratings of all matches of a variant and board size by the Bradley-Terry model. A repeated game counts once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphapente.arena.players.play_settings import canonical_identity
from alphapente.arena.ratings.bradley_terry import Fit, Pairing, fit_ratings, one_sided
from alphapente.errors import RequestError
from alphapente.records.model import Match, PlayerIdentity
from alphapente.rules.position import DRAW, PLAYER_1, PLAYER_2

ANCHORS = ("tactical", "rollouts@1000", "rollouts@10000", "random")
"""Reference players that can anchor the scale. The first that has played is 0 Elo. `random` is last: every player with
search beats it in every game, and a scale with such a gap at its anchor has wide intervals everywhere."""


@dataclass(frozen=True, slots=True, eq=False)
class RatedPlayer:
    """One line of the ratings: Elo with its 95% interval (anchors fixed), games that counted, and points."""

    identity: PlayerIdentity
    label: str
    """Its name; with more of its identity if two players have the same name."""
    elo: float
    low: float
    high: float
    spread: float | None
    """Half-width of the 95% interval of its difference from the average of its class (see `one_sided`). None if it is
    alone in its class."""
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
    """The index in `fit` of each of `players`."""
    games: int
    repeated_games: int
    """Games with the same moves as an earlier one between the same players. They add no information."""
    classes: tuple[tuple[str, ...], ...]
    """Labels of the players of each class of `one_sided`, for groups with several classes; else empty."""

    def difference(self, one: RatedPlayer, other: RatedPlayer) -> tuple[float, float]:
        """Elo of `one` minus Elo of `other`, and the half-width of the 95% interval."""
        places = dict(zip((player.label for player in self.players), self.order, strict=True))
        return self.fit.difference(places[one.label], places[other.label])


def rate_matches(
    matches: Sequence[Match], variant: str, size: int, anchors: Mapping[str, float] | None = None
) -> RatingList:
    """Rates all players of these matches, which are of one variant and board size.

    `anchors` maps names or labels to Elo; without any, the first of ANCHORS that has played is 0. Raises RequestError
    if there are no games, or an anchor is not the name of a player.
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
    """Warnings about the limits of the numbers."""
    lines = []
    groups = len({player.group for player in ratings.players})
    if groups > 1:
        lines.append(
            f"The players are {groups} groups that no chain of games connects: numbers of different groups cannot be "
            "compared. A match between players of two groups connects them."
        )
    if not all(ratings.fit.anchored):
        lines.append("A group without an anchor has the average 0: --anchor NAME=ELO sets one.")
    if ratings.classes:
        classes = " > ".join(", ".join(names[:3]) + (" ..." if len(names) > 3 else "") for names in ratings.classes)
        lines.append(
            f"One side scored all points between these: {classes}. Each such gap is large; its size here comes from "
            "the prior's drawn games."
        )
    return lines


def _spread(fit: Fit, place: int, classes: NDArray[np.int64]) -> float | None:
    alike = classes == classes[place]
    return fit.spread_among(place, alike) if alike.sum() > 1 else None


def _collect(matches: Sequence[Match]) -> tuple[list[PlayerIdentity], list[Pairing], int, int]:
    """Players in the order of their first match, their scores, and the numbers of counted and of repeated games."""
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
            total[1] += {PLAYER_1: 1.0, PLAYER_2: 0.0, DRAW: 0.5}[game.winner]
    pairings = [Pairing(*pair, *total) for pair, total in scores.items()]
    return list(places), pairings, len(seen), repeated


def check_anchors(anchors: Mapping[str, float], matches: Sequence[Match], others: Sequence[PlayerIdentity]) -> None:
    """Raises RequestError for anchors that `rate_matches` would refuse after these matches and matches of `others`."""
    players = list(dict.fromkeys([*_collect(matches)[0], *others]))
    _held(players, _labels(players), anchors)


def _labels(players: Sequence[PlayerIdentity]) -> list[str]:
    """A unique name for each player: its own, with its weights' digest and settings if necessary."""
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
    """Maps the index of each anchor to its Elo."""
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
    """The classes' labels, best first, of groups with several classes."""
    split = {group for group in set(fit.groups.tolist()) if len(set(classes[fit.groups == group].tolist())) > 1}
    found: dict[int, list[str]] = {}
    for place in order:
        if int(fit.groups[place]) in split:
            found.setdefault(int(classes[place]), []).append(labels[place])
    return tuple(tuple(names) for names in found.values())
