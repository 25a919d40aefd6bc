"""What the Run room shows of a run's files: snapshot, curves, ratings, games, boards, the doctor's findings."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from alphapente.config import Config, load_config
from alphapente.doctor import CHECKS
from alphapente.event_log import NAME, EventLog, Source
from alphapente.events import (
    CompilationProgress,
    EpochProgress,
    Event,
    GamesInPlay,
    PromotionSummary,
    RunProgress,
    RunStarted,
    to_values,
)
from alphapente.pipeline.run_view import view_run
from alphapente.pipeline.state import STATE_NAME, State, save_state
from alphapente.records.store import Store
from alphapente.web.run import curves as run_curves
from tests.arena.ratings.test_ratings import RANDOM, TACTICAL, match
from tests.doctor.sample_runs import games, store, training, write_curves
from tests.web.run_folder import run_context, write_config
from tests.web.server import refusal, wait_until

SIZE = 7
WAIT_S = 120.0


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    with run_context(tmp_path, monkeypatch) as (client, _):
        write_config(game={"board_size": SIZE})
        yield client


def config() -> Config:
    return load_config(Path("config/tiny.json"))


def get(client: httpx.Client, what: str, **query: Any) -> Any:
    answer = client.get(f"/api/v1/run{what}", params={"config": "tiny", **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def keep_state(**fields: Any) -> None:
    save_state(State(run="a run", settings=config().to_dict(), **fields), Path("runs/tiny", STATE_NAME))


def test_without_a_run_nothing_is_shown(client: httpx.Client) -> None:
    run = get(client, "")
    assert (run["state"], run["run"], run["records"], run["steps"], run["time_left_s"]) == ("none", None, 0, [], None)
    assert client.get("/api/v1/runs").json() == []
    curves = get(client, "/curves")
    assert all(column == [] for part in curves.values() for column in part.values())
    assert get(client, "/ratings")["players"] == []
    assert "there is no database" in get(client, "/ratings")["message"]
    assert get(client, "/games") == []
    assert get(client, "/games/live")["games"] == []
    assert get(client, "/logs") == {"files": [], "name": None, "lines": []}
    assert get(client, "/doctor")["state"] == "none"
    assert get(client, "/settings")["overrides"] == []
    assert not Path("runs/tiny").exists(), "reading creates no files"
    assert not Path("records.db").exists()


def test_a_finished_run_is_shown_from_its_files(client: httpx.Client) -> None:
    store(config(), games(4))
    keep_state(finished=True, games_by_cycle=[3, 1], loss_by_training=[("Training 1.1", math.nan), ("Training 2.1", 2)])
    run = get(client, "")
    assert (run["state"], run["run"], run["games"]) == ("finished", "a run", 4)
    assert run["records"] == sum(len(game.records) for game in games(4))
    assert [loss["loss"] for loss in run["losses"]] == [None, 2.0]
    assert [cycle["games"] for cycle in run["games_per_cycle"]] == [3, 1]


def test_a_state_that_cannot_be_read_is_reported(client: httpx.Client) -> None:
    Path("runs/tiny").mkdir(parents=True)
    Path("runs/tiny", STATE_NAME).write_text("{")
    run = get(client, "")
    assert run["state"] == "failed"
    assert "incomplete" in run["message"]


def test_a_damaged_database_is_reported(client: httpx.Client) -> None:
    Path("records.db").write_bytes(b"no database" * 1000)
    keep_state()
    assert "records.db" in get(client, "")["message"]
    assert refusal(client.get("/api/v1/run/curves", params={"config": "tiny"}))[:2] == (503, "failure")
    assert refusal(client.get("/api/v1/run/games", params={"config": "tiny"}))[:2] == (503, "failure")


def test_a_status_of_another_run_is_not_shown_as_this_ones(client: httpx.Client) -> None:
    keep_state()
    log = EventLog(Path("runs/tiny"), Source("run", "another"), print)
    for event in (RunStarted(1), RunProgress(1.0, 777, 7, 1, 1, 1, 0)):
        log(event, keep=True)
    status = view_run(config()).status
    assert status is not None
    assert status.records == 777
    assert get(client, "")["records"] == 0


@pytest.mark.parametrize(
    "event",
    [
        CompilationProgress(1, 2, 0.5),
        EpochProgress(1, 2, 3, 4, math.nan, 0.5, 6.0),
        PromotionSummary(promoted=True, verdict="accept", step=2, old_step=1),
    ],
)
def test_the_api_describes_the_events_of_steps(client: httpx.Client, event: Event) -> None:
    schemas = client.get("/api/v1/openapi.json").json()["components"]["schemas"]
    named = {one.get("$ref", "").rpartition("/")[2] for one in schemas["StepView"]["properties"]["progress"]["anyOf"]}
    described = schemas[type(event).__name__]
    assert type(event).__name__ in named
    assert set(described["required"]) == set(described["properties"]) == set(to_values(event))
    assert described["properties"]["event"]["const"] == type(event).__name__
    assert {"type": "null"} in schemas["EpochProgress"]["properties"]["policy_loss"]["anyOf"]


def test_curves_are_of_games_trainings_and_rates(client: httpx.Client) -> None:
    assert get(client, "/curves")["games"]["games"] == []
    store(config(), games(30))
    write_curves(config(), training(3.0, 2.0, math.inf))
    curves = get(client, "/curves")
    assert curves["games"]["games"] == [15, 15], "windows of a dozen games at least"
    assert curves["training"]["total_loss"] == [3.0, 2.0, None]
    assert curves["training"]["step"] == [10, 20, 30]
    assert curves["training"]["validation_value_loss"] == [None] * 3
    assert {len(column) for column in curves["training"].values()} == {3}


def test_of_long_curves_some_points_are_shown(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_curves, "MOST_POINTS", 5)
    write_curves(config(), training(*(float(n) for n in range(1, 41))))
    assert get(client, "/curves")["training"]["total_loss"] == [1.0, 11.0, 21.0, 30.0, 40.0]


def test_only_what_was_added_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_config(game={"board_size": SIZE})
    name = f"training-{config().training.model_type}"
    write_curves(config(), training(3.0))
    (first,) = view_run(config()).jobs[name]
    path = Path("runs/tiny", NAME)
    written = path.read_bytes()
    path.write_bytes(b"#" * (len(written) - 1) + b"\n")
    with path.open("ab") as file:
        file.write(b"the beginning of an entry")
    (again,) = view_run(config()).jobs[name]
    assert again.epochs == first.epochs, "what was read is not read again"
    path.unlink()
    assert view_run(config()).jobs == {}


def test_ratings_of_the_stored_matches(client: httpx.Client) -> None:
    with Store(config().records.database) as database:
        database.add_match(match(TACTICAL, RANDOM, 15, 5))
    found = get(client, "/ratings", board_size=9)
    assert [player["name"] for player in found["players"]] == ["tactical", "random"]
    assert found["players"][1]["low"] < found["players"][1]["elo"] < found["players"][1]["high"]
    assert (found["games"], found["message"]) == (20, "")
    assert [player["held"] for player in found["players"]] == [True, False]
    assert "no matches" in get(client, "/ratings")["message"]


def test_games_page_by_page(client: httpx.Client) -> None:
    store(config(), games(5))
    first = get(client, "/games", limit=3)
    assert [game["id"] for game in first] == [5, 4, 3]
    assert [game["id"] for game in get(client, "/games", limit=3, before=3)] == [2, 1]
    assert len(first[0]["moves"]) == len(games(5)[4].moves)


def test_games_in_play_are_shown_as_boards(client: httpx.Client) -> None:
    log = EventLog(Path("runs/tiny"), Source("generation"), print)
    log(GamesInPlay("gomoku", SIZE, "simple", 3, [(2**60, [0, 1, 2])]))
    (board,) = get(client, "/games/live")["games"]
    assert board == {
        "seed": str(2**60),
        "moves": ["A7", "B7", "C7"],
        "stones": {"1": ["A7", "C7"], "2": ["B7"]},
        "captured": {"1": 0, "2": 0},
    }


def test_the_doctor_examines_in_a_process_of_its_own(client: httpx.Client) -> None:
    store(config(), games(6))
    keep_state(finished=True)
    answer = client.post("/api/v1/run/doctor", json={"config": "tiny"})
    assert answer.status_code == 202
    assert answer.json()["state"] == "examining"
    assert refusal(client.post("/api/v1/run/doctor", json={"config": "tiny"}))[:2] == (409, "doctor_busy")
    wait_until(lambda: get(client, "/doctor")["state"] != "examining", WAIT_S)
    found = get(client, "/doctor")
    assert found["state"] == "ready", found["message"]
    looked_at = [*found["findings"], *found["well"], *found["not_looked_at"]]
    assert len({one["check"] for one in looked_at}) == found["checks"] == len(CHECKS)
