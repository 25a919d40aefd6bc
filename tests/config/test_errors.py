"""The message for each kind of error in a configuration."""

from pathlib import Path
from typing import Any

import pytest

from alphapente.config import load_config
from tests.config.refusals import Write, refusal


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
