"""Configurations for the page: found by name in the folder `config`, shown key by key, and checked.

Clients name no paths. Configurations are loaded and checked as on the command line. The page may not change settings
that reach beyond the run: folders, the database, and the Python class of a model.
"""

import json
import re
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from alphapente.config import BUILT_IN_CLASSES, Config, ConfigError, LoadedConfig, keys, load_layers, value_at
from alphapente.config.allowed import base_kind
from alphapente.config.catalogue import field_at
from alphapente.config.loading import COMMAND_LINE, parse_override
from alphapente.config.refusal import RefusedError, show
from alphapente.web.errors import WebError
from alphapente.web.run.schemas import CheckAnswer, ConfigSummary, ConfigView, SettingError, SettingView

FOLDER = Path("config")
BUILT_IN = "built-in"
"""The name of the built-in defaults, offered if there is no config/pipeline.json, which has precedence."""
DEFAULT = "pipeline"
LONGEST_NAME = 61
_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}")
_FIXED = re.compile(r"records\.database|pipeline\.(checkpoint_dir|log_dir)|models\.(.+\.)?class")


@dataclass(frozen=True, slots=True)
class Named:
    """A configuration and its name. `path` None means the built-in defaults; `sets` are overrides that belong to it."""

    name: str
    path: Path | None
    sets: tuple[str, ...] = ()

    def load(self, overrides: Sequence[str] = ()) -> LoadedConfig:
        """The configuration with these overrides. Raises ConfigError."""
        return load_layers(self.path, [*self.sets, *overrides])


def own_configuration(path: Path | None, sets: Sequence[str]) -> Named:
    """The configuration that a server was started with, under a name that is valid in a request."""
    name = BUILT_IN if path is None else re.sub(r"[^A-Za-z0-9_.-]|^[.-]", "_", path.stem)[:LONGEST_NAME]
    return Named(name, path, tuple(sets))


class Configs:
    """The configurations to choose from: the server's own, and those in the folder `config`."""

    def __init__(self, own: Named | None = None) -> None:
        self._own = own

    def all(self) -> list[Named]:
        """All configurations, the default first: the server's own, config/pipeline.json or the built-in defaults."""
        names = sorted(path.stem for path in FOLDER.glob("*.json") if _NAME.fullmatch(path.stem) and path.is_file())
        found = [Named(name, FOLDER / f"{name}.json") for name in names]
        own = self._own or next((one for one in found if one.name == DEFAULT), Named(BUILT_IN, None))
        return [own, *(one for one in found if one.name != own.name)]

    def default(self) -> Named:
        """The default configuration."""
        return self.all()[0]

    def named(self, name: str) -> Named:
        """The configuration of this name. Raises WebError for an unknown name."""
        known = self.all()
        for one in known:
            if one.name == name:
                return one
        choices = ", ".join(one.name for one in known)
        raise WebError(404, "no_config", f"no configuration {name[:LONGEST_NAME]!r}: there are {choices}")

    def summaries(self) -> list[ConfigSummary]:
        """All configurations, with their problems."""
        found = []
        for one in self.all():
            path, problem, folder = None if one.path is None else str(one.path), None, None
            try:
                folder = one.load().config.pipeline.checkpoint_dir
            except ConfigError as error:
                problem = str(error)
            found.append(ConfigSummary(name=one.name, path=path, problem=problem, checkpoint_dir=folder))
        return found


def view(one: Named) -> ConfigView:
    """Every setting of a configuration. Raises ConfigError if it cannot be used."""
    loaded = one.load()
    return ConfigView(name=one.name, path=None if one.path is None else str(one.path), settings=settings(loaded))


