"""Playing on the page as a visitor does: by mouse, in a real browser."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.web.browser.visitor import Visitor

Visit = Callable[..., Visitor]

CAPTURE_NEXT = "K10K11N10K12"  # K13 takes the pair K11 K12
OPEN_THREE = "K10A1N10A3N11A5N12C1"  # N13 makes an open four of player 1
"""Games as the address writes them, with player 1 to move."""


def choose_strength(visitor: Visitor, strength: str) -> None:
    visitor.room.get_by_role("button", name="Club").click()
    visitor.page.get_by_label("Strength").select_option(strength)
    visitor.page.get_by_role("button", name="Take").click()


def best_reply(visitor: Visitor, moves: list[str], size: int) -> str:
    """A sensible move for a visitor: a win, an answer, a capture, or the engine's own first thought."""
    threats = visitor.position(moves, size)["threats"]
    for points in (threats["wins"], threats["must_answer"], [one["point"] for one in threats["captures"]]):
        if points:
            return str(points[0])
    answer = visitor.server.post(
        "/api/v1/analysis", json={"board_size": size, "moves": moves, "simulations": 1, "purpose": "play"}
    )
    last = answer.text.strip().rsplit('"best":"', 1)[1]
    return last.split('"')[0]


def test_a_whole_game_against_the_engine(visit: Visit) -> None:
    size = 13
    visitor = visit(f"/#play/pente/{size}/G7H7K10J7")
    choose_strength(visitor, "first game")
    visitor.click("K7", size)  # captures at once
    expect(visitor.moves).to_have_count(6)

    for _ in range(size * size):
        moves = visitor.moves.locator("span:first-child").all_inner_texts()
        position = visitor.position(moves, size)
        visitor.expect_stones({*position["stones"]["1"], *position["stones"]["2"]})
        for player, words in ((1, "You"), (2, "AlphaPente")):
            tray = visitor.room.locator(".tray").filter(has_text=words).locator(".tray-captured")
            expect(tray).to_have_attribute(
                "aria-label", f"captured {position['captured_stones'][str(player)]} of 10 stones"
            )
        if position["result"]:
            break
        visitor.click(best_reply(visitor, moves, size), size)
        after = len(moves) + 1
        expect(visitor.moves.nth(after - 1)).to_be_visible()
        if (
            visitor.position(visitor.moves.locator("span:first-child").all_inner_texts()[:after], size)["result"]
            is None
        ):
            expect(visitor.moves).to_have_count(after + 1)
    expect(visitor.moves.last).to_be_in_viewport()  # the list has followed the game
    winner = position["result"]["winner"]
    words = {0: "A draw", 1: "You win by", 2: "The engine wins by"}[winner]
    expect(visitor.status).to_contain_text(words)
    expect(visitor.button("Rematch")).to_be_visible()
    visitor.button("Rematch").click()
    expect(visitor.room.locator(".area-near .tray-detail")).to_have_text("Black")
    expect(visitor.moves).to_have_count(1)


def test_a_capture_is_drawn_undone_and_redone(visit: Visit) -> None:
    visitor = visit(f"/#play/pente/19/{CAPTURE_NEXT}")
    choose_strength(visitor, "first game")
    before = {"K10", "K11", "N10", "K12"}
    visitor.expect_stones(before)
    expect(visitor.board.locator(".from-capture")).to_have_count(1)
    visitor.click("K13")
    expect(visitor.moves).to_have_count(6)
    answer = visitor.moves.nth(5).inner_text()
    visitor.expect_stones({"K10", "N10", "K13", answer})
    mine = visitor.room.locator(".area-near .tray-captured")
    expect(mine).to_have_attribute("aria-label", "captured 2 of 10 stones")

    visitor.button("Undo").click()
    visitor.expect_stones(before)
    expect(mine).to_have_attribute("aria-label", "captured 0 of 10 stones")
    visitor.button("Redo").click()
    visitor.expect_stones({"K10", "N10", "K13", answer})

    visitor.page.keyboard.press("z")
    visitor.expect_stones(before)
    visitor.click("M12")  # another move: what came after is forgotten
    expect(visitor.moves.nth(4)).to_have_text("M12")
    expect(visitor.moves).to_have_count(6)


def test_a_stone_is_drawn_before_the_server_answers(visit: Visit) -> None:
    visitor = visit()
    expect(visitor.status).to_contain_text("The first stone goes on the centre")
    visitor.page.route("**/api/v1/position", lambda _route: None)  # no answer, ever
    visitor.click("K10")
    assert visitor.stones() == {"K10"}


