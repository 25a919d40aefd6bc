"""Searches as streams: their events, their end, and refused requests."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from alphapente.web.parts import Parts
from alphapente.web.strengths import STRENGTHS
from tests.web.server import REAL_GAME, Event, events_of, quiet_config, read_events, refusal, serving, wait_until

ANALYSIS = "/api/v1/analysis"
QUIET = ["E5", "F6", "H8", "D4"]
"""A position on 9x9 without forced moves."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, FastAPI]]:
    folder = tmp_path_factory.mktemp("analysis")
    config = quiet_config(
        folder, "game.board_size=9", "web.max_searches=3", "web.max_seconds=1000", "web.max_simulations=5000000"
    )
    with serving(config) as served:
        yield served


@pytest.fixture(scope="module")
def client(server: tuple[httpx.Client, FastAPI]) -> httpx.Client:
    return server[0]


@pytest.fixture(scope="module")
def parts(server: tuple[httpx.Client, FastAPI]) -> Parts:
    found = server[1].state.parts
    assert isinstance(found, Parts)
    return found


def search(client: httpx.Client, moves: list[str], board_size: int = 9, **rest: Any) -> list[Event]:
    events = events_of(client, ANALYSIS, moves=moves, board_size=board_size, **rest)
    assert events[0].name == "queued"
    assert all(event.name == "progress" for event in events[1:-1])
    assert events[-1].name == "done"
    return events


def test_an_analysis_has_all_that_the_page_draws(client: httpx.Client) -> None:
    done = search(client, QUIET, simulations=200)[-1].data
    assert done["simulations"] == 200
    assert done["proven"] is None
    assert -1 <= done["value"] <= 1
    assert sum(one["share"] for one in done["policy"]) == pytest.approx(1.0, abs=0.05)
    assert sum(one["share"] for one in done["visits"]) == pytest.approx(1.0, abs=0.01)
    best = done["candidates"][0]
    assert best["point"] == done["best"] == best["line"][0]
    assert len(best["line"]) > 1
    assert len(done["candidates"]) <= 10
    occupied = set(QUIET)
    assert not occupied & {one["point"] for one in [*done["policy"], *done["visits"], *done["candidates"]]}


def test_progress_is_reported(client: httpx.Client) -> None:
    events = search(client, [*QUIET, "C3"], simulations=3000, every_ms=50)
    progress = [event.data["simulations"] for event in events if event.name == "progress"]
    assert progress, "such a long search reports progress before its end"
    assert progress == sorted(progress)
    assert progress[-1] <= events[-1].data["simulations"] == 3000


def test_seconds_are_a_budget_too(client: httpx.Client) -> None:
    done = search(client, QUIET, seconds=0.3)[-1].data
    assert done["elapsed_s"] >= 0.3 or done["proven"]
    assert done["simulations"] > 0


def test_there_is_a_default_budget(client: httpx.Client) -> None:
    assert search(client, QUIET)[-1].data["simulations"] == 400


def test_values_are_those_of_player_1(client: httpx.Client) -> None:
    won = search(client, REAL_GAME[:24], 19, simulations=20)[-1].data
    assert (won["value"], won["proven"]) == (1.0, "win")
    assert won["best"] in ("H8", "J10")
    lost = search(client, REAL_GAME[:23], 19, simulations=50)[-1].data
    assert (lost["value"], lost["proven"]) == (1.0, "loss")
    assert all(one["value"] == 1.0 for one in lost["candidates"])


def test_a_forced_win_comes_whole(client: httpx.Client) -> None:
    done = search(client, REAL_GAME[:22], 19, simulations=50)[-1].data
    assert done["forced"]["winner"] == 1
    assert done["forced"]["line"][0] == done["best"]
    assert len(done["forced"]["line"]) == done["forced"]["plies"]
    line = REAL_GAME[:22] + done["forced"]["line"]
    over = client.post("/api/v1/position", json={"moves": line}).json()
    assert over["result"]["winner"] == 1


