"""Options of commands: those that several commands have, and commands whose options are the fields of a dataclass."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from alphapente.config import Config, ConfigError, default_config_path, load_config
from alphapente.errors import RequestError

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        show_default=False,
        help="Configuration, a JSON file [default: config/pipeline.json if it exists, else the built-in defaults].",
    ),
]
ConfigArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[CONFIG]", show_default=False, help="Configuration, as --config."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", show_default=False, help="Override any key, as section.key=value; repeatable."
    ),
]
Variant = Annotated[str | None, typer.Option(metavar="NAME", help="The rules [default: game.variant].")]
BoardSize = Annotated[
    int | None, typer.Option(metavar="N", help="Side of the board in points [default: game.board_size].")
]
Simulations = Annotated[
    int | None, typer.Option(metavar="N", help="Simulations per move [default: generation.simulations].")
]
Seconds = Annotated[float | None, typer.Option(metavar="S", help="Seconds per move, instead of simulations.")]

OptionsT = TypeVar("OptionsT")


def with_options(options_class: Callable[..., OptionsT]) -> Callable[[Callable[[OptionsT], None]], Callable[..., None]]:
    """Decorates a command that takes a dataclass: for Typer, each of its fields is a parameter."""

    def decorate(run_fn: Callable[[OptionsT], None]) -> Callable[..., None]:
        parameters = list(inspect.signature(options_class).parameters.values())
        return typer_function(lambda values: run_fn(options_class(**values)), parameters, run_fn.__doc__)

    return decorate


def typer_function(
    run_fn: Callable[[dict[str, Any]], None], parameters: Sequence[inspect.Parameter], summary: str | None
) -> Callable[..., None]:
    """A function that looks to Typer as if it had these parameters; it passes their values to `run_fn` by name."""

    def command(**values: Any) -> None:
        run_fn(values)

    command.__doc__ = summary
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    setattr(command, "__signature__", inspect.Signature(parameters))  # noqa: B010 - functions have it, type stubs do not
    return command


def resolve(path: Path | None, overrides: Sequence[str] | None, flags: Mapping[str, object] | None = None) -> Config:
    """The configuration of a command: its file, `--set`, and the values of flags by key; None: not given.

    Raises ConfigError as `load_config`.
    """
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    return load_config(path or default_config_path(), overrides or (), given)


def one_path(option: Path | None, argument: Path | None) -> Path | None:
    """The configuration from the argument or `--config`. Raises ConfigError if both are given."""
    if option is not None and argument is not None:
        raise ConfigError(f"command line: found two configurations, {argument} and --config {option}; allowed: one")
    return argument if option is None else option


def check_from(flag: str, number: int, least: int = 0) -> None:
    """Raises RequestError for a number below `least`."""
    if number < least:
        raise RequestError(f"{flag} is {number}: choose a whole number from {least}")


def check_one_budget(simulations: int | None, seconds: float | None) -> None:
    """Raises RequestError if both are given."""
    if simulations is not None and seconds is not None:
        raise RequestError("--simulations and --seconds are both given: choose one of them")
