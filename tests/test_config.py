"""The configuration: defaults, inheritance, overrides, and the message for each kind of error."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from alphapente import config as config_package
from alphapente.config import Config, ConfigError, SampleStrategy, Variant, keys, load_config, load_layers
from alphapente.errors import RequestError

ROOT = Path(__file__).parent.parent
TABLE_START, TABLE_END = "<!-- keys: start -->\n", "<!-- keys: end -->\n"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Returns a function that writes a configuration (an object or its text) to a file."""

    def write_file(content: object, name: str = "own.json") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write_file


def refusal(path: Path | None, *overrides: str, flags: dict[str, object] | None = None) -> str:
    """The one-line error message of a configuration."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides, flags or {})
    assert isinstance(caught.value, RequestError)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Defaults


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
    assert config_package.default_config_path() is None
    write({}, "config/pipeline.json")
    assert config_package.default_config_path() == Path("config/pipeline.json")


# Inheritance and overrides


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


# Models


def test_models_have_built_in_sizes_and_inherit() -> None:
    config = load_config(None, ['models.big={"extends": "resnet", "blocks": 9}', "models.resnet.channels=96"])
    assert config.models["simple"].sizes == {"channels": 64, "layers": 3, "stem_kernel": 3}
    assert config.models["big"].class_path == config.models["resnet"].class_path
    assert config.models["big"].sizes == {"channels": 96, "blocks": 9, "stem_kernel": 3}


def test_built_in_sizes_are_those_of_the_classes() -> None:
    import importlib
    import inspect

    for settings in Config().models.values():
        module, _, name = settings.class_path.partition(":")
        built = getattr(importlib.import_module(module), name)
        taken = inspect.signature(built).parameters
        assert set(settings.sizes) <= set(taken) or any(kind.kind.name == "VAR_KEYWORD" for kind in taken.values())


def test_own_classes_accept_any_sizes(write: Write) -> None:
    base = {"models": {"own": {"class": "my.nets:Net", "width": 3, "extra": {"deep": [1, 2]}}}}
    write(base, "base.json")
    own = write({"extends": "base.json", "models": {"own": {"width": 4}}, "training": {"model_type": "own"}})
    assert load_config(own).models["own"].sizes == {"width": 4, "extra": {"deep": [1, 2]}}


def test_another_class_replaces_all_sizes(write: Write) -> None:
    own = write({"models": {"big": {"extends": "resnet", "blocks": 9}, "simple": {"class": "my:Net"}}})
    config = load_config(own, ['models.big={"class": "my:Other", "width": 1}'])
    assert config.models["big"].sizes == {"width": 1}
    assert config.models["simple"].sizes == {}


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (
            {"resnet": {"blcks": 3}},
            "models.resnet.blcks: unknown key, found 3 (whole number); allowed: channels, blocks",
        ),
        ({"resnet": {"blcks": 3}}, 'did you mean "models.resnet.blocks"?'),
        ({"resnet": {"blocks": 0}}, "models.resnet.blocks: found 0 (whole number); allowed: a whole number from 1 to"),
        ({"simple": {"stem_kernel": True}}, "models.simple.stem_kernel: found true (true/false); allowed: one of 3, 5"),
        ({"big": {}}, 'models.big: found {} (object); allowed: "class" or "extends" in it'),
        ({"big": {"extends": "resnt"}}, 'did you mean "resnet"?'),
        ({"big": {"extends": 3}}, "models.big.extends: found 3 (whole number)"),
        ({"a": {"extends": "b"}, "b": {"extends": "a"}}, "allowed: no circle; here a -> b -> a"),
        ({"simple": {"extends": "simple"}}, "models.simple.extends"),
        ({"big": {"class": "nets.Net"}}, 'allowed: a class as "package.module:Class"'),
        ({"big": {"class": None}}, "models.big"),
        ({"big": 3}, "models.big: found 3 (whole number); allowed: an object"),
        ({"a/b": {"class": "a:B"}}, "it becomes a file's name"),
        (["big"], "models: found"),
        (None, "models: found null"),
    ],
)
def test_bad_models(write: Write, models: object, message: str) -> None:
    own = write({"models": models})
    text = refusal(own)
    assert text.startswith(f"{own}: models")
    assert message in text


def test_own_sizes_must_be_finite(write: Write) -> None:
    text = refusal(write('{"models": {"own": {"class": "a:B", "deep": [1, {"x": NaN}]}}}'))
    assert "models.own.deep: found" in text
    assert "finite" in text


def test_the_model_type_must_be_a_model(write: Write) -> None:
    own = write({"generation": {"model_type": "resnt"}})
    text = refusal(own)
    assert text.startswith(
        f'{own}: generation.model_type: found "resnt" (text); allowed: one of "mixnet", "resnet", "simple"'
    )
    assert 'did you mean "resnet"?' in text
    assert "command line: training.model_type" in refusal(None, "training.model_type=big")


# Errors


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"generation": {"simulations": "100"}},
            'generation.simulations: found "100" (text); allowed: a whole number from 1 to 100000',
        ),
        ({"generation": {"simulatons": 5}}, 'did you mean "generation.simulations"?'),
        ({"generation": {"simulatons": 5}}, "generation.simulatons: unknown key, found 5 (whole number); allowed: sim"),
        ({"simulations": 5}, 'did you mean "generation.simulations"?'),
        ({"genration": {}}, "genration: unknown key, found {} (object); allowed: game, generation, "),
        ({"generation": 5}, "generation: found 5 (whole number); allowed: an object with the keys simulations, "),
        ({"training": {"augmentation": True}}, "allowed: an object with the keys enabled, orientations"),
        ({"training": {"augmentation": {"enabld": True}}}, 'did you mean "training.augmentation.enabled"?'),
        ({"generation": {"simulations": 0}}, "found 0 (whole number)"),
        ({"generation": {"simulations": -1}}, "found -1 (whole number)"),
        ({"generation": {"simulations": 10**30}}, "found 1000000000000000000000000000000 (whole number)"),
        ({"generation": {"mcts_random": 1.5}}, "found 1.5 (number); allowed: a number from 0 to 1"),
        ({"generation": {"temperature_half_life": 0}}, "allowed: a number above 0 to 1000"),
        ({"generation": {"games": 0}}, "allowed: a whole number from 1 to 1000000000, or null"),
        ({"training": {"average_decay": 1}}, "allowed: a number from 0 and below 1"),
        ({"training": {"weight_decay": 10**400}}, "training.weight_decay: found 1000"),
        ({"search": {"root": "gumbl"}}, 'search.root: found "gumbl" (text); allowed: one of "gumbel", "puct"'),
        ({"records": {"database": ""}}, 'records.database: found "" (text); allowed: text, not empty'),
        ({"game": {"board_size": 20}}, "allowed: a whole number from 7 to 19"),
        ({"generation": {"simulations": "x" * 500}}, "... (text); allowed"),
    ],
)
def test_bad_values(write: Write, settings: dict[str, Any], message: str) -> None:
    own = write(settings)
    text = refusal(own)
    assert text.startswith(f"{own}: ")
    assert message in text
    assert len(text) < 700


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_only_finite_numbers(write: Write, number: str) -> None:
    text = refusal(write('{"training": {"learning_rate": %s}}' % number))  # noqa: UP031 - braces
    assert "training.learning_rate: found" in text
    assert "(number); allowed: a number above 0 to 1" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1,\n "b" 2}', "line 2, column 6: not valid JSON (Expecting ':' delimiter) at '\"b\" 2}'"),
        ("", "line 1, column 1: not valid JSON"),
        ('{"generation": {\n', "not valid JSON"),
        ("[1]", "found a list at the top, allowed: an object"),
        ("null", "found a null at the top, allowed: an object"),
        ('{"generation": {"games": 1, "games": 2}}', "generation.games: the key is repeated, allowed: once"),
        ('{"extends": "a.json", "extends": "b.json"}', "extends: the key is repeated"),
        ("[" * 100_000, "nested too deeply"),
        ('{"generation": {"seed": 1' + "0" * 5000 + "}}", "a number of 5001 digits"),
        (" " * (1 << 21), "too large for a configuration"),
    ],
)
def test_broken_files(write: Write, content: str, message: str) -> None:
    own = write(content)
    text = refusal(own)
    assert text.startswith(f"{own}: ")
    assert message in text


def test_files_that_cannot_be_read(tmp_path: Path, write: Write) -> None:
    missing = tmp_path / "none.json"
    assert refusal(missing).startswith(f"{missing}: no such file")
    assert refusal(tmp_path) == f"{tmp_path}: found a directory, allowed: a JSON file"
    latin = tmp_path / "latin.json"
    latin.write_bytes('{"a":\n"é"}'.encode("latin-1"))
    assert refusal(latin) == f"{latin}: line 2: byte 0xe9 is not UTF-8; save the file as UTF-8"
    assert "cannot be read" in refusal(write({}) / "below.json")
    assert "cannot be read" in refusal(Path("a\0b"))


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "bom.json"
    path.write_bytes(b'\xef\xbb\xbf{"generation": {"simulations": 5}}')
    assert load_config(path).generation.simulations == 5


def test_bad_extends(write: Write) -> None:
    own = write({"extends": "none.json"})
    text = refusal(own)
    assert "none.json: no such file" in text
    assert f"named by {own}: extends" in text
    for found in (3, None, "", ["a.json"]):
        own = write({"extends": found})
        assert refusal(own).startswith(f"{own}: extends: found ")
    assert "no circle, and this is one: own.json -> own.json" in refusal(write({"extends": "own.json"}))
    write({"extends": "own.json"}, "two.json")
    assert "own.json -> two.json -> own.json" in refusal(write({"extends": "two.json"}))


def test_an_error_in_an_extended_file_names_that_file_even_if_overridden(write: Write) -> None:
    base = write({"generation": {"simulations": "x"}}, "base.json")
    own = write({"extends": "base.json", "generation": {"simulations": 5}})
    assert refusal(own).startswith(f"{base}: generation.simulations: ")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("generation.simulations", "--set: found"),
        ("=3", "--set: found"),
        ("a..b=3", "--set: found"),
        ("generation.simulations=", 'generation.simulations: found "" (text)'),
        ("generation.simulations=1O", 'generation.simulations: found "1O" (text)'),
        ("generation.simulations=NaN", "generation.simulations: found NaN (number)"),
        ('generation={"games": 1, "games": 2}', "the key is repeated"),
        ("generation=3", "generation: found 3"),
        ("extends=other.json", "extends: unknown key"),
        ("generation.simulations.deep=3", 'generation.simulations: found {"deep": 3} (object)'),
        ("trainig.batch_size=3", 'did you mean "training'),
    ],
)
def test_bad_overrides(override: str, message: str) -> None:
    text = refusal(None, override)
    assert text.startswith("command line: ")
    assert message in text


def test_flag_overrides_are_checked_too() -> None:
    text = refusal(None, flags={"generation.simulations": 0})
    assert text.startswith("command line: generation.simulations: found 0")


def test_several_errors_are_counted(write: Write) -> None:
    assert refusal(write({"generation": {"simulations": 0, "games": 0}})).endswith("(and 1 more)")


# The documentation


def table() -> str:
    """The table of all keys in docs/configuration.md."""
    rows = ["| key | default | meaning | unit | allowed |", "| --- | --- | --- | --- | --- |"]
    for key in keys().values():
        cells = [f"`{key.path}`", f"`{json.dumps(key.default)}`", key.meaning, key.unit, key.allowed]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def test_the_documented_table_is_complete_and_correct() -> None:
    page = ROOT / "docs" / "configuration.md"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(TABLE_START)
    written, _, after = rest.partition(TABLE_END)
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(before + TABLE_START + table() + TABLE_END + after, encoding="utf-8")
    else:
        assert written == table(), "run `UPDATE_DOCS=1 pytest tests/test_config.py` to update the table"


def test_the_documented_examples_load(write: Write) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    examples = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert examples
    write((ROOT / "config" / "pipeline.json").read_text(encoding="utf-8"), "pipeline.json")
    for example in examples:
        load_config(write(example))


def test_every_key_has_a_meaning() -> None:
    for key in keys().values():
        assert key.meaning.endswith("."), key.path
        assert key.allowed, key.path
