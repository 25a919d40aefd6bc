"""A real browser on a real server: one of each for all browser tests of a process."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from alphapente.config import Config
from alphapente.records.store import Store
from tests.records.samples import random_game
from tests.web.browser.visitor import Visitor
from tests.web.server import events_of, quiet_config, serving

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
WAIT_MS = 60_000
"""Longer than anything takes on a machine that does other things too."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; without one the tests are left out, unless ALPHAPENTE_BROWSER_TESTS says that they are required."""
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
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A configuration of its own, with a database of five games."""
    config = quiet_config(tmp_path_factory.mktemp("web"), "generation.simulations=4", "models.simple.channels=8")
    with Store(config.records.database, config.records.busy_timeout_s) as store:
        for seed in range(5):
            store.add_game(random_game(seed, size=9, max_records=2))
    return config


@pytest.fixture(scope="session")
def server(config: Config) -> Iterator[httpx.Client]:
    """A server whose search is compiled, so that no test waits for that."""
    with serving(config) as (client, _app):
        events_of(client, "/api/v1/analysis", moves=["K10"], simulations=2)
        yield client


@pytest.fixture
def visit(browser: Browser, server: httpx.Client) -> Iterator[Callable[..., Visitor]]:
    """Opens pages as visitors with fresh browsers do; at the end none may have met an error or a foreign address."""
    visitors: list[Visitor] = []

    def open_page(path: str = "/", phone: bool = False, **options: Any) -> Visitor:
        context = browser.new_context(base_url=str(server.base_url), **{**(PHONE if phone else DESKTOP), **options})
        context.set_default_timeout(WAIT_MS)
        visitors.append(Visitor(context.new_page(), server))
        visitors[-1].page.goto(path)
        return visitors[-1]

    yield open_page
    for visitor in visitors:
        visitor.page.context.close()
    assert [trouble for visitor in visitors for trouble in visitor.troubles] == []


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keeps a picture of the page, for the documents, where ALPHAPENTE_SCREENSHOTS names a folder for them."""

    def take(page: Page, name: str) -> None:
        folder = os.environ.get("ALPHAPENTE_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.wait_for_timeout(400)  # animations end
            page.screenshot(path=Path(folder) / f"{name}.png")

    return take
