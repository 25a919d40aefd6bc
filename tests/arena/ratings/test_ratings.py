"""Ratings from stored matches: identities of players, repeated games, anchors."""

import pytest

from alphapente.arena.ratings.ratings import RatingList, rate_matches
from alphapente.errors import RequestError
from alphapente.records.model import Match, MatchGame, PlayerIdentity

RANDOM = PlayerIdentity("random", "reference")
TACTICAL = PlayerIdentity("tactical", "reference")


def net(step: int, digest: str = "d", settings: str = "") -> PlayerIdentity:
    return PlayerIdentity(f"simple step {step} @50", "checkpoint", f"{digest}{step}", settings, "simple", step, 50)


def match(a: PlayerIdentity, b: PlayerIdentity, wins: int, losses: int, start: int = 0) -> Match:
    """`wins` games won by a, `losses` by b, colours in turn; each game's moves are its own number from `start`."""
    games = []
    for number in range(wins + losses):
        first = "ab"[number % 2]
        winner = 1 if (first == "a") == (number < wins) else 2
        games.append(MatchGame("a" if first == "a" else "b", (start + number, 1), 2, winner, "five"))
    return Match(a, b, "pente", 9, 0, "arena", tuple(games))


def rated(*matches: Match, **anchors: float) -> RatingList:
    return rate_matches(matches, "pente", 9, anchors)


def test_players_are_listed_best_first_with_games_and_score() -> None:
    found = rated(match(net(1), RANDOM, 30, 10), match(net(2), net(1), 28, 12, 100), match(net(2), RANDOM, 36, 4, 200))
    assert [player.label for player in found.players] == ["simple step 2 @50", "simple step 1 @50", "random"]
    assert [player.games for player in found.players] == [80, 80, 80]
    assert found.players[0].score == pytest.approx(64 / 80)
    assert (found.anchors, found.players[2].elo, found.games) == ({"random": 0.0}, 0.0, 120)
    assert all(player.low < player.elo < player.high for player in found.players[:2])
    assert all(player.spread is not None for player in found.players)
    elo, spread = found.difference(found.players[0], found.players[1])
    assert elo == pytest.approx(found.players[0].elo - found.players[1].elo)
    assert spread < found.players[0].high - found.players[0].elo + found.players[1].high - found.players[1].elo


def test_equal_games_count_once_whoever_stored_them() -> None:
    once, twice = match(net(1), RANDOM, 15, 5), match(net(1), RANDOM, 15, 5)
    found = rated(once, twice)
    assert (found.games, found.repeated_games) == (20, 20)
    assert found.players[0].elo == rated(once).players[0].elo
    swapped = Match(RANDOM, net(1), "pente", 9, 0, "rate", tuple(
        MatchGame("b" if game.first == "a" else "a", game.moves, 2, game.winner, "five") for game in once.games
    ))  # fmt: skip
    assert rated(once, swapped).repeated_games == 20, "the first player counts, not player A"


def test_the_anchor_is_the_first_reference_there_is_or_as_asked() -> None:
    matches = match(net(1), RANDOM, 30, 10), match(net(1), TACTICAL, 10, 30, 100)
    assert rated(*matches).anchors == {"tactical": 0.0}
    asked = rated(*matches, random=-500)
    assert asked.anchors == {"random": -500.0}
    assert asked.players[-1].elo == -500
    assert rated(match(net(1), net(2), 10, 10)).anchors == {}
    with pytest.raises(RequestError, match="anchor 'nobody': no player is called so; there are random"):
        rated(*matches, nobody=0)


def test_players_of_one_name_get_distinct_labels() -> None:
    same = match(net(1), net(1, "e"), 10, 10), match(net(1), net(1, settings='{"root": "puct"}'), 10, 10, 100)
    labels = {player.label for player in rated(*same).players}
    assert labels == {"simple step 1 @50 #e1", "simple step 1 @50 #d1", 'simple step 1 @50 #d1 {"root": "puct"}'}
    with pytest.raises(RequestError, match="several players"):
        rate_matches(same, "pente", 9, {"simple step 1 @50": 0.0})


def test_one_sided_classes_are_reported() -> None:
    found = rated(match(net(1), RANDOM, 20, 0), match(net(2), net(1), 12, 8, 100), match(net(2), RANDOM, 20, 0, 200))
    assert found.classes == (("simple step 2 @50", "simple step 1 @50"), ("random",))
    assert found.players[2].spread is None
    assert found.players[0].spread is not None
    assert found.players[0].spread < found.players[0].high - found.players[0].elo
    assert rated(match(net(1), net(2), 12, 8)).classes == ()


def test_groups_are_listed_one_after_the_other() -> None:
    found = rated(match(net(5), net(6), 18, 2), match(net(1), RANDOM, 12, 8))
    assert [player.group for player in found.players] == [1, 1, 0, 0]
    assert found.fit.anchored.tolist() == [False, False, True, True]


def test_matches_with_oneself_and_no_matches() -> None:
    with pytest.raises(RequestError, match="no matches of pente 9x9 are stored"):
        rated(match(net(1), net(1), 10, 10))
