"""`alphapente config show`: the resolved configuration, as JSON or explained key by key."""

from typing import Annotated

import typer

from alphapente.cli.flags import ConfigArgument, ConfigFile, Overrides, one_path, value_at
from alphapente.config import LoadedConfig, default_config_path, keys, load_layers

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def group() -> None:
    """Show the configuration in force."""


@app.command()
def show(
    config_argument: ConfigArgument = None,
    config: ConfigFile = None,
    set_: Overrides = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Each key with its value, where it came from, meaning, unit and range.")
    ] = False,
) -> None:
    """Print the resolved configuration, as a JSON file that can be used in its turn."""
    loaded = load_layers(one_path(config, config_argument) or default_config_path(), set_ or ())
    if explain:
        print("\n".join(explanation(loaded)))
    else:
        print(loaded.config.dump_json(), end="")


def explanation(loaded: LoadedConfig) -> list[str]:
    """Lines for each key: value and source, then what it means."""
    lines = []
    for path, key in keys().items():
        try:
            value = value_at(loaded.config, path)
        except KeyError:
            continue  # a built-in model's size, where that name now has another class
        unit = f" {key.unit}" if key.unit else ""
        lines += [f"{path} = {value}{unit}   ({loaded.source_of(path)})", f"    {key.meaning} {_capital(key.allowed)}."]
    for name, model in loaded.config.models.items():
        lines += [f"models.{name}.class = {model.class_path}   ({loaded.source_of(f'models.{name}.class')})"]
        if f"models.{name}.channels" not in keys():
            lines += [f"models.{name} takes {model.sizes}"]
    return lines


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
