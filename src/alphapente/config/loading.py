"""Loads and merges the configuration: built-in defaults < extended files < the file < the command line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from alphapente.config.allowed import allowed_text
from alphapente.config.catalogue import field_at, keys, subkeys, suggestion
from alphapente.config.config import Config
from alphapente.config.reading import parse_json, read_json_object
from alphapente.config.refusal import ConfigError, RefusedError, show
from alphapente.config.section import value_at
from alphapente.files import StrPath, configured_path

COMMAND_LINE = "command line"
BUILT_IN = "built-in default"
DEFAULT_FILE = Path("config", "pipeline.json")


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings from one source: a file's path or "command line"."""

    source: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A resolved configuration with the source of each value."""

    config: Config
    layers: tuple[Layer, ...]

    def source_of(self, path: str) -> str:
        """The source of the value at a dotted path: a file, "command line", or "built-in default"."""
        return _source(self.layers, tuple(path.split(".")))


def load_config(
    path: StrPath | None = None, overrides: Sequence[str] = (), flag_overrides: Mapping[str, object] | None = None
) -> Config:
    """The resolved configuration.

    `path` is a JSON file, or None for the built-in defaults. `overrides` are `section.key=value` texts; a value that is
    not JSON is text. `flag_overrides` are values by dotted key, with precedence over `overrides`. Raises ConfigError,
    whose line contains the file, the key, the value found, the values allowed and the most similar known key.
    """
    return load_layers(path, overrides, flag_overrides).config


def load_layers(
    path: StrPath | None = None, overrides: Sequence[str] = (), flag_overrides: Mapping[str, object] | None = None
) -> LoadedConfig:
    """As `load_config`, with the source of each value."""
    layers = [] if path is None else _file_layers(Path(path), "", ())
    layers += [parse_override(text) for text in overrides]
    layers += [_layer_at(tuple(key.split(".")), value) for key, value in (flag_overrides or {}).items()]
    for layer in layers:
        # Each layer separately: an error is reported even if a later layer hides it. Models are checked after merging.
        _validate({key: value for key, value in layer.values.items() if key != "models"}, (layer,), alone=True)
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merge(merged, layer.values, ())
    return LoadedConfig(_validate(merged, tuple(layers), alone=False), tuple(layers))


def default_config_path() -> Path | None:
    """`config/pipeline.json` in the current directory if it exists, else None (the built-in defaults)."""
    return DEFAULT_FILE if DEFAULT_FILE.is_file() else None


def parse_override(text: str) -> Layer:
    """Parses `section.key=value`. Raises ConfigError for any other text."""
    key, equals, value = text.partition("=")
    path = tuple(part.strip() for part in key.split("."))
    if not equals or not all(path):
        raise ConfigError(
            f"{COMMAND_LINE}: --set: found {show(text)}; allowed: section.key=value, as in generation.simulations=200"
        )
    return _layer_at(path, parse_value(value, ".".join(path)))


def parse_value(text: str, path: str) -> Any:
    """Parses a value from the command line: JSON, or the text itself if it is not JSON."""
    if not text.isascii():  # in a locale without these letters, Python keeps their bytes as surrogates
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    try:
        return parse_json(text)
    except json.JSONDecodeError:
        return text
    except RecursionError:
        raise ConfigError(f"{COMMAND_LINE}: {path}: objects or lists nested too deeply") from None
    except ValueError as error:
        raise ConfigError(f"{COMMAND_LINE}: {path}: {error}") from None


def _layer_at(path: tuple[str, ...], value: Any) -> Layer:
    for name in reversed(path):
        value = {name: value}
    return Layer(COMMAND_LINE, value)


def _file_layers(path: Path, named_by: str, chain: tuple[Path, ...]) -> list[Layer]:
    """The layers of a file and of the files that it extends, the most distant first."""
    try:
        here = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # an invalid name, a circle of links
        raise ConfigError(f"{str(path)!r}: cannot be read: {error}") from None
    if here in chain:
        circle = " -> ".join(file.name for file in (*chain[chain.index(here) :], here))
        raise ConfigError(f"{named_by}: found {show(str(path))}; allowed: no circle, and this is one: {circle}")
    values = read_json_object(path, named_by)
    if "extends" not in values:
        return [Layer(str(path), values)]
    parent = values.pop("extends")
    if not isinstance(parent, str) or not parent.strip():
        raise ConfigError(
            f"{path}: extends: found {show(parent)}; allowed: the path of another configuration, relative to this file"
        )
    return [
        *_file_layers(path.parent / configured_path(parent), f"{path}: extends", (*chain, here)),
        Layer(str(path), values),
    ]


def _merge(base: dict[str, Any], over: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Merges `over` into `base`, section by section; a model with another class or parent replaces the old entry."""
    merged = dict(base)
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, dict) and isinstance(value, dict) and not _replaces_model(below, value, path):
            merged[key] = _merge(below, value, (*path, key))
        else:
            merged[key] = value
    return merged


def _replaces_model(below: dict[str, Any], value: dict[str, Any], path: tuple[str, ...]) -> bool:
    if path != ("models",):
        return False
    changed = [key for key in ("class", "extends") if key in value and below.get(key) != value[key]]
    return bool(changed) and ("class" in below or "extends" in below)


def _validate(values: dict[str, Any], layers: tuple[Layer, ...], alone: bool) -> Config:
    """Validates settings. `alone`: one layer, in which `model_type` may name a model of another layer."""
    try:
        return Config.model_validate(values, context={"part": alone})
    except ValidationError as error:
        refused = _refused(error)
        others = error.error_count() - 1
        more = f" (and {others} more)" if others else ""
        failure = ConfigError(refused.line(_source(layers, refused.path)) + more)
        failure.refused = refused
        raise failure from None


def _refused(error: ValidationError) -> RefusedError:
    """The first of pydantic's errors as a RefusedError."""
    first = error.errors()[0]
    own = first.get("ctx", {}).get("error")
    if isinstance(own, RefusedError):
        return own
    path = tuple(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return RefusedError(path, first["input"], ", ".join(subkeys(path[:-1])), suggestion(path), unknown=True)
    info = field_at(path)
    known = subkeys(path)
    if info is None or (known and ".".join(path) not in keys()):
        return RefusedError(path, first["input"], "an object with the keys " + ", ".join(known))
    return RefusedError(path, first["input"], allowed_text(info))


def _source(layers: Sequence[Layer], path: tuple[str, ...]) -> str:
    """The last layer that contains this path, or else the longest prefix of it."""
    for length in range(len(path), 0, -1):
        for layer in reversed(layers):
            if value_at(layer.values, path[:length], _MISSING) is not _MISSING:
                return layer.source
        if length == len(path) and ".".join(path) in keys():
            return BUILT_IN
    return BUILT_IN


_MISSING = object()
