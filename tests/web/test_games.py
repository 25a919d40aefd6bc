"""Games as text, from a real database, and those in play."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from alphapente.event_log import EventLog, Source
from alphapente.events import GamesInPlay, GenerationSummary
from alphapente.records.model import ImportedGame
from alphapente.records.store import Store
from alphapente.rules.notation import point_name
from alphapente.selfplay.loop import SelfPlay
from alphapente.selfplay.worker import counts_of
from tests.records.samples import random_game
from tests.search.evaluators import ScriptedEvaluator, noise_answer
from tests.web.server import GAME_TEXT, REAL_GAME, quiet_config, refusal, serving

GAMES = "/api/v1/games"
STORED = 7
SIZE = 9


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of seven random games on 9x9 and an imported one on 19x19, the newest."""
    folder = tmp_path_factory.mktemp("games")
    with Store(folder / "records.db") as store:
        for seed in range(STORED):
            store.add_game(random_game(seed, max_records=1))
        store.add_imported([ImportedGame("pente", 19, [180, 200], 1, "unfinished", {"Event": "Turn-based Game"})])
    return folder


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[httpx.Client]:
    with serving(quiet_config(folder)) as (client, _):
        yield client


def test_a_text_is_parsed_completely(client: httpx.Client) -> None:
    text = f'[Player 1 Name "alice"]\n\n{{A real game}} {GAME_TEXT} {{five}} 1-0'
    answer = client.post(f"{GAMES}/parse", json={"text": text}).json()
    assert answer["moves"] == REAL_GAME
    assert answer["headers"] == {"Game": "Pente", "Player 1 Name": "alice", "Result": "1-0"}
    assert answer["comments"] == {"0": "A real game", "25": "five"}
    assert (answer["variant"], answer["board_size"], answer["result"]) == ("pente", 19, "1-0")


def test_bare_moves_have_the_variant_and_board_of_the_request(client: httpx.Client) -> None:
    answer = client.post(f"{GAMES}/parse", json={"text": "E5 A1 E8", "variant": "keryo", "board_size": 9}).json()
    assert (answer["variant"], answer["board_size"], answer["result"]) == ("keryo", 9, None)


@pytest.mark.parametrize(
    ("text", "code"), [("1. K10 Z9", "bad_notation"), ("1. A1", "bad_move"), ("hello", "bad_notation")]
)
def test_invalid_game_texts(client: httpx.Client, text: str, code: str) -> None:
    assert refusal(client.post(f"{GAMES}/parse", json={"text": text}))[:2] == (400, code)


def test_what_is_written_is_read_again(client: httpx.Client) -> None:
    headers = {"Player 1 Name": "You", "Event": "Review"}
    game = {
        "moves": REAL_GAME[:10],
        "comments": {"0": "so it begins", "7": "a mistake: L9 wins by five in 3"},
        "headers": headers,
        "result": "1-0",
    }
    text = client.post(f"{GAMES}/format", json=game).json()["text"]
    answer = client.post(f"{GAMES}/parse", json={"text": text}).json()
    assert {key: answer[key] for key in ("moves", "comments", "result")} == {
        key: game[key] for key in ("moves", "comments", "result")
    }
    assert answer["headers"] == {"Game": "Pente", "Result": "1-0", **headers}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"comments": {"9": "too late"}}, "bad_notation"),
        ({"headers": {"Event": "two\nlines"}}, "bad_notation"),
        ({"headers": {"Game": "Boat"}}, "bad_notation"),
        ({"moves": ["A1"]}, "bad_move"),
    ],
)
def test_games_that_cannot_be_written(client: httpx.Client, wrong: dict[str, object], code: str) -> None:
    body = {"moves": REAL_GAME[:2], **wrong}
    assert refusal(client.post(f"{GAMES}/format", json=body))[:2] == (400, code)


def test_the_newest_come_first(client: httpx.Client) -> None:
    games = client.get(GAMES).json()
    assert [one["id"] for one in games] == list(range(STORED + 1, 0, -1))
    assert games[0]["source"] == "import"
    newest = random_game(STORED - 1, max_records=1)
    assert games[1]["plies"] == len(newest.moves)
    assert (games[1]["winner"], games[1]["won_by"]) == (newest.winner, newest.won_by)
    assert games[1]["made_by"] == {"model_type": "simple", "step": 1006, "seed": "6", "simulations": 100}


def test_pages_of_games_follow_one_another(client: httpx.Client) -> None:
    found, before = [], None
    while page := client.get(GAMES, params={"limit": 3} | ({"before": before} if before else {})).json():
        found += [one["id"] for one in page]
        before = page[-1]["id"]
    assert found == list(range(STORED + 1, 0, -1))


def test_games_of_one_board_or_variant(client: httpx.Client) -> None:
    assert [one["board_size"] for one in client.get(GAMES, params={"board_size": 19}).json()] == [19]
    assert client.get(GAMES, params={"variant": "boat"}).json() == []


def test_one_game_has_its_moves(client: httpx.Client) -> None:
    game = random_game(2, max_records=1)
    answer = client.get(f"{GAMES}/3").json()
    assert answer["moves"] == [point_name(point, SIZE) for point in game.moves]
    assert answer["random_plies"] == list(game.random_plies)
    assert client.get(f"{GAMES}/{STORED + 1}").json()["headers"] == {"Event": "Turn-based Game"}


def test_missing_games(client: httpx.Client) -> None:
    assert refusal(client.get(f"{GAMES}/999"))[:2] == (404, "no_game")
    assert refusal(client.get(f"{GAMES}/abc"))[:2] == (422, "malformed")
    assert refusal(client.get(f"{GAMES}/{10**30}"))[:2] == (422, "malformed")
    assert refusal(client.get(GAMES, params={"limit": 0}))[:2] == (422, "malformed")


def test_without_a_database_there_are_none(tmp_path: Path) -> None:
    with serving(quiet_config(tmp_path)) as (client, _):
        assert client.get(GAMES).json() == []
        assert refusal(client.get(f"{GAMES}/1"))[:2] == (404, "no_game")
        assert client.get(f"{GAMES}/live").json()["games"] == []
    assert not (tmp_path / "records.db").exists()


def test_games_in_play_can_be_watched(tmp_path: Path) -> None:
    config = quiet_config(tmp_path, "game.board_size=7", "generation.simulations=2")
    seeds = iter(range(100, 200))
    evaluator = ScriptedEvaluator(12, 7, noise_answer(1, 7))
    play = SelfPlay(evaluator, config, lambda: next(seeds))
    play.step()
    log = EventLog(config.pipeline.checkpoint_folder, Source("generation"), print)
    log(GamesInPlay("pente", 7, "simple", 9, list(counts_of(play).shown)))
    with serving(config) as (client, _):
        answer = client.get(f"{GAMES}/live").json()
        assert answer["variant"], answer
        log(GenerationSummary(0, 0, 0, {}, {}, 1.0, 0, 0))
        assert client.get(f"{GAMES}/live").json()["games"] == [], "the generation has ended"
    assert (answer["variant"], answer["board_size"], answer["model_type"], answer["step"]) == ("pente", 7, "simple", 9)
    assert len(answer["games"]) == 8
    assert [game["seed"] for game in answer["games"]] == [str(seed) for seed in range(100, 108)]
    assert all(game["moves"][0] == "D4" for game in answer["games"])