def test_a_lost_game_has_the_opponents_win(client: httpx.Client) -> None:
    open_four = ["A1", "E3", "C1", "E4", "J1", "E5", "H9", "E6"]
    done = search(client, open_four, variant="gomoku", simulations=20)[-1].data
    assert (done["value"], done["proven"]) == (-1.0, "loss")
    assert (done["forced"]["winner"], done["forced"]["plies"]) == (2, 2)
    assert set(done["forced"]["line"]) == {"E2", "E7"}


def test_a_single_reply_is_searched_like_others(client: httpx.Client) -> None:
    done = search(client, REAL_GAME[:11], 19, simulations=64)[-1].data
    assert done["simulations"] == 64 or done["proven"]


def visits(view: Any) -> int:
    return sum(one["visits"] for one in view["candidates"])


def test_a_tree_continues_the_one_before(client: httpx.Client, parts: Parts) -> None:
    moves = ["E5", "C7", "H2", "F4"]
    first = search(client, moves, simulations=200)[-1].data
    again = search(client, moves, simulations=100)[-1].data
    assert visits(again) > visits(first)
    assert parts.engines.trees.num_kept() >= 1
    follow = search(client, [*moves, first["best"]], simulations=50)[-1].data
    assert visits(follow) > 50


@pytest.mark.parametrize("strength", [one.id for one in STRENGTHS])
def test_every_strength_plays_a_legal_move(client: httpx.Client, strength: str) -> None:
    simulations = next(one.simulations for one in STRENGTHS if one.id == strength)
    done = search(client, QUIET, purpose="play", strength=strength)[-1].data
    assert done["simulations"] == simulations or done["proven"]
    answer = client.post("/api/v1/position", json={"moves": [*QUIET, done["best"]], "board_size": 9})
    assert answer.status_code == 200
    assert done["candidates"][0]["point"] == done["best"] or simulations < 64


def test_weak_strengths_vary_their_moves(client: httpx.Client) -> None:
    found = {search(client, QUIET, purpose="play", strength="first game")[-1].data["best"] for _ in range(30)}
    assert len(found) > 1


def test_disconnecting_ends_the_search(client: httpx.Client, parts: Parts) -> None:
    body = {"moves": QUIET, "board_size": 9, "seconds": 900, "every_ms": 50}
    with client.stream("POST", ANALYSIS, json=body) as answer:
        events = read_events(answer)
        assert next(events).name == "queued"
        assert next(events).name == "progress"
        assert parts.engines.active == 1
    wait_until(lambda: parts.engines.active == 0)


def test_one_more_than_allowed_is_refused_until_another_ends(client: httpx.Client, parts: Parts) -> None:
    body = {"moves": QUIET, "board_size": 9, "seconds": 900}
    streams = [client.stream("POST", ANALYSIS, json=body) for _ in range(3)]
    try:
        events = [read_events(stream.__enter__()) for stream in streams]
        assert [next(stream).data["ahead"] for stream in events] == [0, 1, 2]
        status, code, message = refusal(client.post(ANALYSIS, json=body))
        assert (status, code) == (429, "too_many_searches")
        assert "web.max_searches" in message
    finally:
        for stream in streams:
            stream.__exit__(None, None, None)
    wait_until(lambda: parts.engines.active == 0)
    assert search(client, QUIET, simulations=10)[0].data["ahead"] == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"moves": REAL_GAME}, 400, "game_over"),
        ({"moves": ["A1"]}, 400, "bad_move"),
        ({"simulations": 10**9}, 400, "too_much"),
        ({"seconds": 10**6}, 400, "too_much"),
        ({"simulations": 0}, 422, "malformed"),
        ({"seconds": -1}, 422, "malformed"),
        ({"every_ms": 1}, 422, "malformed"),
        ({"network": "../pente.pt"}, 404, "no_network"),
        ({"strength": "godlike", "purpose": "play"}, 400, "bad_strength"),
        ({"strength": "club"}, 422, "malformed"),
        ({"strength": "club", "purpose": "play", "simulations": 5}, 422, "malformed"),
    ],
)
def test_what_is_refused(client: httpx.Client, body: dict[str, Any], status: int, code: str) -> None:
    assert refusal(client.post(ANALYSIS, json=body))[:2] == (status, code)
