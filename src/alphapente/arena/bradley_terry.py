"""Ratings of players by the Bradley-Terry model, from all their games together, with intervals.

The model (Bradley and Terry 1952; with an advantage of the first player as in Davidson and Beaver 1977): player i,
moving first, scores against j with probability ``1 / (1 + exp(-(r_i - r_j + g)))``, g the same for all; a draw is half
a win and half a loss. r and g are those of the greatest likelihood, found by SciPy's Newton method in a trust region;
in Elo they are multiplied by 400 / ln 10.

So that 100 wins of 100 do not mean an infinite difference, each player is given one drawn game, spread over its
opponents as its real games are (the prior of Coulom's BayesElo). Intervals are from the observed information: the
inverse of the log-likelihood's second derivative. Games of one opening count as independent, which they are not quite:
an opening that is better for one colour makes them share the points, and the intervals are then a little too wide.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from alphapente.errors import FailureError, RequestError

ELO = 400 / np.log(10)
"""Elo points of one unit of the model."""
CONFIDENCE_Z = 1.959964
"""Half-width of a 95% interval in standard deviations."""
PRIOR_DRAWS = 1.0
"""Drawn games that each player is given."""
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairing:
    """What one player, moving first, has scored against another: their places in the list of players."""

    first: int
    second: int
    games: float
    points: float


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Ratings in Elo and how sure they are. `covariance` [n, n] is of the ratings as they are anchored."""

    ratings: Array
    covariance: Array
    first_player_elo: float
    first_player_deviation: float
    groups: NDArray[np.int64]
    """The group of each player: players of different groups have never met, not even through others."""
    anchored: NDArray[np.bool_]
    """Whether the player's group holds an anchor; the ratings of one that holds none are about their own average."""

    def interval(self, player: int) -> tuple[float, float]:
        """95% interval of a player's rating, the anchor being held."""
        spread = _half_interval(self.covariance[player, player])
        return float(self.ratings[player]) - spread, float(self.ratings[player]) + spread

    def difference(self, one: int, other: int) -> tuple[float, float]:
        """How far `one` is above `other`, and half the 95% interval of that."""
        cov = self.covariance
        variance = cov[one, one] + cov[other, other] - 2 * cov[one, other]
        return float(self.ratings[one] - self.ratings[other]), _half_interval(variance)

    def spread_among(self, player: int, others: NDArray[np.bool_]) -> float:
        """Half the 95% interval of a player's distance from the average of these players, itself among them."""
        weights = np.where(others, -1 / np.count_nonzero(others), 0.0)
        weights[player] += 1
        return _half_interval(float(weights @ self.covariance @ weights))


def _half_interval(variance: float) -> float:
    """Half a 95% interval; rounding may have made the variance of what is held a little negative."""
    return CONFIDENCE_Z * float(np.sqrt(max(0.0, variance)))


def fit_ratings(
    num_players: int, pairings: Sequence[Pairing], anchors: Mapping[int, float], prior_draws: float = PRIOR_DRAWS
) -> Fit:
    """The ratings of players 0 to num_players - 1; `anchors` are those held at an Elo, by place.

    Raises RequestError without games, FailureError where the fit does not come to an end.
    """
    if not pairings:
        raise RequestError("no games to rate by")
    groups = _groups(num_players, [(pairing.first, pairing.second) for pairing in pairings], directed=False)
    held = dict(anchors)
    anchored_groups = {int(groups[player]) for player in held}
    for player in range(num_players):
        if int(groups[player]) not in {int(groups[one]) for one in held}:
            held[player] = 0.0  # for the fit; moved to the group's average below
    data = _Data(num_players, [*pairings, *_prior(num_players, pairings, prior_draws)])
    free = np.array([player for player in range(num_players) if player not in held] + [num_players])
    start = np.zeros(num_players + 1)
    for player, elo in held.items():
        start[player] = elo / ELO
    values, covariance = _maximize(data, start, free)
    anchored = np.array([int(group) in anchored_groups for group in groups])
    centre = _centring(groups, anchored)
    ratings = centre @ values[:num_players]
    return Fit(
        ratings=ratings * ELO,
        covariance=centre @ covariance[:num_players, :num_players] @ centre.T * ELO**2,
        first_player_elo=float(values[num_players]) * ELO,
        first_player_deviation=float(np.sqrt(covariance[num_players, num_players])) * ELO,
        groups=groups,
        anchored=anchored,
    )


