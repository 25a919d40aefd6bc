"""How a wrong setting is told: where it stands, what was found, what is allowed, and what was probably meant."""

import difflib
import json
from collections.abc import Iterable

from alphapente.errors import RequestError

LONGEST_FOUND = 80


class ConfigError(RequestError):
    """A configuration that cannot be used; its one line says where and why.

    `refused` is the setting at fault where there is one.
    """

    refused: "RefusedError | None" = None


class RefusedError(ValueError):
    """A value that a check of ours refuses, on its way to becoming a ConfigError with the file's name."""

    def __init__(self, path: tuple[str, ...], found: object, allowed: str, meant: str = "", unknown: bool = False):
        super().__init__(".".join(path))
        self.path = path
        self.found = found
        self.allowed = allowed
        self.meant = meant
        self.unknown = unknown

    def line(self, source: str) -> str:
        """The message, with the file (or "command line") that the value came from."""
        path = ".".join(self.path)
        unknown = "unknown key, " if self.unknown else ""
        text = f"{source}: {path}: {unknown}found {show(self.found)}; allowed: {self.allowed}"
        return f'{text}; did you mean "{self.meant}"?' if self.meant else text


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like this one, "" where none is near."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)), "")


def show(value: object) -> str:
    """A value as it stands in JSON, with its kind: `"100" (text)`; long ones cut."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)[:LONGEST_FOUND]
    if len(text) > LONGEST_FOUND:
        text = text[: LONGEST_FOUND - 3] + "..."
    return f"{text} ({kind_of(value)})" if kind_of(value) else text


def kind_of(value: object) -> str:
    """What a JSON value is, in a word; "" for null."""
    if value is None:
        return ""
    for types, word in (((bool,), "true/false"), ((int,), "whole number"), ((float,), "number"), ((str,), "text")):
        if isinstance(value, types):
            return word
    return "object" if isinstance(value, dict) else "list"
