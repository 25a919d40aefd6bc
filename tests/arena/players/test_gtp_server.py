"""GTP from the server's side: right responses, and invalid input that changes nothing."""

import pytest

from alphapente.arena.players.base import RandomPlayer
from alphapente.arena.players.gtp_server import GtpServer
from alphapente.rules.game import Game


def talk(server: GtpServer, *lines: str) -> list[str]:
    """The responses to these lines, as they are written."""
    responses: list[str] = []
    server.run([line + "\n" for line in lines], responses.append)
    return responses


@pytest.fixture
def server() -> GtpServer:
    return GtpServer(lambda _: RandomPlayer(), "pente", 9)


def test_a_session(server: GtpServer) -> None:
    responses = talk(
        server, "protocol_version", "7 name", "# nothing", "", "play b e5", "play W E6 # near", "undo", "quit"
    )
    assert responses == ["= 2\n\n", "=7 AlphaPente\n\n", "=\n\n", "=\n\n", "=\n\n", "=\n\n"]
    assert server.game.moves == Game.from_moves("E5", size=9).moves


def test_nothing_is_answered_after_quit(server: GtpServer) -> None:
    assert len(talk(server, "quit", "name")) == 1


def test_genmove_plays_and_returns_the_move(server: GtpServer) -> None:
    (response,) = talk(server, "genmove black")
    assert response == "= E5\n\n"
    (response,) = talk(server, "genmove white")
    assert Game.from_moves(f"E5 {response.split()[1]}", size=9).moves == server.game.moves


def test_sizes_and_new_games(server: GtpServer) -> None:
    assert talk(server, "play B E5", "boardsize 13", "play B G7") == ["=\n\n"] * 3
    assert server.game.size == 13
    assert talk(server, "clear_board", "komi 6.5", "time_settings 0 1 1", "time_left B 1 1") == ["=\n\n"] * 4
    assert server.game.moves == []


def test_commands_are_known(server: GtpServer) -> None:
    (listed,) = talk(server, "list_commands")
    names = listed.removeprefix("=").split()
    assert {"play", "genmove", "undo", "showboard", "quit"} <= set(names)
    for name in names:
        assert talk(server, f"known_command {name}") == ["= true\n\n"]
    assert talk(server, "known_command fly", "known_command") == ["= false\n\n"] * 2


def test_the_board_is_shown(server: GtpServer) -> None:
    _, shown = talk(server, "play B E5", "showboard")
    assert "(X)" in shown
    assert shown.endswith("\n\n")
    assert "\n\n" not in shown.rstrip("\n"), "an empty line would end the response"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("fly", "unknown command"),
        ("GENMOVE B", "unknown command"),
        ("play B", "syntax error"),
        ("play B E5 E6", "syntax error"),
        ("play green E5", "no colour 'green'"),
        ("play B E6", "wrong colour: it is the turn of W"),
        ("genmove B", "wrong colour: it is the turn of W"),
        ("genmove", "syntax error"),
        ("play W E5", "illegal move: E5 is occupied"),
        ("play W I5", "illegal move: no point 'I5'"),
        ("play W A10", "illegal move: no point"),
        ("play W pass", "illegal move: no point 'pass'"),
        ("play W " + "A" * 5000, "illegal move: no point"),
        ("boardsize", "syntax error"),
        ("boardsize nine", "syntax error"),
        ("boardsize -9", "syntax error"),
        ("boardsize " + "9" * 5000, "syntax error"),
        ("boardsize 6", "unacceptable size"),
        ("boardsize 20", "unacceptable size"),
        ("12 fly", "unknown command"),
    ],
)
def test_what_cannot_be_done_changes_nothing(server: GtpServer, line: str, reason: str) -> None:
    talk(server, "play B E5")
    (responses,) = talk(server, line)
    assert responses.startswith("?12 " if line.startswith("12") else "? ")
    assert reason in responses
    assert responses.endswith("\n\n")
    assert responses.count("\n") == 2
    assert (server.game.size, len(server.game.moves)) == (9, 1)


def test_nothing_to_undo(server: GtpServer) -> None:
    assert talk(server, "undo") == ["? cannot undo\n\n"]


def test_a_finished_game(server: GtpServer) -> None:
    moves = ["E5", "A1", "E8", "A2", "E7", "A3", "E6", "A4", "E9"]
    talk(server, *(f"play {'BW'[ply % 2]} {move}" for ply, move in enumerate(moves)))
    assert server.game.winner == 1
    responses = talk(server, "genmove W", "play W A5", "undo", "genmove B")
    assert responses[0] == responses[1] == "? the game is over: player 1 won by five\n\n"
    assert responses[2] == "=\n\n"
    assert responses[3].startswith("= ")
