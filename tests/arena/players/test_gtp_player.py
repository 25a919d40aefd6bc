"""External engines as real processes: complete games, and every way in which an engine can fail."""

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alphapente.arena.matches.games import FORFEIT
from alphapente.arena.matches.match import MatchHooks
from alphapente.arena.players.base import RandomPlayer, SearchPlayer
from alphapente.arena.players.gtp import MOST_LINES, EngineError, EngineProcess
from alphapente.arena.players.gtp_player import GtpPlayer
from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.config import SearchSettings
from alphapente.errors import RequestError
from tests.arena.matches.whole import play_match

STAND_IN = Path(__file__).with_name("stand_in_engine.py")
Make = Callable[..., GtpPlayer]


@pytest.fixture
def engine() -> Iterator[Make]:
    players = []

    def make(*words: str, processes: int = 1, timeout_s: float = 30.0) -> GtpPlayer:
        command = shlex.join([sys.executable, str(STAND_IN), *words])
        players.append(GtpPlayer(command, 9, processes=processes, timeout_s=timeout_s))
        return players[-1]

    yield make
    for player in players:
        player.close()


def test_whole_games(engine: Make) -> None:
    """The engine checks colours and moves and accepts every move of ours, game after game."""
    searcher = SearchPlayer(HeuristicEvaluator(1, 9), SearchSettings(), 8, "search")
    report = play_match(searcher, engine("chatty"), 4, size=9, seed=1)
    assert report.name_b.startswith("Stand-in (")
    assert report.total.games == 4
    assert report.won_by_a[FORFEIT] == report.won_by_b[FORFEIT] == 0
    moves = sum(len(game.moves) - game.opening_plies for game in report.games)
    assert report.times_a.moves + report.times_b.moves == moves
    assert 0 < report.times_b.mean_s <= report.times_b.longest_s
    both = play_match(searcher, engine(processes=2), 4, size=9, seed=1)
    assert both.games == report.games, "the number of processes changes nothing"


@pytest.mark.parametrize(
    ("fault", "note"),
    [
        ("crash", "it stopped at 'genmove"),
        ("silent", "it did not answer 'genmove"),
        ("illegal", "'A9', which is illegal: A9 is occupied"),
        ("nonsense", "'maybe', which is illegal: no point"),
        ("refuse", "with an error: I am tired"),
        ("deaf", "with an error: illegal move"),
        ("resign", "it resigned"),
    ],
)
def test_a_fault_loses_the_game_and_the_match_continues(engine: Make, fault: str, note: str) -> None:
    heard: list[str] = []
    player = engine(fault, timeout_s=1.0 if fault == "silent" else 30.0)
    hooks = MatchHooks(on_played_fn=lambda _, game: heard.append(game.note))
    games = 2 if fault == "silent" else 4
    report = play_match(RandomPlayer(), player, games, size=9, hooks=hooks)
    assert report.total.wins == report.won_by_a[FORFEIT] == games
    for game in report.games:
        assert note in game.note
        assert game.won_by == FORFEIT
        assert game.won_letter == "a"
    assert sorted(heard) == sorted(game.note for game in report.games)
    if fault == "crash":
        assert "(exit status 9); its last output: out of luck" in report.games[0].note


def test_an_engine_that_does_not_start_is_refused_with_its_last_output(engine: Make) -> None:
    with pytest.raises(EngineError, match=r"does not start: .*exit status 3.*its last output: no weights here"):
        engine("stillborn")


@pytest.mark.parametrize("command", ["", "   ", "no-such-program-anywhere", "'"])
def test_commands_that_cannot_be_run_are_refused(command: str) -> None:
    with pytest.raises(RequestError, match="engine"):
        GtpPlayer(command, 9)


def test_an_engine_that_refuses_the_board_is_refused() -> None:
    command = shlex.join([sys.executable, "-c", "while input(): print('? unacceptable size\\n', flush=True)"])
    with pytest.raises(EngineError, match="unacceptable size"):
        GtpPlayer(command, 9)


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ("'hello\\n'", "it did not answer 'name' within 0.5 s"),
        ("'=\\n'", "its answer to 'name' has no end after 1000 lines"),
        ("'x' * 1000", "it did not answer 'name' within 0.5 s"),
    ],
)
def test_an_engine_that_prints_without_end_fails_in_time_and_fills_no_memory(printed: str, reason: str) -> None:
    process = EngineProcess(shlex.join([sys.executable, "-c", f"while True: print({printed}, end='')"]))
    try:
        with pytest.raises(EngineError, match=reason):
            process.ask("name", 0.5)
        time.sleep(0.2)
        assert process._lines.qsize() <= MOST_LINES
    finally:
        process.kill()
    assert not any(reader.is_alive() for reader in process._readers)
