"""Flags that set keys of the configuration; `--help` shows their meaning and current value."""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from alphapente.cli.options import ConfigArgument, ConfigFile, Overrides, one_path, resolve, typer_function
from alphapente.config import ConfigError, default_config_path, keys, load_layers
from alphapente.config.loading import LoadedConfig, parse_value

Events = Annotated[bool, typer.Option("--events", hidden=True, help="Print each event as a line of JSON.")]
EventLogFolder = Annotated[Path | None, typer.Option("--event-log", hidden=True, help="The run's event log.")]
StepName = Annotated[
    str | None, typer.Option("--step", hidden=True, help='"RUN STEP", a step of a run: continue what it has begun.')
]

RunFn = Callable[..., None]


@dataclass(frozen=True, slots=True)
class StepOfRun:
    """A step of a run of the pipeline: the folder of the event log to which it reports, the run and the step's name."""

    folder: Path
    run: str
    name: str


@dataclass(frozen=True)
class FlagCommand:
    """A command whose flags are settings: `flags` maps each flag to its key.

    `run_fn` gets the configuration and whether `--events` was given. With `config_argument` the configuration may also
    be the first argument, without `--config`. A command that is `a_step` of the pipeline has hidden flags, passed to
    `run_fn` as `step`, a StepOfRun or None.
    """

    summary: str
    flags: Mapping[str, str]
    run_fn: RunFn
    config_argument: bool = False
    a_step: bool = False

    def function(self, words: Sequence[str]) -> Callable[..., None]:
        """The function of the Typer command; `words` are the command line, which decides the values in `--help`."""
        loaded = _named_config(words)[0] if _help_requested(words) else None
        fixed: dict[str, Any] = {"config": ConfigFile, "set_": Overrides, "events": Events}
        if self.a_step:
            fixed |= {"event_log": EventLogFolder, "step": StepName}
        if self.config_argument:
            fixed = {"config_argument": ConfigArgument, **fixed}
        options = {_name(flag): _option(flag, key, loaded) for flag, key in self.flags.items()} | fixed

        def run(values: dict[str, Any]) -> None:
            path = one_path(values["config"], values.get("config_argument"))
            given = {key: values[_name(flag)] for flag, key in self.flags.items()}
            typed = {key: typed_value(key, text) for key, text in given.items() if text is not None}
            more = {"step": _step(values["event_log"], values["step"])} if self.a_step else {}
            self.run_fn(resolve(path, values["set_"], typed), values["events"], **more)

        parameters = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=False if name == "events" else None, annotation=kind
            )
            for name, kind in options.items()
        ]
        return typer_function(run, parameters, self.summary)

    def epilog(self, words: Sequence[str]) -> str | None:
        """The last line of `--help` if the named file has an error, so that its values are not shown."""
        return _named_config(words)[1] if _help_requested(words) else None


def _step(folder: Path | None, text: str | None) -> StepOfRun | None:
    """The step that the hidden flags name; None if they are missing."""
    if folder is None or text is None:
        return None
    run, _, name = text.partition(" ")
    return StepOfRun(folder, run, name)


def typed_value(key: str, text: str) -> Any:
    """Parses a flag's value by its key's type: text as it is, anything else as JSON."""
    return text if keys()[key].is_text else parse_value(text, key)


def _option(flag: str, key: str, loaded: LoadedConfig | None) -> Any:
    known = keys()[key]
    help_text = known.meaning
    if loaded is not None:
        unit = f" {known.unit}" if known.unit else ""
        value = json.dumps(loaded.config.value_at(key))
        help_text += f" Now {value}{unit} ({loaded.source_of(key)}); allowed: {known.allowed}. Sets {key}."
    return Annotated[str | None, typer.Option(flag, metavar=_metavar(key), show_default=False, help=help_text)]


def _metavar(key: str) -> str:
    if keys()[key].is_text:
        return "NAME"
    return "N" if "whole number" in keys()[key].allowed else "X"


def _name(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def _help_requested(words: Sequence[str]) -> bool:
    return "--help" in words or "-h" in words


def _named_config(words: Sequence[str]) -> tuple[LoadedConfig, str | None]:
    """(the configuration that the words name, None), or on error (the built-in defaults, the error's text)."""
    found: dict[str, list[str]] = {"--config": [], "--set": []}
    for place, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option in found and equals:
            found[option].append(value)
        elif word in found and place + 1 < len(words):
            found[word].append(words[place + 1])
    path = Path(found["--config"][-1]) if found["--config"] else default_config_path()
    try:
        return load_layers(path, found["--set"]), None
    except ConfigError as error:
        return load_layers(), f"The values shown are the built-in defaults, because of an error: {error}"
