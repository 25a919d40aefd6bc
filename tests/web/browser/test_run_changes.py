"""The Run room in a real browser while data changes: runs that end, files that are half-written."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Route, expect

from alphapente.records.store import Store
from tests.records.samples import random_game
from tests.web.browser.visitor import Visitor
from tests.web.run_folder import run_context, write_config


@pytest.fixture
def visitor(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitor]:
    """A page on a server whose runs are the stand-in's, with the configuration tiny."""
    monkeypatch.setenv("STAND_IN", "")
    with run_context(tmp_path, monkeypatch) as (client, _):
        write_config()
        context = browser.new_context(
            base_url=str(client.base_url), reduced_motion="reduce", viewport={"width": 1280, "height": 800}
        )
        yield Visitor(context.new_page(), client)
        context.close()


def store_games(count: int, first: int = 0) -> None:
    """Adds games to the run's database, as its self-play does."""
    with Store("records.db") as store:
        for seed in range(first, first + count):
            store.add_game(random_game(seed, size=9, max_records=2))


def post(client: httpx.Client, what: str, **body: object) -> None:
    assert client.post(f"/api/v1/run/{what}", json={"config": "tiny", **body}).status_code == 202


def test_a_configuration_that_was_half_saved_is_followed_again(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "hang:generate")
    state = visitor.page.locator("#run-state")
    visitor.page.goto("/#run/tiny")
    expect(state).to_have_text("no run yet")
    whole = Path("config/tiny.json").read_text()
    Path("config/tiny.json").write_text(whole[:40])
    expect(visitor.room.locator(".run-message")).to_contain_text("tiny.json")
    expect(visitor.room.locator(".run-body")).to_be_hidden()
    Path("config/tiny.json").write_text(whole)
    expect(visitor.room.locator(".run-body")).to_be_visible(timeout=10_000)
    expect(visitor.room.locator(".run-message")).to_be_hidden()
    post(visitor.server, "start", overrides=[])
    expect(state).to_have_text("running")
    assert [one for one in visitor.troubles if "400" not in one] == []  # what the browser logs of a refused request


def test_the_last_games_curves_and_lines_of_a_finished_run_are_there(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page reads the newest games at most every ten seconds: the last ones come in that time."""
    monkeypatch.setenv("STAND_IN", "hang:generate")
    store_games(3)
    visitor.page.goto("/#run/tiny")
    rows = visitor.room.get_by_role("link", name="Review game")
    expect(rows).to_have_count(3)
    post(visitor.server, "start", overrides=[])
    expect(visitor.page.locator("#run-state")).to_have_text("running")
    store_games(4, first=3)
    post(visitor.server, "stop")
    expect(visitor.page.locator("#run-state")).to_have_text("stopped")
    expect(rows).to_have_count(7, timeout=5_000)
    expect(visitor.room.locator(".log")).to_contain_text("stopped; running the same command again", timeout=5_000)
    assert visitor.troubles == []


def test_games_in_play_go_with_the_run(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request for the boards is still open when the run ends: its response is not shown."""
    monkeypatch.setenv("STAND_IN", "hang:generate")
    held: list[Route] = []
    visitor.page.route("**/run/games/live*", lambda route: route.continue_() if held else held.append(route))
    visitor.page.goto("/#run/tiny")
    with visitor.page.expect_request("**/run/games/live*"):
        post(visitor.server, "start", overrides=[])
    post(visitor.server, "pause")
    expect(visitor.page.locator("#run-state")).to_have_text("paused")
    game = {"seed": "1", "moves": ["E5"], "stones": {"1": ["E5"], "2": []}, "captured": {"1": 0, "2": 0}}
    live = {"variant": "pente", "board_size": 9, "model_type": "simple", "step": 1, "updated_at": 1.0, "games": [game]}
    held[0].fulfill(content_type="application/json", body=json.dumps(live))
    visitor.page.wait_for_timeout(200)
    expect(visitor.room.locator(".live-board")).to_have_count(0)
