"""A real run of the pipeline, started on the page and watched there from its start to its end."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.web.browser.visitor import Visitor

Visit = Callable[..., Visitor]


def test_a_run_is_watched_from_its_start_to_its_end(visit: Visit) -> None:
    visitor = visit("/#run")
    page, room = visitor.page, visitor.room
    state = page.locator("#run-state")
    expect(state).to_have_text("no run yet")
    start_it(visitor)
    expect(state).to_have_text("running")
    boards = room.locator(".live-board")
    expect(boards).to_have_count(8)
    expect(boards.first.locator(".stone").nth(3)).to_be_visible()
    follow_a_game(visitor)

    page.goto("/#run")
    visitor.button("Pause").click()
    expect(state).to_have_text("paused")
    expect(boards).to_have_count(0)
    visitor.button("Resume…").click()
    setting(page, "generation.simulations").fill("2")
    setting(page, "generation.record_limit").fill("60")
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    expect(state).to_have_text("finished")

    expect(room.get_by_role("img", name=re.compile("Policy loss: training from"))).to_be_visible()
    expect(room.locator(".run-steps tr").filter(has_text="Training 1.1")).to_contain_text("policy loss")
    expect(room.locator(".log")).to_contain_text("all cycles are done")
    assert visitor.violations() == []
    phone = visit("/#run", phone=True)
    expect(phone.room.get_by_role("img", name=re.compile("Policy loss: training from"))).to_be_visible()
    assert phone.page.evaluate("document.documentElement.scrollWidth") == 360
    room.get_by_role("link", name=re.compile("Review game")).first.click()
    expect(visitor.room.locator(".game-title")).to_contain_text(re.compile(r"Pente 9 . 9"))
    page.goto("/#run")
    stop_another(visitor)


def stop_another(visitor: Visitor) -> None:
    """Starts a run after a finished one, cancels a stop, then stops it for good."""
    start_it(visitor)
    state, dialog = visitor.page.locator("#run-state"), visitor.page.get_by_role("dialog")
    expect(state).to_have_text("running")
    visitor.button("Stop…").click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    expect(state).to_have_text("running")
    visitor.button("Stop…").click()
    dialog.get_by_role("button", name="Stop for good").click()
    expect(state).to_have_text("stopped")
    expect(visitor.button("Start…")).to_be_visible()


def setting(page: Page, key: str) -> Locator:
    """The field of a setting in the window that starts a run."""
    return page.get_by_role("dialog").get_by_role("textbox", name=key)


def start_it(visitor: Visitor) -> None:
    """Starts the run on a small board, after a board that is too large."""
    visitor.button("Start…").click()
    dialog = visitor.page.get_by_role("dialog")
    start = dialog.get_by_role("button", name="Start")
    setting(visitor.page, "game.board_size").fill("99")
    expect(dialog.locator(".setting-error:visible")).to_contain_text("Allowed: ")
    expect(start).to_be_disabled()
    setting(visitor.page, "game.board_size").fill("9")
    expect(dialog.get_by_text("1 setting changed: game.board_size=9")).to_be_visible()
    start.click()


def follow_a_game(visitor: Visitor) -> None:
    """From the Run room to one of its games in play, which is followed until it ends."""
    title = visitor.room.locator(".game-title")
    for _ in range(5):
        visitor.room.locator(".live-board").last.click()
        gone = visitor.room.get_by_text("This game is not in play any more")
        expect(title.or_(gone).filter(visible=True)).to_have_count(1)
        if title.is_visible():
            break  # or it ended between the last look at it and the click, which leads to those that go on
    expect(title).to_contain_text("In play now")
    seen = visitor.moves.count()
    expect(visitor.moves.nth(seen).or_(visitor.room.get_by_text("This game has ended")).first).to_be_visible()
    visitor.page.goto("/#review")
    expect(visitor.room.locator(".live-board .stone").first).to_be_visible()
