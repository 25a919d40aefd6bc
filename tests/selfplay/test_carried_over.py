"""Games in play survive any end of a generation and are finished exactly once, in a real database."""

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alphapente.config import Config, load_config
from alphapente.errors import FailureError, RequestError
from alphapente.events import Event, GenerationProgress, Note
from alphapente.network.checkpoint import Checkpoint, CheckpointError, save
from alphapente.network.models import build, spec_of
from alphapente.network.paths import checkpoint_path
from alphapente.network.planes import NUM_PLANES
from alphapente.records.check import check
from alphapente.records.model import GameRecord
from alphapente.records.parking import Parking
from alphapente.records.store import Store
from alphapente.selfplay import generate
from alphapente.selfplay.game import pack, seed_of, unpack
from alphapente.selfplay.worker import InProcess

generation = importlib.import_module("alphapente.selfplay.generate")  # the package's `generate` is the function in it


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(
        None,
        [
            "game.board_size=7",
            "generation.simulations=8",
            "generation.record_limit=100",
            "generation.workers=1",
            "generation.games_per_worker=4",
            "generation.seed=11",
            "models.simple.channels=8",
            f"records.database={tmp_path / 'records.db'}",
            f"pipeline.checkpoint_dir={tmp_path}",
        ],
    )


def ignore(event: Event) -> None:
    pass


def parked_seeds(config: Config) -> set[int]:
    """The seeds of the parked games, claimed or not."""
    with Store(config.records.database) as store, store.reading() as connection:
        return {seed_of(row[0]) for row in connection.exec_driver_sql("SELECT payload FROM games_in_play")}


def stored_seeds(config: Config) -> list[int]:
    with Store(config.records.database) as store:
        assert not check(store).findings
        return [game.seed for game in store.games()]


def release(config: Config) -> None:
    """Ends all claims, as if their time had passed."""
    with Store(config.records.database) as store, store.writing() as connection:
        connection.exec_driver_sql("UPDATE games_in_play SET claimed_until = 0")


def leave_games_in_play(config: Config) -> set[int]:
    """Begins games, stops at once and returns their seeds."""
    assert generate(config, ignore, lambda: True).carried_over == 4
    left = parked_seeds(config)
    assert len(left) == 4
    return left


def at_progress(action: Callable[[], None]) -> Callable[[Event], None]:
    """A report function that calls `action` once games are being played."""

    def report(event: Event) -> None:
        if isinstance(event, GenerationProgress) and event.evaluations_per_s:
            action()

    return report


def is_about_self_play(event: Event) -> bool:
    """Whether it is the line reported after the games are claimed and before the first move."""
    return isinstance(event, Note) and event.text.startswith("self-play: ")


def test_a_checkpoint_that_cannot_be_used_leaves_the_games_unchanged(config: Config) -> None:
    left = leave_games_in_play(config)
    spec = spec_of(config, "simple")
    weights = {name: tensor * float("nan") for name, tensor in build(spec, seed=2).state_dict().items()}
    save(
        checkpoint_path(config, "simple"),
        Checkpoint("simple", spec.class_path, dict(spec.sizes), NUM_PLANES, weights, weights),
    )
    with pytest.raises(CheckpointError, match=r"simple_model\.pt cannot be used: .* are NaN or infinite"):
        generate(config, ignore)
    assert parked_seeds(config) == left
    checkpoint_path(config, "simple").unlink()
    notes: list[str] = []
    generate(config, lambda event: notes.append(event.text) if isinstance(event, Note) else None)
    assert any("4 of them from the last generation" in note for note in notes), "they are not claimed"
    assert left <= {*stored_seeds(config), *parked_seeds(config)}


def interrupt() -> None:
    raise KeyboardInterrupt


def test_an_abrupt_end_loses_no_game_and_stores_none_twice(config: Config) -> None:
    left = leave_games_in_play(config)
    with pytest.raises(KeyboardInterrupt):
        generate(config, at_progress(interrupt))
    assert {*stored_seeds(config), *parked_seeds(config)} >= left
    generate(config, ignore)  # the games are still claimed: it plays others
    assert left <= {*stored_seeds(config), *parked_seeds(config)}
    release(config)
    while parked_seeds(config) & left:
        generate(config, ignore)
    seeds = stored_seeds(config)
    assert left <= set(seeds)
    assert len(set(seeds)) == len(seeds)
    assert not parked_seeds(config) & set(seeds)