def one_sided(num_players: int, pairings: Sequence[Pairing]) -> NDArray[np.int64]:
    """Classes of players, numbered from 0: between players of two classes, all points went the same way.

    The data only say that the gap between two classes is large; how large, the prior does (Ford 1957).
    """
    won = [(one.first, one.second) for one in pairings if one.points > 0]
    won += [(one.second, one.first) for one in pairings if one.points < one.games]
    return _groups(num_players, won, directed=True)


def _groups(num_players: int, edges: Sequence[tuple[int, int]], directed: bool) -> NDArray[np.int64]:
    ends = np.array(edges, np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(num_players, num_players))
    connection = "strong" if directed else "weak"
    labels: NDArray[np.int64] = connected_components(graph, directed=True, connection=connection)[1].astype(np.int64)
    return labels


def _prior(num_players: int, pairings: Sequence[Pairing], draws: float) -> list[Pairing]:
    """Drawn games: each player's `draws` spread over its opponents as its games are, half of them with each colour."""
    played = np.zeros(num_players)
    met: defaultdict[tuple[int, int], float] = defaultdict(float)
    for pairing in pairings:
        played[[pairing.first, pairing.second]] += pairing.games
        met[(min(pairing.first, pairing.second), max(pairing.first, pairing.second))] += pairing.games
    given = []
    for (one, two), games in met.items():
        share = draws * (games / played[one] + games / played[two]) / 2
        given += [Pairing(one, two, share, share / 2), Pairing(two, one, share, share / 2)]
    return given


class _Data:
    """The log-likelihood of all games, and its derivatives. Parameters: the ratings, then the first player's."""

    def __init__(self, num_players: int, pairings: Sequence[Pairing]) -> None:
        self.num_players = num_players
        self.first = np.array([one.first for one in pairings])
        self.second = np.array([one.second for one in pairings])
        self.games = np.array([one.games for one in pairings])
        self.points = np.array([one.points for one in pairings])

    def _gap(self, values: Array) -> Array:
        gap: Array = values[self.first] - values[self.second] + values[-1]
        return gap

    def loss(self, values: Array) -> float:
        """The log-likelihood, with the sign changed."""
        gap = self._gap(values)
        return float(np.sum(self.games * np.logaddexp(0, gap) - self.points * gap))

    def slope(self, values: Array) -> Array:
        """Its first derivative."""
        excess = self.games * expit(self._gap(values)) - self.points
        slope = np.zeros(self.num_players + 1)
        np.add.at(slope, self.first, excess)
        np.add.at(slope, self.second, -excess)
        slope[-1] = excess.sum()
        return slope

    def curvature(self, values: Array) -> Array:
        """Its second derivative: the observed information."""
        chance = expit(self._gap(values))
        weight = self.games * chance * (1 - chance)
        found = np.zeros((self.num_players + 1, self.num_players + 1))
        terms = ((self.first, 1.0), (self.second, -1.0), (np.full(len(weight), self.num_players), 1.0))
        for row, row_sign in terms:
            for column, column_sign in terms:
                np.add.at(found, (row, column), row_sign * column_sign * weight)
        return found


def _maximize(data: _Data, start: Array, free: NDArray[np.int64]) -> tuple[Array, Array]:
    """The values of greatest likelihood, those not `free` kept, and their covariance (0 for what is kept)."""

    def whole(values: Array) -> Array:
        every = start.copy()
        every[free] = values
        return every

    found = minimize(
        lambda values: data.loss(whole(values)),
        start[free],
        jac=lambda values: data.slope(whole(values))[free],
        hess=lambda values: data.curvature(whole(values))[np.ix_(free, free)],
        method="trust-exact",
        options={"gtol": 1e-6, "maxiter": 10_000},
    )
    if not np.all(np.isfinite(found.x)) or np.max(np.abs(found.jac)) > 1e-3:
        raise FailureError(f"the ratings could not be fitted: {found.message}")
    values = whole(found.x)
    covariance = np.zeros((len(start), len(start)))
    covariance[np.ix_(free, free)] = np.linalg.inv(data.curvature(values)[np.ix_(free, free)])
    return values, covariance


def _centring(groups: NDArray[np.int64], anchored: NDArray[np.bool_]) -> Array:
    """The linear map that moves each group without an anchor so that its average is 0."""
    centre = np.eye(len(groups))
    for group in set(groups[~anchored].tolist()):
        members = np.flatnonzero(groups == group)
        centre[np.ix_(members, members)] -= 1 / len(members)
    return centre
