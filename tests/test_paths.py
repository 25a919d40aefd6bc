"""Paths of users and callers: of any type, with `~`, through links, in any locale."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alphapente.arena.suites.suite import Puzzle, find_suite, read_suite, write_suite
from alphapente.cli.curves import Curves
from alphapente.config import ConfigError, load_config, load_layers
from alphapente.errors import FailureError, RequestError
from alphapente.events import EpochReport
from alphapente.files import StrPath, configured_path
from alphapente.network import checkpoint
from alphapente.network.checkpoint import Checkpoint
from alphapente.network.load import load_network
from alphapente.network.models import build, spec_of
from alphapente.network.planes import NUM_PLANES
from alphapente.pipeline.history import read_history
from alphapente.pipeline.picture import draw as draw_picture
from alphapente.pipeline.run_view import view_folder
from alphapente.pipeline.state import scheduler_at_work, stop_for_good
from alphapente.records import exchange
from alphapente.records.connect import database_exists, parse_database
from alphapente.records.store import Store
from alphapente.training.lock import CheckpointLock
from tests.pipeline.runs import run_here
from tests.pipeline.scheduler import settings
from tests.records.samples import random_game


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_configured_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert configured_path("~/logs") == Path("/home/somebody/logs")
    assert configured_path("~") == Path("/home/somebody")
    assert configured_path(Path("~/logs")) == Path("/home/somebody/logs")
    assert configured_path("./~/logs") == Path("~/logs")
    assert configured_path("~no_such_user/logs") == Path("~no_such_user/logs")
    assert configured_path("straße") == Path("straße")


def test_a_configured_name_is_the_same_file_in_a_locale_without_its_letters(tmp_path: Path) -> None:
    code = "from alphapente.files import configured_path, write_text; write_text(configured_path('stra\\xdfe/x'), 'x')"
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert os.listdir(os.fsencode(tmp_path)) == ["straße".encode()]


class Named:
    """A path type other than pathlib's."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


@pytest.mark.parametrize("kind", [str, Named])
def test_public_functions_take_text_and_any_path(tmp_path: Path, kind: Callable[[Path], StrPath]) -> None:
    def named(name: str) -> StrPath:
        return kind(tmp_path / name)

    (tmp_path / "my.json").write_text('{"game": {"board_size": 9}}')
    config = load_config(named("my.json"))
    assert config.game.board_size == load_layers(named("my.json")).config.game.board_size == 9
    with Store(named("records.db")) as store:
        store.add_game(random_game(1))
        exchange.export_games(store, named("games.txt"))
        assert exchange.import_games(store, named("games.txt"), size=9).games == 1
        exchange.export_records(store, named("records.parquet"))
    assert database_exists(named("records.db"))
    draw_picture(load_config(None, [f"records.database={tmp_path}/records.db", "game.board_size=9"]), named("run.png"))
    spec = spec_of(config, "simple")
    weights = build(spec, seed=1).state_dict()
    made = Checkpoint(spec.model_type, spec.class_path, dict(spec.sizes), NUM_PLANES, weights, weights)
    checkpoint.save(named("own.pt"), made)
    found = checkpoint.read(named("own.pt"))
    checkpoint.require_spec(named("own.pt"), found, spec)
    checkpoint.restore(named("own.pt"), found, config)
    assert load_network(config, named("own.pt")).description.startswith(str(tmp_path / "own.pt"))
    write_suite(named("suite.json"), [Puzzle("", ("K10",), "1")])
    assert len(read_suite(find_suite(named("suite.json")))) == 1
    assert find_suite("tactical").is_file()
    assert stop_for_good(kind(tmp_path)) is False
    assert scheduler_at_work(kind(tmp_path)) is None
    assert read_history(kind(tmp_path)) == []
    assert view_folder(kind(tmp_path)).jobs == {}
    with CheckpointLock(named("own.pt")):
        pass


def test_a_file_is_the_same_through_any_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link.db").symlink_to("kept/real.db")
    with Store(tmp_path / "link.db") as store:
        store.add_game(random_game(1))
        assert parse_database(tmp_path / "link.db") == parse_database(tmp_path / "kept" / "real.db")
        assert parse_database(f"sqlite:///{tmp_path}/link.db") == parse_database(tmp_path / "kept" / "real.db")
        with Store(tmp_path / "kept" / "real.db") as other:
            assert other.stats() == store.stats()
    assert names(tmp_path) == ["kept", "link.db"]
    (tmp_path / "link.pt").symlink_to("kept/real.pt")
    with (
        CheckpointLock(tmp_path / "link.pt"),
        pytest.raises(FailureError, match="another training"),
        CheckpointLock(tmp_path / "kept" / "real.pt"),
    ):
        pass
    (tmp_path / "circle.db").symlink_to("circle.db")
    with pytest.raises(RequestError, match=r"circle\.db.*name another file"):
        Store(tmp_path / "circle.db")


def test_every_folder_of_the_configuration_may_begin_with_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    folders = ["pipeline.checkpoint_dir=~/nets", "pipeline.log_dir=~/logs", "records.database=~/records.db"]
    (tmp_path / "home" / "base.json").write_text('{"game": {"board_size": 9}}')
    (tmp_path / "own.json").write_text('{"extends": "~/base.json"}')
    assert load_config("own.json").game.board_size == 9
    run_here(tmp_path, *folders, "pipeline.generation_cycles=1", "pipeline.promotion=sprt")
    config = settings(tmp_path, *folders)
    with Curves(config) as curves, Store(config.records.database) as store:
        store.add_game(random_game(1))
        curves(EpochReport(1, 1, 10, 5.0, 0.6, 5.6, 4.0, 0.5, 0.001, 100.0))
    assert names(tmp_path / "home") == ["base.json", "logs", "nets", "records.db"]
    assert "tensorboard" in names(tmp_path / "home" / "logs")
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("key", ["pipeline.checkpoint_dir", "pipeline.log_dir", "records.database"])
@pytest.mark.parametrize("text", ["", r"a\u0000b", r"\ud800"])
def test_an_impossible_file_name_is_refused_in_the_configuration(key: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"{key}: found .*allowed: text, not empty"):
        load_config(None, [f'{key}="{text}"'])


DRAW = """
from alphapente.cli.curves import Curves
from alphapente.config import load_config
from alphapente.event_log import EventLog, Source
from alphapente.events import EpochReport
from alphapente.pipeline.picture import training_curves
config = load_config(None, ["pipeline.log_dir=l\\xf6gs", "pipeline.checkpoint_dir=n\\xe4tze"])
report = EpochReport(1, 1, 10, 5.0, 0.6, 5.6, 4.0, 0.5, 0.001, 100.0)
with Curves(config) as curves:
    curves(report)
EventLog(config.pipeline.checkpoint_folder, Source("training-simple"), print)(report)
print(training_curves(config, ("policy_loss",))["policy_loss"][1])
"""


def test_curves_are_written_in_a_locale_without_the_letters_of_their_folder(tmp_path: Path) -> None:
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", DRAW]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[5.]\n", "")
    assert sorted(os.listdir(os.fsencode(tmp_path))) == ["lögs".encode(), "nätze".encode()]