@pytest.mark.slow
def test_a_killed_generation_loses_no_game_that_it_continued(config: Config, tmp_path: Path) -> None:
    left = leave_games_in_play(config)
    path = tmp_path / "config.json"
    path.write_text(config.dump_json())
    code = (
        "import pathlib\n"
        "from alphapente.config import load_config\n"
        "from alphapente.selfplay import generate\n"
        f"config = load_config(pathlib.Path({str(path)!r}), ['generation.record_limit=1000000'])\n"
        "generate(config, lambda event: None)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    end = time.monotonic() + 120
    while not stored_seeds(config) and time.monotonic() < end:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert stored_seeds(config)
    assert left <= {*stored_seeds(config), *parked_seeds(config)}
    assert not parked_seeds(config) & set(stored_seeds(config))


def test_a_game_that_another_generation_has_finished_is_not_stored_again(config: Config) -> None:
    left = leave_games_in_play(config)

    def finish_elsewhere() -> None:
        with Store(config.records.database) as store, store.writing() as connection:
            connection.exec_driver_sql("DELETE FROM games_in_play")

    generate(config, lambda event: finish_elsewhere() if is_about_self_play(event) else None)
    assert not left & {*stored_seeds(config), *parked_seeds(config)}


def test_a_game_that_cannot_be_read_is_omitted_and_the_others_are_played(config: Config) -> None:
    left = leave_games_in_play(config)
    with Store(config.records.database) as store:
        parking = Parking(store, "pente", 7, "simple")
        first, *others = parking.claim(4)
        parking.park([], {first.parked_id: b"no game"}, [game.parked_id for game in others])
        left.remove(seed_of(first.payload))
    notes: list[str] = []
    generate(config, lambda event: notes.append(event.text) if isinstance(event, Note) else None)
    assert sum("cannot be read" in note for note in notes) == 1
    assert left <= {*stored_seeds(config), *parked_seeds(config)}


def test_a_finished_game_is_not_a_game_in_play(config: Config) -> None:
    leave_games_in_play(config)
    with Store(config.records.database) as store:
        game = unpack(Parking(store, "pente", 7, "simple").claim(1)[0].payload, "pente", 7)
    game.moves = [24, 42, 0, 44, 1, 46, 2, 48, 3, 36, 4]
    with pytest.raises(FailureError, match=r"cannot be read \(it is over\)"):
        unpack(pack(game), "pente", 7)


def test_a_seeded_run_stopped_before_its_first_stored_game_does_not_use_its_seeds_again(config: Config) -> None:
    left = leave_games_in_play(config)
    assert not stored_seeds(config)
    release(config)
    for _ in range(3):
        generate(config, ignore)
    seeds = stored_seeds(config)
    assert left <= set(seeds)
    assert len(set(seeds)) == len(seeds)


class Gathering(InProcess):
    """Returns the games of several steps at once, as a step of many games can."""

    def __init__(self, spoil: Callable[[list[GameRecord]], None]) -> None:
        super().__init__()
        self._spoil = spoil

    def poll(self, timeout_s: float) -> list[GameRecord]:
        games: list[GameRecord] = []
        while len(games) < 4:
            games += super().poll(timeout_s)
        self._spoil(games)
        return games


def test_all_games_that_end_with_the_one_that_reaches_the_limit_are_stored(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "new_worker_pool", lambda _size: Gathering(lambda _games: None))
    one = config.model_copy(update={"generation": config.generation.model_copy(update={"record_limit": 1})})
    summary = generate(one, ignore)
    assert summary.games == len(stored_seeds(config)) == 4


def test_a_game_that_the_database_refuses_costs_no_other_game(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(games: list[GameRecord]) -> None:
        games[1].records[0].visits[0] = -1

    monkeypatch.setattr(generation, "new_worker_pool", lambda _size: Gathering(spoil))
    with pytest.raises(RequestError, match="-1 visits"):
        generate(config, ignore)
    assert len(stored_seeds(config)) == 3
    assert len(parked_seeds(config)) == 4


def test_a_note_that_cannot_be_written_stores_no_game_twice(config: Config) -> None:
    each = config.model_copy(update={"generation": config.generation.model_copy(update={"save_interval_games": 1})})

    def broken(event: Event) -> None:
        if isinstance(event, Note) and event.text.startswith("checkpoint: 2 games"):
            raise OSError("the pipe is closed")

    with pytest.raises(OSError, match="the pipe is closed"):
        generate(each, broken)
    seeds = stored_seeds(config)
    assert len(set(seeds)) == len(seeds) >= 2
    assert parked_seeds(config)
