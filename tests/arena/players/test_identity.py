"""Player identities: each setting is part of the identity or cannot change a move; old matches keep their players."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from alphapente.arena.matches.tournament import Contestant, plan
from alphapente.arena.players.base import RandomPlayer, SearchPlayer
from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.arena.players.identity import player_identity
from alphapente.arena.players.play_settings import BASELINE, BY_CLOCK_ONLY, NOT_PLAY, canonical_identity
from alphapente.arena.ratings.ratings import rate_matches
from alphapente.config import Config, SearchSettings, load_config
from alphapente.errors import AlphaPenteError
from alphapente.records.model import PlayerIdentity
from alphapente.records.store import Store
from tests.arena.matches.whole import play_match

OLD = Path(__file__).with_name("data") / "matches_before_frozen_identities.sql"
"""Matches as the version before this one stored them: commit 69253e3, six matches of `random` on 7x7."""

OTHER_VALUES: Mapping[str, Any] = {
    "root": "puct",
    "considered_points": 4,
    "value_scale": 0.5,
    "visit_offset": 10.0,
    "exploration": 2.0,
    "exploration_log": 1.0,
    "exploration_base": 100.0,
    "first_play_reduction": 0.5,
    "noise_concentration": 5.0,
    "noise_shaped": 0.5,
    "root_policy_temperature": 2.0,
    "root_policy_temperature_final": 1.5,
    "root_policy_temperature_half_life": 3.0,
    "forced_playouts": 2.0,
    "tree_reuse": False,
    "cached_positions": 0,
    "root_solver_nodes": 0,
    "leaf_solver_nodes": 0,
    "leaves_at_once": 2,
    "virtual_loss": 3.0,
}


def changed(name: str) -> Config:
    value = OTHER_VALUES[name]
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return load_config(None, [f"search.{name}={text}"])


class TestSettings:
    def test_every_setting_is_in_one_of_the_tables(self) -> None:
        fields = set(SearchSettings.model_fields)
        assert set(OTHER_VALUES) == fields, "a new setting needs a value here that differs from its default"
        assert set(BASELINE) | set(NOT_PLAY) == fields, "a new setting needs a place in arena/play_settings.py"
        assert not set(BASELINE) & set(NOT_PLAY)
        assert set(BY_CLOCK_ONLY) <= set(BASELINE)
        assert all({**NOT_PLAY, **BY_CLOCK_ONLY}.values()), "each with its reason"

    def test_a_setting_in_no_table_is_part_of_the_identity(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(BASELINE, "visit_offset")
        assert player_identity("heuristic", load_config(None)).settings == '{"visit_offset": 50.0}'

    @pytest.mark.parametrize("name", SearchSettings.model_fields)
    @pytest.mark.parametrize("word", ["heuristic@8", "heuristic@0.5s", "fresh@8", "fresh@0.5s"])
    def test_a_setting_changes_the_identity_unless_it_cannot_change_a_move(self, word: str, name: str) -> None:
        plain = player_identity(word, load_config(None))
        excepted = name in NOT_PLAY or (name in BY_CLOCK_ONLY and not word.endswith("s"))
        assert (player_identity(word, changed(name)) == plain) == excepted
        assert plain.settings == ""

    @pytest.mark.parametrize("name", SearchSettings.model_fields)
    @pytest.mark.parametrize("word", ["random", "tactical", "rollouts@8", "policy:fresh", "gtp:engine"])
    def test_no_setting_of_the_search_changes_players_without_search(self, word: str, name: str) -> None:
        assert player_identity(word, changed(name)) == player_identity(word, load_config(None))

    @pytest.mark.parametrize("root", ["gumbel", "puct"])
    @pytest.mark.parametrize("name", [*NOT_PLAY, *BY_CLOCK_ONLY])
    def test_the_excepted_settings_change_no_move(self, name: str, root: str) -> None:
        games = []
        for settings in (SearchSettings(), changed(name).search):
            player = SearchPlayer(HeuristicEvaluator(4, 7), settings.model_copy(update={"root": root}), 12, "search")
            games.append(play_match(player, RandomPlayer(), 4, size=7, seed=1).games)
        assert games[0] == games[1]

    def test_fresh_is_identified_by_its_sizes(self) -> None:
        plain = player_identity("fresh", load_config(None))
        small = player_identity("fresh", load_config(None, ["models.simple.channels=8"]))
        assert plain.settings == ""
        assert '"channels": 8' in small.settings
        assert player_identity("fresh", load_config(None, ["models.resnet.channels=8"])) == plain


def test_a_missing_file_has_no_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AlphaPenteError, match=r"there is no checkpoint nothing\.pt"):
        player_identity("nothing.pt", load_config(None))
    (tmp_path / "fresh").write_text("a file with a reference's name")
    assert player_identity("fresh", load_config(None)).kind == "reference"


@pytest.mark.parametrize("settings", ["[]", "not JSON", "3", ""])
def test_invalid_settings_stay_as_they_are(settings: str) -> None:
    identity = PlayerIdentity("heuristic@4", "reference", settings=settings)
    assert canonical_identity(identity) == identity


class TestOldDatabase:
    @pytest.fixture
    def database(self, tmp_path: Path) -> Path:
        path = tmp_path / "records.db"
        connection = sqlite3.connect(path)
        connection.executescript(OLD.read_text(encoding="utf-8"))
        connection.close()
        return path

    def test_old_matches_are_of_the_players_that_play_today(self, database: Path) -> None:
        config = load_config(None, ["game.board_size=7"])
        with Store(database) as store:
            matches = store.matches("pente", 7)
        rated = {player.identity: player.games for player in rate_matches(matches, "pente", 7).players}
        assert sum(rated.values()) == 2 * 16, "no game is lost"
        words = {"random": 16, "heuristic@4": 8, "rollouts@10": 4}
        assert {word: rated[player_identity(word, config)] for word in words} == words
        puct = load_config(None, ["search.root=puct"])
        assert rated[player_identity("heuristic@4", puct)] == 2, "another search is another player"

    def test_old_matches_are_not_played_again(self, database: Path) -> None:
        config = load_config(None, ["game.board_size=7"])
        with Store(database) as store:
            matches = store.matches("pente", 7)
        one, other = (Contestant(word, player_identity(word, config)) for word in ("random", "heuristic@4"))
        (job,) = plan([one, other], [], 14, matches)
        assert job.missing == 6
        assert plan([one, other], [], 8, matches) == []
