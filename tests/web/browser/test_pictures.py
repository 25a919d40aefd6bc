"""The pictures of the documents, made if ALPHAPENTE_SCREENSHOTS names a folder for them; see docs/web.md."""

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.web.browser.conftest import PICTURED, PICTURES
from tests.web.browser.test_review import TEXT, game_text
from tests.web.browser.test_run import setting
from tests.web.browser.visitor import Visitor

pytestmark = pytest.mark.skipif(not PICTURES, reason="ALPHAPENTE_SCREENSHOTS names no folder for pictures")

Visit = Callable[..., Visitor]

FOLDER = Path(PICTURES).resolve()  # here, since each test runs in a folder of its own
PLAYED = "K10M9N9O11M10N10L8L11O8K11L10J11H11P12Q13M11N11O12J10L9N11K9"
"""A game against the engine so far: a pair is captured, another in danger, and there is more than one good move."""
THOUGHT = re.compile(r"^(\d,\d{3}|\d{2},\d{3}) simulations")
RUN_HEIGHT = 1240  # pixels, for the curves to be seen below the games


def keep(page: Page, name: str) -> None:
    """Saves a picture of the current page, in the current colours."""
    page.wait_for_timeout(600)  # animations end
    drawn = Image.open(BytesIO(page.screenshot())).convert("RGB")
    FOLDER.mkdir(parents=True, exist_ok=True)
    drawn.save(FOLDER / f"{name}.webp", quality=90, method=6)


def think_aloud(visitor: Visitor) -> None:
    """Steps through a game in Play, so that each of its positions is searched, and then shows its end."""
    for name in ("First thoughts", "Search", "Best lines"):
        visitor.switch(name)
    progress = visitor.room.locator(".insight-status")
    for move in visitor.moves.all():
        move.click()
        expect(progress).to_contain_text(re.compile(r"\d{2,} simulations"))
    expect(progress).to_have_text(THOUGHT)
    visitor.page.evaluate("scrollTo(0, 0)")


@pytest.mark.parametrize("phone", [False, True])
def test_play(visit: Visit, phone: bool) -> None:
    visitor = visit(f"/#play/pente/19/{PLAYED}", phone=phone)
    think_aloud(visitor)
    if not phone:
        visitor.page.mouse.move(0, 0)
    keep(visitor.page, "play-phone" if phone else "play")


@pytest.mark.parametrize("phone", [False, True])
def test_review(visit: Visit, phone: bool) -> None:
    visitor = visit("/#review", phone=phone)
    game_text(visitor).fill(TEXT)
    visitor.button("Review it").click()
    expect(visitor.room.locator(".judged")).to_have_text("25 moves judged")
    page = visitor.page
    page.keyboard.press("End")
    for _ in range(page.locator(".verdict-sign:not(:empty)").count()):
        visitor.button("Next mistake").click()
        if "mistake" in visitor.room.locator(".comment").inner_text():
            break  # rather than an inaccuracy
    if phone:
        page.evaluate("scrollTo(0, 0)")
    else:
        expect(visitor.room.locator(".insight-status")).to_have_text(THOUGHT)
        visitor.room.locator(".better").hover()
    keep(page, "review-phone" if phone else "review")


def test_run(visit: Visit) -> None:
    visitor = visit("/#run", viewport={"width": 1280, "height": RUN_HEIGHT})
    visitor.button("Start…").click()
    setting(visitor.page, "game.board_size").fill("9")
    visitor.page.get_by_role("dialog").get_by_role("button", name="Start").click()
    cycles = PICTURED["pipeline"]["generation_cycles"]
    expect(visitor.room.locator(".run-facts")).to_contain_text(f"{cycles} of {cycles}", timeout=600_000)
    boards = visitor.room.locator(".live-board")
    expect(boards).to_have_count(8)
    expect(boards.first.locator(".stone").nth(9)).to_be_visible()
    keep(visitor.page, "run")
    phone = visit("/#run", phone=True)
    expect(phone.room.locator(".live-board")).to_have_count(8)
    keep(phone.page, "run-phone")
    visitor.button("Pause").click()
    expect(visitor.page.locator("#run-state")).to_have_text("paused")
