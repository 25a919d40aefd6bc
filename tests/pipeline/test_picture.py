"""The picture of a run, drawn from a real database and a real event log."""

from pathlib import Path

import pytest

from alphapente.config import Config, load_config
from alphapente.errors import RequestError
from alphapente.event_log import EventLog, Source
from alphapente.events import EpochReport
from alphapente.pipeline.picture import draw, game_curves
from alphapente.records.store import Store
from tests.records.samples import random_game


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(
        None,
        ["game.board_size=9", f"records.database={tmp_path / 'records.db'}", f"pipeline.checkpoint_dir={tmp_path}/run"],
    )


def test_lengths_and_kinds_of_win_are_those_of_the_games(config: Config) -> None:
    games = [random_game(seed) for seed in range(20)]
    with Store(config.records.database) as store:
        for game in games:
            store.add_game(game)
    curves = game_curves(config)
    assert curves.plies == pytest.approx([len(game.moves) for game in games])
    assert curves.by_five + curves.by_captures + curves.draws == pytest.approx(1.0)
    assert curves.records[-1] == sum(len(game.records) for game in games)


@pytest.mark.parametrize("name", ["run.png", "run.svg"])
def test_a_picture_is_drawn_with_losses_and_without(config: Config, tmp_path: Path, name: str) -> None:
    with Store(config.records.database) as store:
        store.add_game(random_game(1))
    draw(config, tmp_path / name)
    bare = (tmp_path / name).stat().st_size
    log = EventLog(config.pipeline.checkpoint_folder, Source("training-simple"), print)
    for epoch in (1, 2, 3):
        log(EpochReport(epoch, 3, 10 * epoch, 5.0 / epoch, 0.6, 5.6, 4.0, 0.5, 0.001, 100.0))
    draw(config, tmp_path / name)
    assert (tmp_path / name).stat().st_size > bare


def test_no_games_and_unknown_extensions_are_refused(config: Config, tmp_path: Path) -> None:
    with Store(config.records.database) as store:
        with pytest.raises(RequestError, match=r"generate_v2\.py"):
            draw(config, tmp_path / "run.png")
        store.add_game(random_game(1))
    with pytest.raises(RequestError, match="cannot draw"):
        draw(config, tmp_path / "run.doc")
