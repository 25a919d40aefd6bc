"""The sparse round robin: pairs, games that are not repeated, real processes."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from alphapente.arena.matches.games import PlayedGame
from alphapente.arena.matches.match import NO_HOOKS, MatchHooks, plan_games, play_planned
from alphapente.arena.matches.results import StoredMatch
from alphapente.arena.matches.tournament import Contestant, Job, Played, plan, play_jobs
from alphapente.arena.players.base import ChosenMove, Player, RandomPlayer, Turn
from alphapente.arena.players.identity import player_identity
from alphapente.config import Config, load_config
from alphapente.errors import FailureError, RequestError
from alphapente.records.model import Match, MatchGame, PlayerIdentity, Purpose
from alphapente.records.store import Store


def contestant(name: str) -> Contestant:
    return Contestant(name, PlayerIdentity(name, "reference"))


NETS = [contestant(f"net{number}") for number in range(6)]
REFERENCES = [contestant("random"), contestant("tactical")]


def settings(folder: Path) -> Config:
    return load_config(None, [f"records.database={folder / 'records.db'}", "game.board_size=9"])


class OneAtATime(RandomPlayer):
    """Plays one game after the other, so that games do not end together."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.games_at_once = 1

    def choose(self, turns: Sequence[Turn]) -> list[ChosenMove]:
        time.sleep(0.002)
        return super().choose(turns)


def random_player(word: str, config: Config, games: int) -> Player:
    """Every word is a random player, except those that fail, die or are slow."""
    if word == "one at a time":
        return OneAtATime(word)
    if word == "failing":
        raise RequestError("it does not want to")
    if word == "dying":
        os._exit(3)
    if word == "slow":
        time.sleep(60)
    return RandomPlayer(word)


def unheard(played: Played) -> None:
    pass


def pairs(jobs: list[Job]) -> set[tuple[str, str]]:
    return {(job.one.word, job.other.word) for job in jobs}


def test_each_meets_its_neighbours_and_some_the_references() -> None:
    jobs = plan(NETS, REFERENCES, 10, [], apart=(1, 4))
    assert pairs(jobs) == (
        {(f"net{i}", f"net{i + 1}") for i in range(5)}
        | {("net0", "net4"), ("net1", "net5")}
        | {(net.word, reference.word) for net in (NETS[0], NETS[3], NETS[5]) for reference in REFERENCES}
        | {("random", "tactical")}
    )
    assert {job.games for job in jobs} == {10}
    assert [job.games for job in plan(NETS[:2], [], 49, [])] == [20, 20, 10], "in matches that are short enough to lose"
    assert len({job.seed for job in jobs}) == len(jobs)
    assert plan(NETS, REFERENCES, 10, [], apart=(1, 4)) == jobs, "the same plan each time"


def test_what_is_stored_is_not_played_again() -> None:
    def stored(one: Contestant, other: Contestant, games: int) -> Match:
        game = MatchGame("a", (1,), 0, 1, "five")
        return Match(one.identity, other.identity, "pente", 9, 0, "arena", (game,) * games)

    nets = NETS[:3]
    first = {job.seed for job in plan(nets, [], 10, [], apart=(1, 2))}
    jobs = plan(nets, [], 10, [stored(NETS[1], NETS[0], 10), stored(NETS[1], NETS[2], 5)], apart=(1, 2))
    assert {(job.one.word, job.other.word, job.games) for job in jobs} == {("net1", "net2", 6), ("net0", "net2", 10)}
    rest = next(job for job in jobs if job.games == 6)
    assert rest.seed in first, "the first match of this command: what is stored is of another one"


def test_an_interrupted_match_is_completed_before_another_begins() -> None:
    def stored(job: Job, numbers: list[int], purpose: Purpose = "rate") -> Match:
        games = tuple(MatchGame("a", (1,), 0, 1, "five", number) for number in numbers)
        return Match(job.one.identity, job.other.identity, "pente", 9, job.seed, purpose, games)

    first, second = plan(NETS[:2], [], 40, [])
    assert (first.games, first.missing) == (20, 20)
    begun = [stored(first, [0, 1, 4, 5, 6, 7])]
    again = plan(NETS[:2], [], 40, begun)
    assert again == [replace(first, missing=14), second]
    assert plan(NETS[:2], [], 10, begun) == [replace(first, games=10, missing=4)]
    assert plan(NETS[:2], [], 6, begun) == []
    assert plan(NETS[1::-1], [], 40, begun)[0] == again[0], "with the players as they are stored"
    assert plan(NETS[:2], [], 40, [stored(first, [0, 1], "arena")])[0].missing == 20
    complete = [stored(first, [*range(20)]), stored(second, [*range(10)])]
    assert plan(NETS[:2], [], 40, complete) == [replace(second, missing=10)]


