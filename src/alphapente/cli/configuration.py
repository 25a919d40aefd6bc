"""`alphapente config show`: prints the resolved configuration, as JSON or with an explanation of each key."""

import json
from typing import Annotated

import typer

from alphapente.cli.options import ConfigArgument, ConfigFile, Overrides, one_path
from alphapente.config import BUILT_IN_CLASSES, LoadedConfig, default_config_path, keys, load_layers

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
        bool, typer.Option("--explain", help="Show each key with value, source, meaning, unit and allowed values.")
    ] = False,
) -> None:
    """Print the resolved configuration as JSON, usable as a configuration file."""
    loaded = load_layers(one_path(config, config_argument) or default_config_path(), set_ or ())
    if explain:
        print("\n".join(explanation(loaded)))
    else:
        print(loaded.config.dump_json(), end="")


def explanation(loaded: LoadedConfig) -> list[str]:
    """Two lines for each key: value and source, then its meaning; for each model, its class and sizes."""
    plain = [(path, key) for path, key in keys().items() if not path.startswith("models.")]
    built_in = {class_path: name for name, class_path in BUILT_IN_CLASSES.items()}
    sizes = [
        (f"models.{name}.{size}", keys().get(f"models.{built_in.get(model.class_path)}.{size}"))
        for name, model in loaded.config.models.items()
        for size in ("class", *model.sizes)
    ]
    lines = []
    for path, key in [*plain, *sizes]:
        unit = f" {key.unit}" if key and key.unit else ""
        lines.append(f"{path} = {json.dumps(loaded.config.value_at(path))}{unit}   ({loaded.source_of(path)})")
        if key:
            lines.append(f"    {key.meaning} Allowed: {key.allowed}.")
    return lines