def settings(loaded: LoadedConfig, in_force: Config | None = None) -> list[SettingView]:
    """Every setting of a configuration, or of `in_force`, the variant of it that a run uses."""
    values, plain = (in_force or loaded.config).to_dict(), loaded.config.to_dict()
    found = []
    for path in [key for key in keys() if not key.startswith("models.")] + _model_paths(values):
        key, names = keys().get(_built_in_path(values, path)), path.split(".")
        value = value_at(values, names)
        source = loaded.source_of(path) if value == value_at(plain, names) else "set for this run"
        found.append(
            SettingView(
                path=path,
                value=value,
                default=_plain(key.default) if key else None,
                source=source,
                meaning=key.meaning if key else "",
                unit=key.unit if key else "",
                allowed=key.allowed if key else "",
                choices=_choices(path),
                changeable=not _FIXED.fullmatch(path),
            )
        )
    return found


def _model_paths(values: dict[str, Any]) -> list[str]:
    return [f"models.{name}.{size}" for name, model in values["models"].items() for size in model]


def _built_in_path(values: dict[str, Any], path: str) -> str:
    """The path of a setting in the catalogue: a user's model has the keys of its built-in class."""
    section, _, rest = path.partition(".")
    if section != "models":
        return path
    name, _, size = rest.partition(".")
    built_in = {class_path: known for known, class_path in BUILT_IN_CLASSES.items()}
    return f"models.{built_in.get(values['models'][name].get('class'), name)}.{size}"


def _choices(path: str) -> list[Any]:
    """The allowed values of a setting, if they can be listed; else empty."""
    info = field_at(tuple(path.split(".")))
    if info is None:
        return []
    kind, optional = base_kind(info)
    if kind is bool:
        return [False, True]
    return [*([None] if optional else []), *typing.get_args(kind)] if typing.get_origin(kind) is Literal else []


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str | list | dict | None) else None


def differences(plain: Config, in_force: Config) -> list[str]:
    """The overrides that turn `plain` into `in_force`, without those that may not be set from the page."""
    before, now = _flat(plain.to_dict()), _flat(in_force.to_dict())
    return [
        f"{path}={json.dumps(value)}"
        for path, value in now.items()
        if before.get(path) != value and not _FIXED.fullmatch(path)
    ]


def _flat(values: dict[str, Any], start: str = "") -> dict[str, Any]:
    """Values by dotted path; lists and empty objects are values."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{start}{name}.")
        else:
            found[start + name] = value
    return found


def check(one: Named, overrides: list[str]) -> CheckAnswer:
    """Whether the configuration with these overrides is valid, and every override that is refused."""
    refused = [error for text in overrides if (error := _refusal(text)) is not None]
    try:
        resolved = one.load(overrides).config.to_dict()
    except ConfigError as error:
        # Overrides may depend on each other: each is tried alone only to report all errors at once.
        alone = [wrong for text in overrides if (wrong := _problem(one, text)) is not None]
        refused += alone or [error]
        resolved = None
    return CheckAnswer(
        ok=not refused, errors=[_setting_error(error) for error in refused], resolved=None if refused else resolved
    )


def _problem(one: Named, override: str) -> ConfigError | None:
    try:
        one.load()
    except ConfigError:
        return None  # the file itself is invalid, and the caller reports that
    try:
        one.load([override])
    except ConfigError as error:
        return error
    return None


def _refusal(override: str) -> ConfigError | None:
    """The error of an override that may not be set from the page; None if it may, or is no override."""
    try:
        values = _flat(parse_override(override).values)
    except ConfigError:
        return None
    for path, value in values.items():
        if _FIXED.fullmatch(path):
            refused = RefusedError(tuple(path.split(".")), value, "set in the configuration's file, not from the page")
            error = ConfigError(refused.line(COMMAND_LINE))
            error.refused = refused
            return error
    return None


def _setting_error(error: ConfigError) -> SettingError:
    refused = error.refused
    if refused is None:
        return SettingError(key="", found="", allowed="", message=str(error))
    key, found = ".".join(refused.path), show(refused.found)
    return SettingError(key=key, found=found, allowed=refused.allowed, message=str(error))
