"""Reviewing a game on the page: from a text, a link, the database, and while self-play plays it."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from alphapente.rules.gametext import read_game
from tests.web.browser.visitor import Visitor
from tests.web.server import REAL_GAME

Visit = Callable[..., Visitor]

TEXT = """[Game "Pente"]
[Site "Pente.org"]
[Event "Turn-based Game"]
[Date "01/19/2014"]
[Player 1 Name "alice"]
[Player 2 Name "bob"]
[Player 1 Rating "2488"]
[Player 2 Rating "1696"]
[Result "1-0"]

1. K10 M9 2. N10 M7 3. M8 O7 4. L10 J10 5. M10 O10 6. L9 N7 7. L7 P7 8. Q7 L11
9. L8 L6 10. K8 J9 11. J11 H12 12. J8 N8 13. H8 1-0
"""
LINK = f"pente/19/{''.join(REAL_GAME)}"


def game_text(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("textbox", name="Game text")


def comment(visitor: Visitor) -> str:
    return visitor.room.locator(".comment").inner_text()


def test_a_pasted_game_is_judged_stepped_through_and_exported(visit: Visit) -> None:
    visitor = visit("/#review")
    game_text(visitor).fill(TEXT)
    visitor.button("Review it").click()
    expect(visitor.moves).to_have_count(25)
    expect(visitor.room.locator(".area-near .tray-name")).to_have_text("alice")
    expect(visitor.room.locator(".area-far .tray-detail")).to_have_text("Black, 1696")
    expect(visitor.room.locator(".judged")).to_have_text("25 moves judged")
    assert re.fullmatch(r"\d+%", visitor.room.locator(".summary tr:nth-child(2) td").first.inner_text())

    visitor.page.keyboard.press("End")
    expect(visitor.room.locator(".comment")).to_contain_text("White wins by five in a row")
    expect(visitor.board.locator(".five")).to_have_count(5)
    for point in ("H8", "N8", "J8"):
        assert point in visitor.stones()
        visitor.page.keyboard.press("ArrowLeft")
        expect(visitor.board.locator(f'.stones [data-point="{point}"]')).to_have_count(0)
    expect(visitor.board.locator('.stones [data-point="J9"]')).to_have_count(1)  # J8 had captured J9

    with visitor.page.expect_response("**/api/v1/games/format"):
        visitor.button("Export").click()
    exported = visitor.page.get_by_role("dialog").get_by_role("textbox").input_value()
    game = read_game(exported)
    assert game.headers["Player 1 Name"] == "alice"
    assert len(game.moves) == 25
    marked = visitor.room.locator(".move[data-verdict]:not([data-verdict=good])").count()
    assert len(game.comments) == marked


def test_what_the_engine_would_rather_have_played_is_shown(visit: Visit) -> None:
    # Player 1 has a four with one end open and plays elsewhere: a missed win, whatever the network thinks.
    visitor = visit("/#review/pente/19/K10A1N10A3N11A5N12N9N13C1T1N14")
    expect(visitor.room.locator(".judged")).to_have_text("12 moves judged")
    missed = visitor.room.locator('.move[data-verdict="missed win"]')
    expect(missed.filter(has_text="T1")).to_have_count(1)
    visitor.button("Next mistake").click()
    while "T1" not in comment(visitor):
        visitor.button("Next mistake").click()
    expect(visitor.room.locator(".comment")).to_contain_text("missed win")
    visitor.room.locator(".better").hover()
    expect(visitor.board.locator(".to-come").first).to_contain_text("1")


def test_a_line_can_be_tried_and_left(visit: Visit) -> None:
    visitor = visit(f"/#review/{LINK}?ply=8")
    board = visitor.board.locator(".stones .stone")
    expect(board).to_have_count(8)
    visitor.click("Q10")
    expect(board).to_have_count(9)
    expect(visitor.room.locator(".comment")).to_contain_text("Q10")
    expect(visitor.moves).to_have_count(25)  # the game itself is as it was
    visitor.page.keyboard.press("Escape")
    expect(board).to_have_count(8)
    visitor.click("M10")  # the game's own move is a step, no line of one's own
    expect(board).to_have_count(9)
    assert "5. M10" in comment(visitor)


def test_a_link_holds_the_game_the_place_and_the_result(visit: Visit) -> None:
    visitor = visit(f"/#review/{LINK[:-2]}/1-0?ply=3")
    expect(visitor.board.locator(".stones .stone")).to_have_count(3)
    expect(visitor.room.locator(".game-title")).to_contain_text("1-0")
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visitor.page.keyboard.press("ArrowRight")
    visitor.button("Link").click()
    expect(visitor.room.locator(".comment")).to_contain_text("The link is in the clipboard")
    address = visitor.page.evaluate("navigator.clipboard.readText()")
    assert address.endswith(f"#review/{LINK[:-2]}/1-0?ply=4")


def test_on_from_a_game_under_review(visit: Visit) -> None:
    visitor = visit(f"/#review/{LINK}?ply=4")
    expect(visitor.board.locator(".stones .stone")).to_have_count(4)
    visitor.button("Play").click()
    expect(visitor.page).to_have_url(re.compile("#play$"))
    visitor.expect_stones(set(REAL_GAME[:4]))
    visitor.button("Review").click()
    expect(visitor.moves).to_have_count(4)


def test_what_cannot_be_read_is_reported_in_a_line(visit: Visit) -> None:
    visitor = visit("/#review")
    for text, words in (
        ("1. K10 Z9", "no point 'Z9'"),
        ("1. K10 L9 2. L10", "White's second stone"),
        ("", "Paste a game text first"),
    ):
        game_text(visitor).fill(text)
        visitor.button("Review it").click()
        expect(visitor.room.locator(".source-text").get_by_role("alert")).to_contain_text(words)
    visitor.troubles = [one for one in visitor.troubles if "400" not in one]  # the browser's own word for it


def test_an_address_without_a_game_leads_back_to_the_choice(visit: Visit) -> None:
    visitor = visit("/#review/pente/19/K1")
    expect(visitor.room.get_by_role("alert").first).to_contain_text("K1")
    visitor.page.goto("/#review/nonsense")
    expect(visitor.room.get_by_role("alert").first).to_contain_text("contains no valid game")
    expect(game_text(visitor)).to_be_visible()
    visitor.troubles = [one for one in visitor.troubles if "400" not in one]


def test_a_file_is_read(visit: Visit) -> None:
    visitor = visit("/#review")
    visitor.page.locator("input[type=file]").set_input_files(
        {"name": "game.txt", "mimeType": "text/plain", "buffer": TEXT.replace("\n", "\r\n").encode()}
    )
    expect(visitor.moves).to_have_count(25)


def test_games_of_the_database_open(visit: Visit) -> None:
    visitor = visit("/#review")
    rows = visitor.room.locator(".stored li")
    newest = visitor.server.get("/api/v1/games").json()[0]["id"]
    expect(rows.first).to_contain_text(f"#{newest}")
    plies = int(re.search(r"(\d+) moves", rows.first.inner_text())[1])  # type: ignore[index]
    rows.first.get_by_role("link").click()
    expect(visitor.moves).to_have_count(plies)
    expect(visitor.room.locator(".game-title")).to_contain_text(f"Game {newest} of the database")
