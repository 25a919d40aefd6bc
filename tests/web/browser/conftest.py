"""A real browser on a real `alphapente web`: one of each for all browser tests of a process."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from alphapente.config import load_config
from alphapente.records.store import Store
from tests.records.samples import random_game
from tests.web.browser.visitor import WAIT_MS, Visitor
from tests.web.server import events_of

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",  # the tests may run as root, who has no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
STORED_GAMES = 5
TINY = {
    "generation": {"simulations": 100, "record_limit": 100_000, "games_per_worker": 8, "save_interval_games": 4},
    "training": {"num_epochs": 1, "data_sample_size": 60},
    "pipeline": {"generation_cycles": 1, "training_cycles_per_generation": 1, "total_records_target": 200_000},
    "models": {"simple": {"channels": 8}},
    "web": {"max_simulations": 50},
}
"""What `alphapente web` is started with: a small network, small searches, and a run that lasts until it is paused."""
PICTURES = os.environ.get("ALPHAPENTE_SCREENSHOTS", "")
"""The folder for the documents' pictures. If it is set, the server is configured for pictures."""
PICTURED: dict[str, Any] = {
    "generation": {"simulations": 32, "record_limit": 1000, "games_per_worker": 8, "save_interval_games": 4},
    "training": {"num_epochs": 3, "data_sample_size": 1000},
    "pipeline": {"generation_cycles": 5, "training_cycles_per_generation": 1, "total_records_target": 5000},
    "models": {"simple": {"channels": 16}},
}
"""For pictures: searches of the requested size, and a run of some minutes with data to show."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; without it the tests are skipped, unless ALPHAPENTE_BROWSER_TESTS says that they are required."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        if os.environ.get("ALPHAPENTE_BROWSER_TESTS") == "required":
            pytest.fail(f"no browser: none of {', '.join(CHROMIUM)} is on the path")
        pytest.skip("no Chromium on the path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server in a folder of its own, whose database holds a few games and whose search is compiled."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "config").mkdir()
    (folder / "config" / "tiny.json").write_text(json.dumps(PICTURED if PICTURES else TINY))
    records = load_config(None, []).records
    database = folder / records.database
    database.parent.mkdir(exist_ok=True)
    with Store(database, records.busy_timeout_s) as store:
        for seed in range(STORED_GAMES):
            store.add_game(random_game(seed, size=9, max_records=2))
    process = subprocess.Popen(
        [sys.executable, "-m", "alphapente", "web", "--port", "0", "--config", "config/tiny.json"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.search(r"http://\S+:\d+", line)
        assert address is not None, line
        with httpx.Client(base_url=address[0], timeout=WAIT_MS / 1000, trust_env=False) as client:
            events_of(client, "/api/v1/analysis", moves=["K10"], board_size=19, simulations=2)
            yield client
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        finally:
            process.kill()


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Iterator[dict[str, BrowserContext]]:
    """The browser's profiles, by what they were opened with: a new one takes longer than most tests."""
    opened: dict[str, BrowserContext] = {}
    yield opened
    for context in opened.values():
        context.close()


@pytest.fixture
def visit(
    browser: Browser, server: httpx.Client, contexts: dict[str, BrowserContext]
) -> Iterator[Callable[..., Visitor]]:
    """Opens pages like new visitors. At the end no page may have had an error or a request to another host."""
    visitors: list[Visitor] = []

    def open_page(path: str = "/", phone: bool = False, **options: Any) -> Visitor:
        options = {
            "reduced_motion": "reduce",
            **(PHONE if phone else DESKTOP),
            **options,
        }  # drawing takes most of the time
        context = contexts.get(repr(options))
        if context is None:
            context = contexts[repr(options)] = browser.new_context(base_url=str(server.base_url), **options)
            context.set_default_timeout(WAIT_MS)
        visitors.append(Visitor(context.new_page(), server))
        visitors[-1].page.goto(path)
        return visitors[-1]

    yield open_page
    for visitor in visitors:
        visitor.page.evaluate("localStorage.clear()")
        visitor.page.close()
    assert [trouble for visitor in visitors for trouble in visitor.troubles] == []
