"""Ratings of players by the Bradley-Terry model, from all their games together, with intervals.

The model (Bradley and Terry 1952; first-player advantage as in Davidson and Beaver 1977): player i, moving first,
scores against j with probability ``1 / (1 + exp(-(r_i - r_j + g)))``. The advantage g is the same for all players. A
draw counts as half a win and half a loss. SciPy's trust-region Newton method finds the r and g of maximum likelihood;
multiplied by 400 / ln 10 they are Elo.

The prior is one drawn game for each player, spread over its opponents in proportion to its real games (as in Coulom's
BayesElo). Without it, 100 wins of 100 would mean an infinite difference. Intervals come from the observed information,
the inverse of the log-likelihood's second derivative. Games of one opening count as independent, which is not quite
true: an opening that favours one colour makes the two players share the points, and the intervals are then a little
too wide.
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

from alphapente.arena.confidence import CONFIDENCE_Z
from alphapente.errors import FailureError, RequestError

ELO = 400 / np.log(10)
"""Elo points of one unit of the model."""
PRIOR_DRAWS = 1.0
"""Drawn games in each player's prior."""
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairing:
    """The points of one player, moving first, against another. `first` and `second` are indices of players."""

    first: int
    second: int
    games: float
    points: float


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Ratings in Elo and their uncertainty. `covariance` [n, n] is that of the anchored ratings."""

    ratings: Array
    covariance: Array
    first_player_elo: float
    first_player_deviation: float
    groups: NDArray[np.int64]
    """The group of each player. Players of different groups are not connected by any chain of games."""
    anchored: NDArray[np.bool_]
    """Whether the player's group has an anchor. The ratings of a group without one have the average 0."""

    def interval(self, player: int) -> tuple[float, float]:
        """95% interval of a player's rating, with the anchors fixed."""
        spread = _half_interval(self.covariance[player, player])
        return float(self.ratings[player]) - spread, float(self.ratings[player]) + spread

    def difference(self, one: int, other: int) -> tuple[float, float]:
        """Elo of `one` minus Elo of `other`, and the half-width of the 95% interval."""
        cov = self.covariance
        variance = cov[one, one] + cov[other, other] - 2 * cov[one, other]
        return float(self.ratings[one] - self.ratings[other]), _half_interval(variance)

    def spread_among(self, player: int, others: NDArray[np.bool_]) -> float:
        """Half-width of the 95% interval of a player's difference from the average of `others`, which include it."""
        weights = np.where(others, -1 / np.count_nonzero(others), 0.0)
        weights[player] += 1
        return _half_interval(float(weights @ self.covariance @ weights))


def _half_interval(variance: float) -> float:
    """Half-width of a 95% interval. Rounding can make the variance of an anchor slightly negative."""
    return CONFIDENCE_Z * float(np.sqrt(max(0.0, variance)))


def fit_ratings(
    num_players: int, pairings: Sequence[Pairing], anchors: Mapping[int, float], prior_draws: float = PRIOR_DRAWS
) -> Fit:
    """The ratings of players 0 to num_players - 1; `anchors` maps players to the Elo at which they are fixed.

    Raises RequestError without games, FailureError if the fit does not converge.
    """
    if not pairings:
        raise RequestError("no games to rate by")
    groups = _groups(num_players, [(pairing.first, pairing.second) for pairing in pairings], directed=False)
    held = dict(anchors)
    anchored_groups = {int(groups[player]) for player in held}
    for player in range(num_players):
        if int(groups[player]) not in {int(groups[one]) for one in held}:
            held[player] = 0.0  # for the fit only; the group is centred below
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
    """Classes of players, numbered from 0. Between two classes one side scored all points.

    The data then only show that the gap is large; its size comes from the prior (Ford 1957).
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
    """Each player's `draws` drawn games, spread over its opponents like its games, half with each colour."""
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
    """The log-likelihood of all games and its derivatives. Parameters: the ratings, then the first-player advantage."""

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
        """The negative log-likelihood."""
        gap = self._gap(values)
        return float(np.sum(self.games * np.logaddexp(0, gap) - self.points * gap))

    def slope(self, values: Array) -> Array:
        """The first derivative of `loss`."""
        excess = self.games * expit(self._gap(values)) - self.points
        slope = np.zeros(self.num_players + 1)
        np.add.at(slope, self.first, excess)
        np.add.at(slope, self.second, -excess)
        slope[-1] = excess.sum()
        return slope

    def curvature(self, values: Array) -> Array:
        """The second derivative of `loss`: the observed information."""
        chance = expit(self._gap(values))
        weight = self.games * chance * (1 - chance)
        found = np.zeros((self.num_players + 1, self.num_players + 1))
        terms = ((self.first, 1.0), (self.second, -1.0), (np.full(len(weight), self.num_players), 1.0))
        for row, row_sign in terms:
            for column, column_sign in terms:
                np.add.at(found, (row, column), row_sign * column_sign * weight)
        return found


def _maximize(data: _Data, start: Array, free: NDArray[np.int64]) -> tuple[Array, Array]:
    """The values of maximum likelihood and their covariance. Values that are not `free` stay fixed: covariance 0."""

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
    """The linear map that gives each group without an anchor the average 0."""
    centre = np.eye(len(groups))
    for group in set(groups[~anchored].tolist()):
        members = np.flatnonzero(groups == group)
        centre[np.ix_(members, members)] -= 1 / len(members)
    return centre
