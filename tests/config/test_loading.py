"""Loading: defaults, inheritance, overrides, and the source of each value."""

from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from alphapente.config import Config, SampleStrategy, Variant, default_config_path, load_config, load_layers
from tests.config.refusals import Write, refusal

ROOT = Path(__file__).parents[2]


def test_built_in_defaults_are_those_of_the_specification() -> None:
    config = load_config()
    assert config == Config()
    generation, training = config.generation, config.training
    assert (generation.simulations, generation.record_limit, generation.mcts_random) == (100, 1000, 0.3)
    assert (generation.mcts_temperature, generation.model_type, generation.save_interval_games) == (1.0, "simple", 50)
    assert (training.model_type, training.batch_size, training.learning_rate) == ("simple", 32, 0.001)
    assert (training.num_epochs, training.save_interval, training.data_sample_size) == (50, 10, 10_000)
    assert (training.sample_strategy, training.sample_top_percent, training.weight_decay) == ("top_random", 0.7, 1e-4)
    assert (training.augmentation.enabled, training.augmentation.orientations) == (True, 8)
    pipeline = config.pipeline
    assert (pipeline.generation_cycles, pipeline.training_cycles_per_generation) == (3, 2)
    assert (pipeline.total_records_target, pipeline.checkpoint_dir) == (50_000, "./checkpoints")
    assert (config.game.variant, config.game.board_size) == ("pente", 19)


def test_the_committed_files_load() -> None:
    assert load_config(ROOT / "config" / "pipeline.json") == Config()
    quick = load_config(ROOT / "config" / "quick.json")
    assert quick.game.board_size == 9
    assert quick.records.database == "./data/quick.db"
    assert quick.generation.mcts_random == 0.3


def test_variants_are_those_of_the_rules() -> None:
    from alphapente.rules.position import VARIANTS

    assert get_args(Variant) == tuple(VARIANTS)


def test_sampling_strategies_are_those_of_the_records() -> None:
    from alphapente.records.sampling import STRATEGIES

    assert set(get_args(SampleStrategy)) == set(STRATEGIES)


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Config().generation.simulations = 5


def test_the_default_file_is_in_the_current_directory(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_config_path() is None
    write({}, "config/pipeline.json")
    assert default_config_path() == Path("config/pipeline.json")


def test_file_over_extended_file_over_defaults(write: Write) -> None:
    write({"generation": {"simulations": 7, "record_limit": 70}, "search": {"root": "puct"}}, "base/far.json")
    write({"extends": "base/far.json", "generation": {"record_limit": 71}}, "near.json")
    own = write({"extends": "near.json", "training": {"augmentation": {"orientations": 2}}})
    config = load_config(own)
    assert (config.generation.simulations, config.generation.record_limit) == (7, 71)
    assert (config.search.root, config.training.augmentation.orientations) == ("puct", 2)
    assert config.training.augmentation.enabled is True
    assert config.generation.mcts_random == 0.3


def test_command_line_wins_and_flags_win_over_set(write: Write) -> None:
    own = write({"generation": {"simulations": 7, "mcts_random": 0.5, "seed": 3}, "search": {"tree_reuse": True}})
    config = load_config(
        own,
        ["generation.simulations=8", "generation.mcts_random=0", "search.tree_reuse=false", "generation.seed=null"],
        {"generation.simulations": 9, "generation.mcts_temperature": 0},
    )
    assert config.generation.simulations == 9
    assert config.generation.mcts_random == 0.0
    assert config.search.tree_reuse is False
    assert config.generation.seed is None
    assert config.generation.mcts_temperature == 0.0


def test_set_takes_text_without_quotes() -> None:
    config = load_config(None, ["records.database=postgresql+psycopg://me@host/db?a=b", "training.model_type=resnet"])
    assert config.records.database == "postgresql+psycopg://me@host/db?a=b"
    assert config.training.model_type == "resnet"


def test_the_source_of_each_value_is_known(write: Write) -> None:
    base = write({"generation": {"simulations": 7, "record_limit": 70}}, "base.json")
    own = write({"extends": "base.json", "generation": {"simulations": 8}})
    loaded = load_layers(own, ["search.root=puct"])
    assert loaded.source_of("generation.simulations") == str(own)
    assert loaded.source_of("generation.record_limit") == str(base)
    assert loaded.source_of("search.root") == "command line"
    assert loaded.source_of("generation.games") == "built-in default"


def test_a_value_is_found_by_its_dotted_key() -> None:
    config = load_config(None, ["generation.seed=null", "models.resnet.channels=96"])
    assert config.value_at("search.root") == "gumbel"
    assert config.value_at("models.resnet.channels") == 96
    assert config.value_at("generation.seed", "missing") is None
    for key in ("search.rot", "search.root.deep", "sarch"):
        assert config.value_at(key, "missing") == "missing"


def test_whole_numbers_are_numbers_but_nothing_else_is_coerced(write: Write) -> None:
    assert load_config(write({"training": {"learning_rate": 1}})).training.learning_rate == 1.0
    for found in ("100", True, 100.0, [100], {"a": 1}, None):
        assert "generation.simulations: found" in refusal(write({"generation": {"simulations": found}}))
    for found in (1, 0, "true", None):
        assert "search.tree_reuse: found" in refusal(write({"search": {"tree_reuse": found}}))
    for found in (8.0, True, "8", 3):
        text = refusal(write({"training": {"augmentation": {"orientations": found}}}))
        assert "allowed: one of 1, 2, 4, 8" in text


def test_round_trip(write: Write) -> None:
    own = {"generation": {"seed": 0}, "models": {"big": {"extends": "resnet", "blocks": 9}, "own": {"class": "a.b:C"}}}
    config = load_config(write(own))
    again = load_config(write(config.dump_json(), "resolved.json"))
    assert again == config
    assert again.dump_json() == config.dump_json()
    assert Config(**config.to_dict()) == config
