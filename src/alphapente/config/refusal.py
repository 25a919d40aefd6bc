"""Errors of wrong settings: their place, the value found, the values allowed, and a suggestion."""

import difflib
import json
from collections.abc import Iterable

from alphapente.errors import RequestError

LONGEST_FOUND = 80


class ConfigError(RequestError):
    """A configuration that cannot be used; its one line says where and why.

    `refused` is the wrong setting, if there is one.
    """

    refused: "RefusedError | None" = None


class RefusedError(ValueError):
    """A value that a check refuses; `loading` turns it into a ConfigError with the file's name."""

    def __init__(self, path: tuple[str, ...], found: object, allowed: str, suggestion: str = "", unknown: bool = False):
        super().__init__(".".join(path))
        self.path = path
        self.found = found
        self.allowed = allowed
        self.suggestion = suggestion
        self.unknown = unknown

    def line(self, source: str) -> str:
        """The message; `source` is the file of the value, or "command line"."""
        path = ".".join(self.path)
        unknown = "unknown key, " if self.unknown else ""
        text = f"{source}: {path}: {unknown}found {show(self.found)}; allowed: {self.allowed}"
        return f'{text}; did you mean "{self.suggestion}"?' if self.suggestion else text


def nearest(name: str, known: Iterable[str]) -> str:
    """The most similar known name, or "" if none is similar."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)), "")


def show(value: object) -> str:
    """A value as JSON with its type: `"100" (text)`; long values are truncated."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)[:LONGEST_FOUND]
    if len(text) > LONGEST_FOUND:
        text = text[: LONGEST_FOUND - 3] + "..."
    return f"{text} ({kind_of(value)})" if kind_of(value) else text


def kind_of(value: object) -> str:
    """The type of a JSON value in one word; "" for null."""
    if value is None:
        return ""
    for types, word in (((bool,), "true/false"), ((int,), "whole number"), ((float,), "number"), ((str,), "text")):
        if isinstance(value, types):
            return word
    return "object" if isinstance(value, dict) else "list"
