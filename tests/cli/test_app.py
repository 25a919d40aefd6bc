"""The command line: fast help, flags that set keys, errors in one line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from alphapente.cli.app import COMMANDS, main
from alphapente.cli.flags import FlagCommand
from alphapente.cli.jobs import generate, run, train
from alphapente.config import Config, keys

ROOT = Path(__file__).parent.parent.parent
HEAVY = ("torch", "numba", "numpy", "openvino", "sqlalchemy", "alphapente.rules", "alphapente.records")


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of `alphapente` with these words."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current directory, and a wide terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


HELP = f"""
import sys
from alphapente.cli.app import COMMANDS, main
for words in (["--help"], *([command.name, "--help"] for command in COMMANDS)):
    try:
        main(words)
    except SystemExit as ended:
        assert not ended.code, words
    loaded = [name for name in {HEAVY!r} if name in sys.modules]
    assert not loaded, (words, loaded)
"""


def test_help_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("[OPTIONS] COMMAND [ARGS]...", *(command.name for command in COMMANDS)):
        assert f"Usage: alphapente {words}" in done.stdout


def test_root_help_lists_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capsys, "--help")
    assert status == 0
    for command in COMMANDS:
        assert f"  {command.name} " in out
        assert command.help in out


@pytest.mark.parametrize("command", [generate, train, run])
def test_flags_name_real_keys(command: FlagCommand) -> None:
    assert set(command.flags.values()) <= set(keys())


def test_the_specified_flags_are_there() -> None:
    assert set(generate.flags) == {
        *("--simulations", "--record-limit", "--mcts-random", "--mcts-temperature", "--model-type"),
        *("--seed", "--workers", "--games", "--board-size", "--variant"),
    }
    assert set(train.flags) == {
        *("--epochs", "--sample-strategy", "--sample-size", "--batch-size", "--learning-rate"),
        *("--model-type", "--seed", "--device"),
    }


def test_help_shows_meaning_unit_and_the_value_in_force(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, out, _ = call(capsys, "generate", "--help")
    text = " ".join(out.split())
    assert "MCTS simulations for each move. Now 100 simulations per move (built-in default);" in text
    assert "--events" not in text
    Path("own.json").write_text('{"generation": {"simulations": 0}, "training": {}}')
    _, out, _ = call(capsys, "generate", "--help", "--config", "own.json")
    assert "because of an error: own.json: generation.simulations: found 0" in " ".join(out.split())
    Path("own.json").write_text('{"generation": {"simulations": 77}}')
    _, out, _ = call(capsys, "generate", "--config=own.json", "--set", "generation.record_limit=5", "--help")
    text = " ".join(out.split())
    assert "Now 77 simulations per move (own.json)" in text
    assert "Now 5 records (command line)" in text
    Path("config").mkdir()
    Path("config/pipeline.json").write_text('{"training": {"num_epochs": 3}}')
    _, out, _ = call(capsys, "train", "-h")
    assert "Now 3 epochs (config/pipeline.json)" in " ".join(out.split())


def received(command: FlagCommand, *words: str) -> tuple[Config, bool]:
    """The arguments of a command's job for these words."""
    import typer

    found: list[tuple[Config, bool]] = []
    app = typer.Typer()
    recording = FlagCommand(
        command.summary, command.flags, lambda config, events: found.append((config, events)), command.config_argument
    )
    app.command()(recording.function(words))
    with pytest.raises(SystemExit) as ended:
        app(list(words))
    assert not ended.value.code
    return found[0]


def test_flags_override_the_file_and_zero_counts() -> None:
    Path("own.json").write_text('{"generation": {"simulations": 77, "mcts_random": 0.5, "seed": 5, "workers": 3}}')
    words = "--config own.json --mcts-random 0 --seed 0 --workers 0 --model-type resnet --board-size 9 --variant keryo"
    config, events = received(generate, *words.split(), "--set", "search.tree_reuse=false", "--events")
    assert events is True
    generation = config.generation
    assert (generation.simulations, generation.mcts_random, generation.seed, generation.workers) == (77, 0.0, 0, 0)
    assert (generation.model_type, config.game.board_size, config.game.variant) == ("resnet", 9, "keryo")
    assert config.search.tree_reuse is False