def test_jobs_are_played_in_processes_and_stored(tmp_path: Path) -> None:
    config = settings(tmp_path)
    jobs = plan([contestant("net0"), contestant("net1"), contestant("net2")], [contestant("random")], 4, [])
    done: list[Played] = []
    assert play_jobs(jobs, config, random_player, 2, done.append)
    assert len(done) == len(jobs) == 5
    with Store(config.records.database) as store:
        matches = store.matches("pente", 9)
        assert {(match.player_a.name, match.player_b.name) for match in matches} == pairs(jobs)
        assert all(len(match.games) == 4 and match.purpose == "rate" and match.settings_id for match in matches)
        assert plan([contestant("net0"), contestant("net1")], [], 4, matches) == []
    for played in done:
        match = next(match for match in matches if match.seed == played.job.seed)
        points = [{0: 0.5}.get(game.winner, float((game.winner == 1) == (game.first == "a"))) for game in match.games]
        assert sum(points) / 4 == played.score


@pytest.mark.parametrize(
    ("word", "message"),
    [("failing", r"the match of failing against random failed: it does not"), ("dying", r"died \(exit status 3\)")],
)
def test_a_failure_ends_the_rest(tmp_path: Path, word: str, message: str) -> None:
    jobs = plan([contestant(word)], [contestant("random")], 2, [])
    with pytest.raises(FailureError, match=message):
        play_jobs(jobs, settings(tmp_path), random_player, 1, unheard)


def test_asked_to_stop_it_leaves_what_is_in_play(tmp_path: Path) -> None:
    began = time.monotonic()
    jobs = plan([contestant("slow")], [contestant("random")], 2, [])
    assert not play_jobs(jobs, settings(tmp_path), random_player, 1, unheard, lambda: True)
    assert time.monotonic() - began < 50, "it did not wait for the match"


def test_stopped_in_a_match_it_keeps_the_finished_pairs_and_plays_the_rest(tmp_path: Path) -> None:
    config = settings(tmp_path)
    one, other = contestant("one at a time"), contestant("random")

    def stored() -> list[Match]:
        with Store(config.records.database) as store:
            return store.matches("pente", 9)

    (job,) = plan([one], [other], 20, stored())
    assert not play_jobs([job], config, random_player, 1, unheard, lambda: bool(stored()))
    (match,) = stored()
    numbers = {game.number for game in match.games}
    assert 2 <= len(numbers) < 20
    assert {number ^ 1 for number in numbers} == numbers, "whole pairs"
    (rest,) = plan([one], [other], 20, stored())
    assert rest == replace(job, missing=20 - len(numbers))
    assert play_jobs([rest], config, random_player, 1, unheard)
    (whole,) = stored()
    assert [game.number for game in whole.games] == [*range(20)]
    assert set(match.games) <= set(whole.games)
    assert plan([one], [other], 20, stored()) == []


