"""Ratings against closed forms and against players of known strength."""

import numpy as np
import pytest

from alphapente.arena.ratings.bradley_terry import ELO, Pairing, fit_ratings, one_sided
from alphapente.errors import RequestError

TRUE = np.array([0.0, 120.0, 200.0, 310.0, 350.0, 400.0, 480.0])
PAIRS = [(i, j) for i in range(len(TRUE)) for j in range(i + 1, len(TRUE)) if j - i in (1, 2, 4)]
FIRST_PLAYER = 60.0


def simulated(rng: np.random.Generator, games: int) -> list[Pairing]:
    """Simulates `games` games of each pair of PAIRS with each colour by the model itself."""
    found = []
    for one, other in PAIRS:
        for first, second in ((one, other), (other, one)):
            chance = 1 / (1 + 10 ** (-(TRUE[first] - TRUE[second] + FIRST_PLAYER) / 400))
            found.append(Pairing(first, second, games, float(rng.binomial(games, chance))))
    return found


def test_two_players_have_the_elo_of_their_score() -> None:
    """Without a prior the difference is that of the score, 75% here: 400 log10 3; its error is 1 / sqrt(n p q)."""
    fit = fit_ratings(2, [Pairing(0, 1, 100, 75), Pairing(1, 0, 100, 25)], {1: 100.0}, prior_draws=0)
    assert fit.ratings == pytest.approx([100 + 400 * np.log10(3), 100])
    assert fit.first_player_elo == pytest.approx(0, abs=1e-6)
    low, high = fit.interval(0)
    assert high - low == pytest.approx(2 * 1.96 * ELO / np.sqrt(200 * 0.75 * 0.25), rel=1e-4)
    assert fit.interval(1) == pytest.approx((100.0, 100.0))
    assert fit.difference(0, 1)[0] == pytest.approx(400 * np.log10(3))


def test_the_first_player_s_advantage_is_separated_from_strength() -> None:
    fit = fit_ratings(2, [Pairing(0, 1, 100, 80), Pairing(1, 0, 100, 80)], {0: 0.0}, prior_draws=0)
    assert fit.ratings == pytest.approx([0, 0], abs=1e-6)
    assert fit.first_player_elo == pytest.approx(400 * np.log10(4))


def test_draws_are_half_points_and_the_order_of_pairings_means_nothing() -> None:
    drawn = fit_ratings(2, [Pairing(0, 1, 40, 20), Pairing(1, 0, 40, 20)], {0: 0.0})
    assert drawn.ratings == pytest.approx([0, 0], abs=1e-6)
    pairings = simulated(np.random.default_rng(5), 20)
    halves = [Pairing(p.first, p.second, p.games / 2, p.points / 2) for p in pairings]
    again = fit_ratings(len(TRUE), [*reversed(halves), *halves], {0: 0.0})
    np.testing.assert_allclose(again.ratings, fit_ratings(len(TRUE), pairings, {0: 0.0}).ratings, atol=1e-3)


def test_intervals_hold_the_true_rating_with_their_confidence() -> None:
    """500 tournaments of known strengths: 95% intervals of ratings and of differences hold the truth in 93 to 97%."""
    rng = np.random.default_rng(11)
    hits, errors, advantage = [], [], []
    for _ in range(500):
        fit = fit_ratings(len(TRUE), simulated(rng, 10), {0: 0.0})
        for player in range(1, len(TRUE)):
            low, high = fit.interval(player)
            hits.append(low <= TRUE[player] <= high)
            errors.append(fit.ratings[player] - TRUE[player])
        elo, spread = fit.difference(6, 2)
        hits.append(abs(elo - (TRUE[6] - TRUE[2])) <= spread)
        advantage.append(abs(fit.first_player_elo - FIRST_PLAYER) <= 1.96 * fit.first_player_deviation)
    assert 0.93 <= np.mean(hits) <= 0.97
    assert 0.92 <= np.mean(advantage) <= 0.98
    assert abs(np.mean(errors)) < 15, "the prior's drawn games have little effect"


def test_openings_that_favour_a_colour_make_intervals_wide_not_narrow() -> None:
    """Each opening is worth up to hundreds of Elo to one colour; both games of it are played. The truth is what the
    players score over the openings, found here by a very long simulation."""
    rng = np.random.default_rng(4)

    def match(openings: int) -> list[Pairing]:
        worth = rng.normal(0, 300, openings)
        points = {}
        for first, sign in ((0, -1), (1, 1)):
            gap = sign * 100 + worth if first == 1 else -100 + worth
            points[first] = float(np.sum(rng.random(openings) < 1 / (1 + 10 ** (-gap / 400))))
        return [Pairing(0, 1, openings, points[0]), Pairing(1, 0, openings, points[1])]

    truth = float(fit_ratings(2, match(400_000), {0: 0.0}).ratings[1])
    hits = []
    for _ in range(400):
        low, high = fit_ratings(2, match(60), {0: 0.0}).interval(1)
        hits.append(low <= truth <= high)
    assert np.mean(hits) >= 0.95


def test_all_wins_are_a_finite_gap_and_a_wide_interval() -> None:
    pairings = [Pairing(0, 1, 50, 50), Pairing(1, 0, 50, 0)]
    fit = fit_ratings(2, pairings, {1: 0.0})
    assert 700 < fit.ratings[0] < 1000
    low, high = fit.interval(0)
    assert high - low > 500
    assert len(set(one_sided(2, pairings).tolist())) == 2
    assert len(set(one_sided(2, [Pairing(0, 1, 10, 9.5)]).tolist())) == 1


def test_groups_that_never_met_are_rated_apart() -> None:
    pairings = [Pairing(0, 1, 100, 75), Pairing(1, 0, 100, 25), Pairing(2, 3, 100, 75), Pairing(3, 2, 100, 25)]
    fit = fit_ratings(4, pairings, {1: 50.0}, prior_draws=0)
    gap = 400 * np.log10(3)
    assert fit.ratings == pytest.approx([50 + gap, 50, gap / 2, -gap / 2])
    assert fit.groups[0] == fit.groups[1] != fit.groups[2] == fit.groups[3]
    assert fit.anchored.tolist() == [True, True, False, False]
    alone = fit_ratings(2, pairings[:2], {}, prior_draws=0)
    assert alone.ratings == pytest.approx([gap / 2, -gap / 2])
    low, high = alone.interval(0)
    assert high - low == pytest.approx(fit.interval(2)[1] - fit.interval(2)[0])


def test_several_anchors_are_all_held() -> None:
    fit = fit_ratings(len(TRUE), simulated(np.random.default_rng(2), 20), {0: 0.0, 6: 480.0})
    assert (fit.ratings[0], fit.ratings[6]) == (pytest.approx(0), pytest.approx(480))
    assert fit.interval(6) == pytest.approx((480, 480))


def test_no_games_are_refused() -> None:
    with pytest.raises(RequestError, match="no games"):
        fit_ratings(2, [], {})