def test_a_move_that_the_server_refuses_is_taken_back(visit: Visit) -> None:
    visitor = visit()
    expect(visitor.board.locator(".only")).to_have_count(1)  # the one legal point is shown
    error = '{"error": {"code": "illegal_move", "message": "player 1 may not"}}'
    visitor.page.route("**/api/v1/position", lambda route: route.fulfill(status=400, json=None, body=error))
    visitor.click("K10")
    expect(visitor.status).to_have_text("White may not")
    expect(visitor.board.locator(".stones .stone")).to_have_count(0)
    expect(visitor.moves).to_have_count(0)
    assert [one for one in visitor.troubles if "400" in one] == visitor.troubles  # the browser logs the 400 itself
    visitor.troubles.clear()


def test_forbidden_and_taken_points_are_refused_with_the_reason(visit: Visit) -> None:
    visitor = visit("/#play/pente/19/K10L9")
    expect(visitor.board.locator(".mark-forbidden")).to_have_count(23)
    visitor.click("M12")
    expect(visitor.status).to_contain_text("White's second stone must lie outside the 5x5")
    visitor.click("L9")
    expect(visitor.status).to_have_text("L9 is taken")
    expect(visitor.moves).to_have_count(2)


def test_a_new_game_is_set_up_as_asked(visit: Visit) -> None:
    visitor = visit()
    visitor.button("New game").click()
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_label("Variant").select_option("gomoku")
    dialog.get_by_label("Board").select_option("9")
    dialog.get_by_label("Strength").select_option("first game")
    dialog.get_by_label("Black", exact=True).check()
    dialog.get_by_role("button", name="Play").click()
    expect(visitor.moves).to_have_count(1)  # the engine begins
    expect(visitor.room.locator(".tray-captured:visible")).to_have_count(0)  # gomoku has no captures
    assert visitor.board.locator(".coordinates text").count() == 18

    visitor.button("Swap").click()
    expect(visitor.moves).to_have_count(2)  # the engine took over my side, at my turn
    visitor.button("Resign").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Resign").click()
    expect(visitor.status).to_have_text("The engine wins by resignation")


def test_the_game_is_still_there_after_a_reload(visit: Visit) -> None:
    visitor = visit(f"/#play/pente/19/{CAPTURE_NEXT}")
    visitor.expect_stones({"K10", "K11", "N10", "K12"})
    visitor.page.reload()
    visitor.expect_stones({"K10", "K11", "N10", "K12"})


def test_thinking_aloud_draws_what_is_switched_on(visit: Visit) -> None:
    visitor = visit("/#play/pente/19/K10M9N10M7M8O7L10J10")
    board = visitor.board
    assert board.locator(".heat-policy, .heat-visits").count() == 0
    visitor.switch("First thoughts")
    expect(board.locator(".heat-policy").first).to_be_visible()
    visitor.switch("Search")
    expect(board.locator(".heat-visits").first).to_be_visible()
    visitor.switch("Best lines")
    candidate = visitor.room.locator(".candidate").first
    expect(candidate).to_be_enabled()
    candidate.hover()
    expect(board.locator(".to-come").first).to_contain_text("1")
    visitor.page.mouse.move(0, 0)
    expect(board.locator(".to-come")).to_have_count(0)
    visitor.switch("First thoughts")
    expect(board.locator(".heat-policy")).to_have_count(0)
    expect(visitor.room.locator(".value-label")).not_to_be_empty()


def test_a_forced_win_is_played_out_as_numbered_stones(visit: Visit) -> None:
    visitor = visit(f"/#play/pente/19/{OPEN_THREE}")
    visitor.switch("Forced wins")
    expect(visitor.room.locator(".insight-forced")).to_contain_text("White wins by force")
    expect(visitor.board.locator(".to-come.certain").first).to_be_visible()


def test_the_search_stops_when_the_visitor_leaves_the_room(visit: Visit) -> None:
    visitor = visit("/#play/pente/19/K10M9N10M7")
    page = visitor.page
    page.route("**/api/v1/analysis", lambda _route: None)  # a search without an end
    with page.expect_request("**/api/v1/analysis"):
        visitor.switch("Best lines")
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/analysis")):
        page.get_by_role("link", name="Review").click()
    with page.expect_request("**/api/v1/analysis"):  # and continues when the visitor returns
        page.get_by_role("link", name="Play", exact=True).click()
