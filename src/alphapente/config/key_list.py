"""Lists the keys of a configuration model with their defaults, meanings, units and allowed values."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from alphapente.config.allowed import allowed_text, base_kind
from alphapente.config.model_settings import BUILT_IN_CLASSES, BUILT_IN_SIZES


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the configuration; `path` is dotted, `allowed` and `unit` are texts ("" for no unit)."""

    path: str
    default: Any
    meaning: str
    unit: str
    allowed: str
    is_text: bool


@cache
def keys_of(model: type[BaseModel]) -> MappingProxyType[str, Key]:
    """Every key of the whole configuration's model by dotted path, in order, with the sizes of the built-in models."""
    found = {key.path: key for key in _walk(model, "")}
    for name, class_path in BUILT_IN_CLASSES.items():
        for key in _walk(BUILT_IN_SIZES[class_path], f"models.{name}."):
            found[key.path] = key
    return MappingProxyType(found)


def _walk(model: type[BaseModel], start: str) -> Iterator[Key]:
    for name, info in model.model_fields.items():
        kind, _ = base_kind(info)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _walk(kind, f"{start}{name}.")
        elif start or name != "models":
            extra = info.json_schema_extra
            unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
            text = kind is str or any(isinstance(choice, str) for choice in getattr(kind, "__args__", ()))
            yield Key(start + name, info.default, info.description or "", unit, allowed_text(info), text)
