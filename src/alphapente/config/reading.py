"""Reads one JSON file strictly; errors contain line, column and text."""

import json
from pathlib import Path
from typing import Any

from alphapente.config.refusal import ConfigError, kind_of

LARGEST_FILE = 1 << 20
"""Bytes; a configuration is a page or two."""
LONGEST_NUMBER = 1000
"""Digits of a whole number."""


class _Object(dict[str, Any]):
    """A JSON object with its first repeated key."""

    repeated: str | None = None


def read_json_object(path: Path, named_by: str) -> dict[str, Any]:
    """The JSON object in a file. Raises ConfigError if the file is missing, unreadable, or not one JSON object."""
    text = _read_text(path, named_by)
    try:
        value = parse_json(text)
    except json.JSONDecodeError as error:
        lines = text.splitlines() or [""]
        line = lines[min(error.lineno, len(lines)) - 1].strip()
        shown = f"at {line[:80]!r}" if line else "at the end of the file"
        raise ConfigError(
            f"{path}: line {error.lineno}, column {error.colno}: not valid JSON ({error.msg}) {shown}"
        ) from None
    except RecursionError:
        raise ConfigError(f"{path}: objects or lists nested too deeply") from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None
    if not isinstance(value, dict):
        kind = kind_of(value) or "null"
        raise ConfigError(f'{path}: found a {kind} at the top, allowed: an object, such as {{"generation": {{}}}}')
    return value


def parse_json(text: str) -> Any:
    """Parses a JSON value. NaN and Infinity are accepted here; the settings refuse them and name the key.

    Raises json.JSONDecodeError for text that is not JSON, ValueError for repeated keys and numbers that are too long.
    """
    value = json.loads(text, object_pairs_hook=_pairs, parse_int=_whole_number)
    _refuse_repeated(value, ())
    return value


def _read_text(path: Path, named_by: str) -> str:
    named = f" (named by {named_by})" if named_by else ""
    try:
        if path.is_dir():
            raise ConfigError(f"{path}: found a directory{named}, allowed: a JSON file")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file{named}; give the path of a JSON configuration") from None
    except ConfigError:
        raise
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read{named}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > LARGEST_FILE:
        raise ConfigError(f"{path}: more than {LARGEST_FILE} bytes, which is too large for a configuration")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        byte = content[error.start]
        raise ConfigError(f"{path}: line {line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from None


def _pairs(pairs: list[tuple[str, Any]]) -> _Object:
    found = _Object()
    for key, value in pairs:
        if key in found and found.repeated is None:
            found.repeated = key
        found[key] = value
    return found


def _refuse_repeated(value: Any, path: tuple[str, ...]) -> None:
    if isinstance(value, _Object):
        if value.repeated is not None:
            raise ValueError(f"{'.'.join((*path, value.repeated))}: the key is repeated, allowed: once")
        for key, inner in value.items():
            _refuse_repeated(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            _refuse_repeated(inner, path)


def _whole_number(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"found a number of {len(digits)} digits, {digits[:20]}...; allowed: {LONGEST_NUMBER} digits")
    return int(digits)
