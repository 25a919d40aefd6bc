"""The page for everyone: on a phone, by the keyboard alone, with a screen reader."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.web.browser.visitor import Visitor

Visit = Callable[..., Visitor]

FOUR_EACH = "K10M9N10M7M8O7L10J10"


def test_axe_finds_nothing(visit: Visit) -> None:
    visitor = visit(f"/#play/pente/19/{FOUR_EACH}")
    page = visitor.page
    visitor.switch("Best lines")
    visitor.switch("Forced wins")
    expect(visitor.room.locator(".candidate").first).to_be_enabled()
    assert visitor.violations() == []
    visitor.button("New game").click()
    assert visitor.violations() == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keys and signs").click()
    assert visitor.violations() == []
    page.keyboard.press("Escape")
    page.goto("/#review")
    expect(visitor.room.locator(".stored li").first).to_be_visible()
    assert visitor.violations() == []
    page.goto(f"/#review/pente/19/{FOUR_EACH}")
    expect(visitor.room.locator(".judged")).to_have_text("8 moves judged")
    assert visitor.violations() == []
    page.goto("/#run")
    visitor.button("Start…").click()
    expect(page.get_by_role("dialog").get_by_text("As in its file.")).to_be_visible()
    assert visitor.violations() == []


def test_axe_finds_nothing_on_a_phone(visit: Visit) -> None:
    visitor = visit(f"/#play/pente/19/{FOUR_EACH}", phone=True)
    visitor.switch("Best lines")
    expect(visitor.room.locator(".candidate").first).to_be_enabled()
    assert visitor.violations() == []
    visitor.page.goto(f"/#review/pente/19/{FOUR_EACH}")
    expect(visitor.room.locator(".judged")).to_have_text("8 moves judged")
    assert visitor.violations() == []


def test_nothing_is_wider_than_a_phone(visit: Visit) -> None:
    visitor = visit("/", phone=True)
    for path, filled in (
        ("#play", ".board.active .only"),
        ("#review", ".stored li"),
        (f"#review/pente/19/{FOUR_EACH}", ".judged:not(:empty)"),
        ("#run", ".doctor"),
    ):
        visitor.page.goto(f"/{path}")
        expect(visitor.room.locator(filled).first).to_be_visible()
        assert visitor.page.evaluate("document.documentElement.scrollWidth") == 360, path


def test_a_finger_taps_twice_where_lines_are_close(visit: Visit) -> None:
    visitor = visit(f"/#play/pente/19/{FOUR_EACH}", phone=True)
    board = visitor.board
    expect(board.locator(".stones .stone")).to_have_count(8)
    visitor.tap("Q14")
    expect(board.locator(".aim")).to_have_count(1)
    visitor.tap("Q15")  # the finger corrects itself
    expect(visitor.button("Play Q15")).to_be_enabled()
    assert len(visitor.stones()) == 8
    visitor.tap("Q15")
    expect(visitor.moves.nth(8)).to_have_text("Q15")
    expect(visitor.moves).to_have_count(10)  # the engine has answered

    visitor.tap("C3")
    visitor.button("Play C3").click()
    expect(visitor.moves.nth(10)).to_have_text("C3")


def test_one_tap_is_enough_on_a_small_board(visit: Visit) -> None:
    visitor = visit("/#play/pente/9/E5A1", phone=True)
    visitor.tap("J9", size=9)
    expect(visitor.moves.nth(2)).to_have_text("J9")


def test_the_keyboard_alone_plays(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    expect(visitor.status).to_contain_text("The first stone goes on the centre")
    while page.evaluate("document.activeElement.getAttribute('role')") != "application":
        page.keyboard.press("Tab")
    said = page.locator("#announcer")
    expect(said).to_contain_text("K10, empty")  # the point begins at the centre
    page.keyboard.press("Enter")
    expect(visitor.moves).to_have_count(2)
    expect(said).to_contain_text("The engine plays")

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    expect(said).to_contain_text("L11, ")
    page.keyboard.press("Space")
    expect(visitor.status).to_contain_text("White's second stone must lie outside")
    page.keyboard.type("q4")
    expect(said).to_contain_text("Q4, ")
    page.keyboard.press("Enter")
    expect(visitor.moves).to_have_count(4)
    page.keyboard.press("z")
    expect(visitor.status).to_contain_text("After move 2 of 4")
    page.keyboard.press("y")
    expect(visitor.status).to_have_text("Your turn")

    page.keyboard.press("Shift+?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Home")
    visitor.expect_stones(set())


def test_review_on_a_phone(visit: Visit) -> None:
    visitor = visit(f"/#review/pente/19/{FOUR_EACH}?ply=8", phone=True)
    expect(visitor.room.locator(".judged")).to_have_text("8 moves judged")
    visitor.button("Back (←)").click()
    expect(visitor.board.locator(".stones .stone")).to_have_count(7)