@pytest.mark.parametrize(
    ("command", "words", "path", "value"),
    [
        (generate, "--simulations 200 --record-limit 2000 --model-type resnet", "generation.record_limit", 2000),
        (generate, "--simulations 500 --record-limit 5000 --mcts-random 0.1", "generation.mcts_random", 0.1),
        (train, "--epochs 100 --sample-strategy top_random --model-type resnet", "training.num_epochs", 100),
        (train, "--sample-strategy random --sample-size 20000", "training.data_sample_size", 20000),
        (train, "--batch-size 64 --learning-rate 1e-4", "training.learning_rate", 1e-4),
        (train, "--model-type resnet --seed 7", "training.model_type", "resnet"),
        (train, "--device cpu", "network.device", "cpu"),
        (generate, "--games 7 --mcts-temperature 0", "generation.games", 7),
    ],
)
def test_the_specified_commands(command: FlagCommand, words: str, path: str, value: object) -> None:
    section, name = path.split(".")
    config, events = received(command, *words.split())
    assert getattr(getattr(config, section), name) == value
    assert events is False


def test_run_takes_its_configuration_as_an_argument() -> None:
    Path("own.json").write_text('{"pipeline": {"generation_cycles": 9}}')
    assert received(run, "own.json")[0].pipeline.generation_cycles == 9
    assert received(run, "--config", "own.json")[0].pipeline.generation_cycles == 9
    assert received(run, "own.json", "--set", "pipeline.generation_cycles=2")[0].pipeline.generation_cycles == 2


def test_errors_are_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in [
        (("generate", "--simulations", "0"), "command line: generation.simulations: found 0 (whole number)"),
        (("generate", "--simulations", "many"), 'command line: generation.simulations: found "many" (text)'),
        (("generate", "--seed", "-1"), "command line: generation.seed: found -1"),
        (("train", "--sample-strategy", "best"), 'found "best" (text); allowed: one of "recent", "random"'),
        (("train", "--set", "nonsense"), "command line: --set: found"),
        (("run", "none.json"), "none.json: no such file"),
        (("run", "a.json", "--config", "b.json"), "found two configurations"),
        (("config", "show", "none.json"), "none.json: no such file"),
    ]:
        status, out, err = call(capsys, *words)
        assert (status, out) == (2, ""), words
        assert err.startswith("error: ")
        assert message in err
        assert err.count("\n") == 1


def test_unknown_commands_and_flags(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = call(capsys, "generat")
    assert (status, "Did you mean 'generate'" in err) == (2, True)
    status, _, err = call(capsys, "generate", "--simulatons", "3")
    assert (status, "--simulatons" in err) == (2, True)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capsys, "--version")
    assert (status, out.split()[0]) == (0, "alphapente")


def test_config_show_prints_what_can_be_loaded(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capsys, "config", "show", "--set", "generation.seed=0", "--set", "models.own.class=a:B")
    assert status == 0
    Path("again.json").write_text(out)
    status, again, _ = call(capsys, "config", "show", "again.json")
    assert (status, again) == (0, out)
    assert json.loads(out)["generation"]["seed"] == 0


def test_config_show_explains_each_key(capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.json").write_text(
        '{"search": {"root": "puct"}, "models": {"simple": {"class": "a:B", "width": 3}, "big": {"extends": "resnet"}}}'
    )
    status, out, _ = call(capsys, "config", "show", "own.json", "--explain")
    assert status == 0
    assert 'search.root = "puct"   (own.json)' in out
    assert "generation.simulations = 100 simulations per move   (built-in default)" in out
    assert "models.simple.width = 3   (own.json)" in out
    assert "models.simple.layers" not in out
    assert "models.big.blocks = 6" in out
    for path in keys():
        assert path in out or path.startswith("models.simple."), path


def test_a_closed_pipe_is_quiet() -> None:
    done = subprocess.run(
        f"{sys.executable} -m alphapente config show | head -c 10",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


def test_the_root_scripts_pass_their_arguments(tmp_path: Path) -> None:
    for script, words, message in [
        ("generate_v2.py", ["--simulations", "0"], "generation.simulations: found 0"),
        ("train_v2.py", ["--epochs", "0"], "training.num_epochs: found 0"),
        ("config_loader.py", ["none.json"], "none.json: no such file"),
    ]:
        done = subprocess.run(
            [sys.executable, ROOT / script, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: ")
        assert message in done.stderr
    done = subprocess.run(
        [ROOT / "schedule_v2.sh", "none.json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.strip().endswith("none.json: no such file; give the path of a JSON configuration")


def test_config_loader_can_be_imported() -> None:
    code = "import config_loader; print(config_loader.load_config().generation.simulations)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "100\n"
