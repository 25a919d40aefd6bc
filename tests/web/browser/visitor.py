"""Actions of a visitor on the page: clicks on points, reads the board, finds elements by their names."""

from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

from alphapente.rules.notation import parse_point

WAIT_MS = 60_000
"""Longer than any action takes on a busy machine."""
AXE = Path(__file__).with_name("axe") / "axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NEAR, FAR, CELL = 112, 62, 100  # how the page draws a board: board.js
expect.set_options(timeout=WAIT_MS)


class Visitor:
    """One page, and the errors that occur on it."""

    def __init__(self, page: Page, server: httpx.Client) -> None:
        self.page = page
        self.server = server
        self.troubles: list[str] = []
        """Errors in the console, exceptions, requests to elsewhere: each is a failure of the test."""
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.troubles.append(f"exception: {error}"))
        page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((str(self.server.base_url), "data:", "blob:")):
            self.troubles.append(f"foreign request: {request.url}")

    @property
    def room(self) -> Locator:
        """The open room."""
        return self.page.locator(".room:not([hidden])")

    @property
    def board(self) -> Locator:
        """The board of the open room."""
        return self.room.locator(".board.active")

    @property
    def status(self) -> Locator:
        """The status line in Play."""
        return self.room.locator(".status-words")

    @property
    def moves(self) -> Locator:
        """The moves in the list, one element each."""
        return self.room.locator(".move")

    def place(self, point: str, size: int = 19) -> tuple[float, float]:
        """Where a point is on the screen, in pixels."""
        box = self.board.locator("svg").bounding_box()
        assert box is not None
        row, column = divmod(parse_point(point, size), size)
        scale = box["width"] / (NEAR + (size - 1) * CELL + FAR)
        return box["x"] + (NEAR + column * CELL) * scale, box["y"] + (FAR + row * CELL) * scale

    def click(self, point: str, size: int = 19) -> None:
        """Clicks on a point with the mouse."""
        self.page.mouse.click(*self.place(point, size))

    def tap(self, point: str, size: int = 19) -> None:
        """Taps on a point with a finger."""
        self.page.touchscreen.tap(*self.place(point, size))

    def stones(self) -> set[str]:
        """The points with a stone on them."""
        points = self.board.locator(".stones .stone").evaluate_all("all => all.map(one => one.dataset.point)")
        return set(points)

    def expect_stones(self, points: set[str]) -> None:
        """Waits until exactly these points have a stone."""
        expect(self.board.locator(".stones .stone")).to_have_count(len(points))
        assert self.stones() == points

    def button(self, name: str) -> Locator:
        """A button of the open room, by its name."""
        return self.room.get_by_role("button", name=name, exact=True)

    def switch(self, name: str) -> None:
        """Turns a switch of "Think aloud"."""
        self.room.locator(".switch").filter(has_text=name).click()

    def position(self, moves: list[str], size: int = 19, variant: str = "pente") -> Any:
        """The server's view of a position."""
        answer = self.server.post("/api/v1/position", json={"variant": variant, "board_size": size, "moves": moves})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def violations(self) -> list[str]:
        """Violations that axe finds on the current page: in light, and of colours in dark too."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self._violations("tag", AXE_TAGS)
        self.page.emulate_media(color_scheme="dark")
        found += [f"dark: {one}" for one in self._violations("rule", ["color-contrast"])]
        self.page.emulate_media(color_scheme="light")
        return found

    def _violations(self, kind: str, names: list[str]) -> list[str]:
        options = {"runOnly": {"type": kind, "values": names}, "resultTypes": ["violations"], "preload": False}
        violations = self.page.evaluate("options => axe.run(document, options)", options)["violations"]
        return [f"{one['id']}: {node['html'][:200]}" for one in violations for node in one["nodes"]]