def test_players_are_known_by_all_that_decides_how_they_play(tmp_path: Path) -> None:
    from alphapente.network import checkpoint, models
    from alphapente.network.planes import NUM_PLANES

    config = settings(tmp_path)
    model = models.build_model(config, "simple", 1)
    spec = models.spec_of(config, "simple")
    values = checkpoint.Checkpoint(
        "simple", spec.class_path, spec.sizes, NUM_PLANES, model.state_dict(), model.state_dict(), step=7
    )
    path, copy, other = (tmp_path / name for name in ("net.pt", "copy.pt", "other.pt"))
    checkpoint.save(path, values)
    checkpoint.save(copy, replace(values, training={"epoch": 3}, optimizer={"lr": 0.1}))
    changed = {name: tensor + 1 for name, tensor in model.state_dict().items()}
    checkpoint.save(other, replace(values, averaged_weights=changed))

    one = player_identity(str(path), config)
    assert (one.name, one.kind, one.network_step, one.simulations) == ("simple step 7 @100", "checkpoint", 7, 100)
    assert one.settings == ""
    assert player_identity(str(copy), config) == one, "copies are one player, whatever their training"
    assert player_identity(str(other), config).digest != one.digest
    assert player_identity(f"policy:{path}", config).name == "simple step 7 policy"
    puct = load_config(None, ["search.root=puct", "search.cached_positions=0"])
    assert player_identity(str(path), puct).settings == '{"root": "puct"}'
    assert player_identity(f"fp32:{path}", config).settings == '{"precision": "fp32"}'
    assert player_identity("random", puct) == PlayerIdentity("random", "reference")
    assert player_identity("fresh", config, seed=3).name == "fresh simple of seed 3 @100"
    assert (
        player_identity(f"{path}@20", config).name == player_identity(f"{copy}@20", config).name == "simple step 7 @20"
    )
    timed = player_identity(f"{path}@0.5s", load_config(None, ["search.tree_reuse=false"]))
    assert (timed.name, timed.simulations, timed.seconds) == ("simple step 7 @0.5s", None, 0.5)
    assert timed.settings == '{"tree_reuse": false}', "by the clock the tree is kept or not"
    assert player_identity("heuristic@7", puct) == PlayerIdentity(
        "heuristic@7", "reference", "", '{"root": "puct"}', simulations=7
    )
    assert player_identity("gtp:engine --depth 2@5", puct) == PlayerIdentity("engine --depth 2@5", "engine")


def a_match(seed: int = 5) -> Match:
    one, other = contestant("one").identity, contestant("other").identity
    return Match(one, other, "pente", 9, seed, "arena", ())


def test_each_pair_is_stored_as_it_ends_and_found_again(tmp_path: Path) -> None:
    starts = plan_games(6, size=9, seed=5)
    with Store(tmp_path / "records.db") as store:
        stored = StoredMatch(store, a_match(), starts)
        assert stored.games == {}
        sizes: list[int] = []

        def keep(games: Mapping[int, PlayedGame]) -> None:
            stored.add(games)
            sizes.append(len(store.matches("pente", 9)[0].games))

        report = play_planned(
            RandomPlayer("one"), RandomPlayer("other"), starts, ("pente", 9), 5, MatchHooks(on_pair_fn=keep)
        )
        assert sizes == [2, 4, 6]
        (match,) = store.matches("pente", 9)
        assert tuple(StoredMatch(store, a_match(), starts).games.values()) == report.games
        assert [*StoredMatch(store, a_match(), starts[:2]).games] == [0, 1]
        longer = plan_games(10, size=9, seed=5)
        assert [*StoredMatch(store, a_match(), longer).games] == [0, 1, 2, 3, 4, 5]
    assert (match.player_a, match.player_b, match.seed) == (a_match().player_a, a_match().player_b, 5)
    for kept, played in zip(match.games, report.games, strict=True):
        assert (kept.first, kept.moves, kept.opening_plies) == (played.first, played.moves, played.opening_plies)
        assert (kept.winner, kept.won_by) == (played.winner, played.won_by)


def test_games_of_other_openings_or_half_a_pair_are_no_part_of_a_match(tmp_path: Path) -> None:
    starts = plan_games(4, size=9, seed=5)
    other = plan_games(4, size=9, seed=5, opening_plies=(8, 9))
    with Store(tmp_path / "records.db") as store:
        games = play_planned(RandomPlayer("one"), RandomPlayer("other"), other, ("pente", 9), 5, NO_HOOKS).games
        StoredMatch(store, a_match(), other).add(dict(enumerate(games)))
        stored = StoredMatch(store, a_match(), starts)
        assert stored.games == {}
        mine = play_planned(RandomPlayer("one"), RandomPlayer("other"), starts, ("pente", 9), 5, NO_HOOKS).games
        stored.add({0: mine[0]})
        assert StoredMatch(store, a_match(), starts).games == {}
        StoredMatch(store, a_match(), starts).add({0: mine[0], 1: mine[1]})
        assert StoredMatch(store, a_match(), starts).games == {0: mine[0], 1: mine[1]}
        assert [len(match.games) for match in store.matches()] == [4, 2], "half a pair is completed where it is"
        assert StoredMatch(store, a_match(), other).games == dict(enumerate(games))
