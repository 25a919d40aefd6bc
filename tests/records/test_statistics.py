"""Statistics over the games of a pool, compared with the same in plain Python."""

from pathlib import Path

import numpy as np
import pytest

from alphapente.records.model import GameRecord
from alphapente.records.store import Store
from tests.records.samples import random_game


@pytest.fixture
def games() -> list[GameRecord]:
    return [random_game(seed, size=9 if seed % 3 else 7) for seed in range(23)]


@pytest.fixture
def store(tmp_path: Path, games: list[GameRecord]) -> Store:
    store = Store(tmp_path / "records.db")
    for game in games:
        store.add_game(game)
    return store


@pytest.mark.parametrize("count", [1, 4, 23, 60])
def test_windows_of_games_are_averages_over_even_parts_of_them(
    store: Store, games: list[GameRecord], count: int
) -> None:
    windows = store.game_windows("pente", [7, 9], count)
    parts = np.array_split(np.arange(len(games)), min(count, len(games)))
    assert [window.games for window in windows] == [len(part) for part in parts]
    records = 0
    for window, part in zip(windows, parts, strict=True):
        of = [games[place] for place in part]
        records += sum(len(game.records) for game in of)
        assert window.records == records
        assert window.plies == pytest.approx(np.mean([len(game.moves) for game in of]))
        for share, ending in ((window.by_five, "five"), (window.by_captures, "captures"), (window.draws, "draw")):
            assert share == pytest.approx(np.mean([game.won_by == ending for game in of]))
        assert window.won_by_player_1 == pytest.approx(np.mean([game.winner == 1 for game in of]))


def test_other_boards_and_variants_are_excluded(store: Store, games: list[GameRecord]) -> None:
    (window,) = store.game_windows("pente", [7], 1)
    assert window.games == sum(game.board_size == 7 for game in games)
    assert store.game_windows("pente", [19], 5) == []
    assert store.game_windows("keryo", [7, 9], 5) == []
