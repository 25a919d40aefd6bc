"""Whole generations into a real database: limits, reproducibility, extreme settings, workers that die."""

import importlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from alphapente.config import Config, load_config
from alphapente.errors import FailureError, RequestError
from alphapente.events import Event, GamesInPlay, GenerationProgress, Note
from alphapente.network import quantization
from alphapente.network.checkpoint import Checkpoint, save
from alphapente.network.models import build, spec_of
from alphapente.network.openvino_backend import computes_int8
from alphapente.network.paths import checkpoint_path
from alphapente.network.planes import NUM_PLANES
from alphapente.records.check import check
from alphapente.records.parking import Parking
from alphapente.records.store import Store
from alphapente.selfplay import generate
from tests.records.samples import random_game

Make = Callable[..., Config]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A quick configuration in a temporary folder: 7x7, a tiny network, one worker."""

    def configured(*overrides: str) -> Config:
        return load_config(
            None,
            [
                "game.board_size=7",
                "generation.simulations=8",
                "generation.record_limit=60",
                "generation.workers=1",
                "generation.games_per_worker=4",
                "generation.seed=11",
                "models.simple.channels=8",
                f"records.database={tmp_path / 'records.db'}",
                f"pipeline.checkpoint_dir={tmp_path}",
                *overrides,
            ],
        )

    return configured


def ignore(event: Event) -> None:
    pass


def moves_of(config: Config) -> list[list[int]]:
    with Store(config.records.database) as store:
        return [game.moves for game in store.games()]


def assert_valid(config: Config) -> None:
    with Store(config.records.database) as store:
        report = check(store)
    assert not report.findings


def test_a_fresh_network_beside_a_trained_one_of_another_model_gives_a_warning(make: Make, tmp_path: Path) -> None:
    (tmp_path / "resnet_model.pt").touch()
    events: list[Event] = []
    generate(make("generation.games=1"), events.append)
    (warning,) = [event.text for event in events if isinstance(event, Note) and event.text.startswith("warning")]
    assert "holds resnet_model.pt and no simple_model.pt: a fresh network plays" in warning
    assert "--model-type" in warning


def test_it_stops_at_the_record_limit_with_whole_games(make: Make) -> None:
    config = make()
    events: list[Event] = []
    summary = generate(config, events.append)
    with Store(config.records.database) as store:
        assert store.num_records("pente", 7) == summary.records >= 60
        assert store.num_games("pente", 7) == summary.games
        longest = max(game.num_records for game in store.games())
    assert summary.records - longest < 60
    assert sum(summary.wins_by_player.values()) == sum(summary.won_by.values()) == summary.games
    progress = [event for event in events if isinstance(event, GenerationProgress)]
    assert progress[-1].records == summary.records
    kinds = {f"won_by/{kind}": count for kind, count in summary.won_by.items()}
    assert summary.pool["records"] == summary.records
    assert summary.pool["games"] == summary.games
    assert summary.pool["plies"] == summary.plies
    assert {name: summary.pool[name] for name in kinds} == kinds
    assert summary.pool["won_by/player_2"] == summary.wins_by_player["2"]
    shown = next(event for event in events if isinstance(event, GamesInPlay))
    assert (shown.variant, shown.board_size, shown.model_type, shown.step) == ("pente", 7, "simple", 0)
    assert len({seed for seed, _ in shown.games}) == len(shown.games) > 0
    assert any("seed 11" in event.text for event in events if isinstance(event, Note))
    assert_valid(config)


def test_games_left_in_play_are_continued_by_the_next_generation(make: Make) -> None:
    first = generate(make(), ignore)
    assert first.carried_over > 0
    config = make("generation.record_limit=200")
    notes: list[Event] = []
    generate(config, notes.append)
    assert any(f"{first.carried_over} of them from the last generation" in str(note) for note in notes)
    assert_valid(config)


def test_a_seed_reproduces_a_run_to_the_last_byte(make: Make, tmp_path: Path) -> None:
    runs = []
    for name in ("a", "b"):
        config = make(f"records.database={tmp_path / name}.db", "generation.random_move_rate=0.1")
        generate(config, ignore)
        with Store(config.records.database) as store:
            batch = store.sample("recent", 1000, None, "pente", 7)  # type: ignore[arg-type]
            games = [(game.moves, game.seed, game.random_plies) for game in store.games()]
        runs.append((games, batch.points.tobytes(), batch.targets.tobytes(), batch.search_value.tobytes()))
    assert runs[0] == runs[1]
    other = make(f"records.database={tmp_path / 'c'}.db", "generation.random_move_rate=0.1", "generation.seed=12")
    generate(other, ignore)
    assert moves_of(other) != [game[0] for game in runs[0][0]]


def test_a_number_of_games_is_played_out_and_nothing_is_left_over(make: Make) -> None:
    config = make("generation.games=5", "generation.record_limit=100000")
    summary = generate(config, ignore)
    assert (summary.games, summary.carried_over) == (5, 0)


@pytest.mark.parametrize(
    "override",
    [
        "generation.mcts_random=0",
        "generation.mcts_random=1",
        "generation.mcts_temperature=0",
        "generation.random_move_rate=1",
        "generation.opening_plies=0",
        "generation.opening_plies=40",
        "generation.simulations=1",
        "generation.games_per_worker=1",
        "generation.policy_opening_plies=40",
        "generation.full_search_share=0.01",
        "generation.decided_value=0",
        "generation.end_when_proven=true",
        "search.root=puct",
        "search.noise_shaped=1",
        "search.root_policy_temperature=10",
        "search.tree_reuse=false",
        "search.considered_points=361",
        "game.variant=boat",
        "game.variant=gomoku",
    ],
)
def test_extreme_settings_make_valid_games(make: Make, override: str) -> None:
    config = make("generation.record_limit=30", override)
    assert generate(config, ignore).records >= 30
    assert_valid(config)


def test_all_settings_that_save_searches_together_make_valid_games(make: Make) -> None:
    config = make(
        "generation.record_limit=60",
        "search.root=puct",
        "search.forced_playouts=2",
        "generation.policy_opening_plies=6",
        "generation.full_search_share=0.5",
        "generation.decided_value=0.5",
        "generation.end_when_proven=true",
        "generation.random_move_rate=0.1",
    )
    for _ in range(2):  # the second continues games that the first left in play
        assert generate(config, ignore).records >= 60
    assert_valid(config)


def test_more_games_than_memory_are_refused_with_what_to_lower(make: Make) -> None:
    config = make(
        "generation.games_per_worker=4096", "generation.simulations=100000", "generation.record_limit=1000000"
    )
    with pytest.raises(RequestError, match=r"GiB .* lower generation\.games_per_worker"):
        generate(config, ignore)


def test_a_second_start_with_the_same_network_needs_no_torch(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(make("generation.games=1", "network.device=openvino").dump_json())
    code = (
        "import pathlib, sys\n"
        "from alphapente.config import load_config\n"
        "from alphapente.selfplay import generate\n"
        f"print(generate(load_config(pathlib.Path({str(path)!r})), lambda event: None).games)\n"
        "print('torch' in sys.modules)\n"
    )
    generate(load_config(path), ignore)
    printed = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=120).splitlines()
    assert printed == ["1", "False"]


def test_two_workers_share_the_work(make: Make) -> None:
    config = make("generation.workers=2", "generation.record_limit=120")
    summary = generate(config, ignore)
    assert summary.records >= 120
    assert_valid(config)
    with Store(config.records.database) as store:
        seeds = [game.seed for game in store.games()]
    assert len(set(seeds)) == len(seeds)


def test_a_stop_keeps_finished_games_and_those_in_play(make: Make) -> None:
    config = make("generation.record_limit=1000000")
    begun = time.monotonic()
    games = [0]

    def report(event: Event) -> None:
        if isinstance(event, GenerationProgress):
            games.append(event.games)

    summary = generate(config, report, lambda: games[-1] > 0 or time.monotonic() - begun > 100)
    assert summary.games > 0
    assert summary.carried_over > 0
    assert_valid(config)


@pytest.mark.slow
def test_a_killed_worker_ends_the_generation_with_its_name_and_loses_no_finished_game(make: Make) -> None:
    config = make("generation.workers=2", "generation.record_limit=1000000")

    def kill_one() -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with Store(config.records.database) as store:
                if store.num_games("pente", 7) >= 4:
                    break
            time.sleep(0.2)
        children = [c for c in psutil.Process().children() if "multiprocessing.spawn" in " ".join(c.cmdline())]
        os.kill(children[0].pid, signal.SIGKILL)

    Store(config.records.database).close()
    killer = threading.Thread(target=kill_one)
    killer.start()
    with pytest.raises(FailureError, match=r"worker \d died .* run the same command again"):
        generate(config, ignore)
    killer.join()
    assert len(moves_of(config)) >= 4
    assert_valid(config)
    with Store(config.records.database) as store:
        assert Parking(store, "pente", 7, "simple").claim(100), "the other worker's games are kept"


@pytest.mark.skipif(
    not computes_int8() or importlib.util.find_spec("nncf") is None, reason="needs NNCF and a processor with int8"
)
def test_int8_is_played_as_soon_as_there_are_records_to_quantize_on(make: Make) -> None:
    """In the generation that has begun without int8: the same network is loaded again."""
    notes: list[str] = []
    begun = time.monotonic()
    config = make("network.precision=int8", "generation.record_limit=1000000", "network.device=openvino")

    def report(event: Event) -> None:
        if isinstance(event, Note) and "fresh network" in event.text:
            notes.append(event.text)

    generate(config, report, lambda: len(notes) == 2 or time.monotonic() - begun > 100)
    assert "int8 once there are 32 records" in notes[0]
    assert notes[1].endswith(", in int8")
    assert_valid(config)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_newer_checkpoint_is_loaded_while_games_continue(make: Make, workers: int) -> None:
    config = make(f"generation.workers={workers}", "generation.record_limit=1000000")
    begun = time.monotonic()
    notes: list[str] = []

    def report(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)
        if isinstance(event, GenerationProgress) and event.games >= 3 and not path.exists():
            spec = spec_of(config, "simple")
            weights = build(spec, seed=2).state_dict()
            save(path, Checkpoint("simple", spec.class_path, dict(spec.sizes), NUM_PLANES, weights, weights, step=77))

    def played_by_the_newer() -> bool:
        with Store(config.records.database) as store:
            steps = [game.network_step for game in store.games()]
        return 77 in steps or time.monotonic() - begun > 60

    path = checkpoint_path(config, "simple")
    generate(config, report, played_by_the_newer)
    with Store(config.records.database) as store:
        steps = [game.network_step for game in store.games()]
    assert steps[0] == 0
    assert 77 in steps
    assert any("step 77" in note for note in notes)


@pytest.mark.skipif(
    not computes_int8() or importlib.util.find_spec("nncf") is None, reason="needs NNCF and a processor with int8"
)
def test_a_network_that_int8_spoils_continues_unquantized(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantization, "MOST_DIVERGENCE", -1.0)
    notes: list[str] = []
    for limit in (40, 20):
        config = make("network.precision=int8", f"generation.record_limit={limit}", "network.device=openvino")
        summary = generate(config, lambda event: notes.append(event.text) if isinstance(event, Note) else None)
        assert summary.records >= limit
    lines = [note for note in notes if "fresh network" in note]
    assert "not in int8: int8 changes this network too much" in lines[1]


def test_a_mixnet_is_not_converted_again_for_int8_once_there_are_records(make: Make) -> None:
    config = make("network.precision=int8", "generation.model_type=mixnet", "training.model_type=mixnet")
    generation = importlib.import_module("alphapente.selfplay.generate")
    with Store(config.records.database) as store:
        network = generation._Network(config, store, "cpu")
        network.load()
        for seed in range(12):
            store.add_game(random_game(seed, size=config.game.board_size))
        assert store.num_records(config.game.variant, config.game.board_size) >= quantization.BATCH
        assert network.newer() is None
        assert network._making is None, "no conversion was begun"
