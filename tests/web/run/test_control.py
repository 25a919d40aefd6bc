"""Runs started, paused and stopped from the page: real processes, their folders, and their states on the page."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from alphapente.pipeline.state import STATE_NAME, load_state, scheduler_at_work
from alphapente.web.run.configs import Named
from alphapente.web.run.context import RunContext
from tests.web.run_folder import run_context, write_config
from tests.web.server import Event, read_events, refusal, wait_until

FOLDER = Path("runs/tiny")


@pytest.fixture(autouse=True)
def _plain_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "")


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[httpx.Client, RunContext]]:
    with run_context(tmp_path, monkeypatch) as found:
        write_config()
        yield found


@pytest.fixture
def client(context: tuple[httpx.Client, RunContext]) -> httpx.Client:
    return context[0]


def post(client: httpx.Client, what: str, **body: Any) -> httpx.Response:
    return client.post(f"/api/v1/run/{what}", json={"config": "tiny", **body})


def begin(client: httpx.Client, *overrides: str) -> int:
    answer = post(client, "start", overrides=list(overrides))
    assert answer.status_code == 202, answer.text
    started = answer.json()
    assert started["state"] == "starting"
    return int(started["pid"])


def look(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/run", params={"config": "tiny"}).json()
    return found


def wait_for(client: httpx.Client, *states: str) -> dict[str, Any]:
    wait_until(lambda: look(client)["state"] in states)
    return look(client)


def at_work(client: httpx.Client) -> dict[str, Any]:
    """Waits until its first step is active."""
    wait_until(lambda: look(client)["state"] == "running" and look(client)["phase"])
    return look(client)


def test_a_run_from_start_to_end(client: httpx.Client) -> None:
    assert look(client)["state"] == "none"
    begin(client)
    run = wait_for(client, "finished")
    assert run["message"] == "all cycles are done; run again for another run of the same length"
    assert [step["name"] for step in run["steps"] if step["outcome"] == "done"][:2] == ["Generation 1", "Training 1.1"]
    assert [(cycle["cycle"], cycle["games"]) for cycle in run["games_per_cycle"]] == [(1, 10), (2, 10)]
    assert len(run["losses"]) == 4
    wait_until(lambda: not list(Path("logs").glob("start_*.log")))  # a start without output leaves no file
    (summary,) = client.get("/api/v1/runs").json()
    assert (summary["config"], summary["state"], summary["configs"]) == ("tiny", "finished", ["tiny"])


def test_a_paused_run_resumes_and_a_stopped_one_does_not(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "hang:generate")
    pid = begin(client)
    name = at_work(client)["run"]
    assert refusal(post(client, "start"))[:2] == (409, "at_work")
    assert post(client, "pause").json() == {"state": "ending", "pid": pid}
    assert wait_for(client, "paused")["message"] == ""
    assert refusal(post(client, "pause"))[:2] == (409, "not_at_work")

    begin(client)
    assert at_work(client)["run"] == name, "the same run resumes"
    assert post(client, "stop").status_code == 202
    wait_for(client, "stopped")
    state = load_state(FOLDER / STATE_NAME)
    assert state is not None
    assert state.stopped
    assert refusal(post(client, "stop"))[:2] == (409, "nothing_to_stop")


def test_a_paused_run_can_be_stopped_for_good(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "hang:generate")
    begin(client)
    at_work(client)
    post(client, "pause")
    wait_for(client, "paused")
    assert post(client, "stop").json() == {"state": "stopped", "pid": None}
    assert look(client)["state"] == "stopped"


def test_a_stop_during_a_pause_stops_the_run(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "hang:generate")
    begin(client)
    at_work(client)
    for what in ("pause", "stop"):
        assert post(client, what).status_code == 202
    wait_for(client, "stopped")


def test_a_run_that_has_only_begun_to_start_can_be_paused(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "dawdle,hang:generate")
    pid = begin(client)
    assert scheduler_at_work(FOLDER) is None
    assert refusal(post(client, "start"))[:2] == (409, "at_work")
    assert post(client, "pause").json() == {"state": "ending", "pid": pid}
    run = wait_for(client, "none", "paused")
    assert scheduler_at_work(FOLDER) is None
    assert run["phase"] == ""


def test_a_failed_start_says_why(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "refuse")
    begin(client)
    run = wait_for(client, "failed")
    assert run["message"] == "error: the database is on fire put it out"
    monkeypatch.setenv("STAND_IN", "")
    begin(client)
    wait_for(client, "finished")


def test_a_failed_step_is_reported(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "fail:Training 1.2")
    begin(client)
    run = wait_for(client, "failed")
    assert "Training 1.2" in run["message"]
    assert [step["outcome"] for step in run["steps"]] == ["done", "done", "failed"]


def test_a_killed_run_is_shown_as_paused(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "hang:generate")
    pid = begin(client)
    at_work(client)
    seen: list[Event] = []

    def watch() -> None:
        with client.stream("GET", "/api/v1/run/events", params={"config": "tiny"}) as answer:
            for event in read_events(answer):
                seen.append(event)
                if event.data["state"] == "paused":
                    return

    watching = threading.Thread(target=watch)
    watching.start()
    wait_until(lambda: seen)
    os.kill(pid, signal.SIGKILL)
    watching.join(30)
    assert not watching.is_alive()
    assert {event.name for event in seen} == {"run"}
    assert seen[0].data["state"] == "running"
    assert seen[-1].data["message"] == "its process was killed; it resumes after its last finished step"
    assert [step["outcome"] for step in seen[-1].data["steps"]] == ["ended early"]
    monkeypatch.setenv("STAND_IN", "")
    begin(client)
    wait_for(client, "finished")


def test_a_run_is_a_process_that_outlives_the_server(
    context: tuple[httpx.Client, RunContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "hang:generate")
    pid = begin(context[0])
    assert os.getsid(pid) == pid != os.getsid(0)


def test_the_settings_of_the_page_and_of_the_server_go_into_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = Named("mine", write_config("mine"), ("generation.record_limit=30",))
    with run_context(tmp_path, monkeypatch, own) as (client, _):
        body = {"config": "mine", "overrides": ["pipeline.generation_cycles=1"]}
        assert client.post("/api/v1/run/start", json=body).status_code == 202
        wait_until(lambda: client.get("/api/v1/run").json()["state"] == "finished")
        assert [cycle["games"] for cycle in client.get("/api/v1/run").json()["games_per_cycle"]] == [6]
        settings = client.get("/api/v1/run/settings").json()
        assert settings["overrides"] == ["pipeline.generation_cycles=1"]


@pytest.mark.parametrize(
    "override",
    [
        "records.database=elsewhere.db",
        'records={"database": "elsewhere.db"}',
        "pipeline.checkpoint_dir=/elsewhere",
        'pipeline={"log_dir": "/elsewhere"}',
        "models.own.class=os:system",
        'models={"a.b": {"class": "os:system"}}',
        "generation.simulations=none",
        "generation.simulatons=4",
        "no override",
    ],
)
def test_what_reaches_beyond_the_run_is_refused(client: httpx.Client, override: str) -> None:
    assert refusal(post(client, "start", overrides=[override]))[:2] == (400, "bad_setting")
    assert not FOLDER.exists()


@pytest.mark.parametrize("what", ["start", "pause", "stop", "doctor"])
def test_a_run_is_named_by_a_configuration(client: httpx.Client, what: str) -> None:
    for name in ("nothing", "../tiny", "config/tiny", "/etc/passwd"):
        assert refusal(client.post(f"/api/v1/run/{what}", json={"config": name}))[:2] == (404, "no_config")


def test_a_folder_that_cannot_be_written_is_reported(client: httpx.Client) -> None:
    Path("logs").write_text("in the way")
    assert refusal(post(client, "start"))[:2] == (503, "cannot_start")
