"""Positions as the API returns them: the rules as the browser sees them."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from alphapente.rules.notation import point_name
from alphapente.rules.position import VARIANTS
from tests.rules.oracle import Oracle
from tests.rules.random_games import choose
from tests.web.server import REAL_GAME, quiet_config, refusal, serving


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(quiet_config(tmp_path_factory.mktemp("position"))) as (client, _):
        yield client


def position(client: httpx.Client, moves: str | list[str], **rest: Any) -> Any:
    moves = moves.split() if isinstance(moves, str) else moves
    answer = client.post("/api/v1/position", json={"moves": moves, **rest})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_there_is_to_choose_from(client: httpx.Client) -> None:
    meta = client.get("/api/v1/meta").json()
    assert [one["name"] for one in meta["variants"]] == list(VARIANTS)
    assert all(one["title"] and one["opening_rule"] for one in meta["variants"])
    assert meta["board_sizes"] == list(range(7, 20))
    assert meta["default"]["network"] in [one["id"] for one in client.get("/api/v1/networks").json()]
    assert meta["default"]["strength"] in [one["id"] for one in meta["strengths"]]
    efforts = [one["simulations"] for one in meta["strengths"]]
    assert efforts == sorted(efforts)
    assert meta["limits"]["simulations"] >= efforts[-1]


def test_the_api_describes_itself(client: httpx.Client) -> None:
    schema = client.get("/api/v1/openapi.json").json()
    assert set(schema["paths"]) >= {
        "/api/v1/meta",
        "/api/v1/networks",
        "/api/v1/position",
        "/api/v1/analysis",
        "/api/v1/review",
        "/api/v1/games",
        "/api/v1/games/live",
        "/api/v1/games/parse",
        "/api/v1/games/format",
        "/api/v1/games/{game_id}",
    }
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), f"{method} {path} says what it does"
            assert {"4XX", "5XX"} <= set(operation["responses"]), f"{method} {path} says how it fails"


def test_the_first_stone_belongs_on_the_centre(client: httpx.Client) -> None:
    empty = position(client, "")
    assert (empty["to_move"], empty["ply"], empty["legal_count"], empty["last"]) == (1, 0, 1, None)
    assert len(empty["forbidden"]) == 360
    assert all("K10" in one["reason"] for one in empty["forbidden"])


def test_the_second_stone_of_player_1_keeps_away_from_it(client: httpx.Client) -> None:
    second = position(client, "K10 L9")
    assert len(second["forbidden"]) == 25 - 2
    assert second["legal_count"] == 361 - 25
    assert position(client, "K10 L9 K14")["forbidden"] == []
    assert position(client, "A1 L9", variant="gomoku")["forbidden"] == []


def test_captures_are_reported_before_and_after(client: httpx.Client) -> None:
    before = position(client, REAL_GAME[:22])
    assert {"point": "J8", "takes": ["J10", "J9"]} in before["threats"]["captures"]
    after = position(client, REAL_GAME[:23])
    assert after["last"] == {"point": "J8", "captured": ["J10", "J9"]}
    assert after["captured"] == {"1": 1, "2": 0}
    assert after["captured_stones"] == {"1": 2, "2": 0}
    assert after["stones_to_win"] == 10
    assert not {"J9", "J10"} & {*after["stones"]["1"], *after["stones"]["2"]}


def test_threats_are_reported_for_both_sides(client: httpx.Client) -> None:
    attacked = position(client, REAL_GAME[:21])
    assert attacked["to_move"] == 2
    assert attacked["threats"]["must_answer"] == ["H12"]
    assert attacked["threats"]["wins"] == []
    assert [one["point"] for one in attacked["threats"]["in_danger"]] == ["J8"]
    winning = position(client, REAL_GAME[:24])
    assert "H8" in winning["threats"]["wins"]


def test_the_end_is_reported_with_its_line(client: httpx.Client) -> None:
    over = position(client, REAL_GAME)
    assert over["result"] == {"winner": 1, "by": "five", "line": ["H8", "J8", "K8", "L8", "M8"]}
    assert over["legal_count"] == 0
    assert over["threats"] == {"wins": [], "must_answer": [], "captures": [], "in_danger": []}


def test_a_win_by_captures_has_no_line(client: httpx.Client) -> None:
    rng = np.random.default_rng(3)
    while True:
        oracle, moves = Oracle("pente", 9), list[str]()
        while oracle.winner is None:
            point = choose(oracle, oracle.legal(), "taking", rng)
            moves.append(point_name(oracle.points.index(point), 9))
            oracle.play(point)
        if oracle.won_by == "captures":
            break
    over = position(client, moves, board_size=9)
    assert over["result"] == {"winner": oracle.winner, "by": "captures", "line": []}
    assert over["captured"][str(oracle.winner)] >= 5
    assert over["last"]["captured"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"moves": ["A1"]}, 400, "bad_move"),
        ({"moves": ["K10", "K10"]}, 400, "bad_move"),
        ({"moves": ["I5"]}, 400, "bad_notation"),
        ({"moves": ["K10"], "board_size": 9}, 400, "bad_notation"),
        ({"moves": [*REAL_GAME, "A1"]}, 400, "bad_move"),
        ({"moves": ["K10000"]}, 422, "malformed"),
        ({"moves": ["K10"] * 513}, 422, "malformed"),
        ({"moves": [10]}, 422, "malformed"),
        ({"variant": "go"}, 422, "malformed"),
        ({"board_size": 20}, 422, "malformed"),
        ({"board_size": 1e400}, 422, "malformed"),
        ({"no_such": 1}, 422, "malformed"),
    ],
)
def test_what_is_refused(client: httpx.Client, body: dict[str, Any], status: int, code: str) -> None:
    content = json.dumps(body)
    answer = client.post("/api/v1/position", content=content, headers={"content-type": "application/json"})
    assert refusal(answer)[:2] == (status, code)


def test_a_refused_move_is_named(client: httpx.Client) -> None:
    answer = client.post("/api/v1/position", json={"moves": ["K10", "L9", "K11"]})
    assert refusal(answer)[2].startswith("move 3: K11 breaks the tournament rule")


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_and_size_is_served(client: httpx.Client, variant: str) -> None:
    for size in (7, 10, 19):
        answer = position(client, "", variant=variant, board_size=size)
        assert answer["legal_count"] + len(answer["forbidden"]) == size * size
        assert answer["stones_to_win"] == {"keryo": 15, "gomoku": None}.get(variant, 10)
