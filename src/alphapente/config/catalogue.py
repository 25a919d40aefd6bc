"""The list of all keys, made from the models: what `--help`, `config show --explain` and messages quote."""

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from alphapente.config.allowed import allowed_text, base_kind
from alphapente.config.model_settings import BUILT_IN_CLASSES, BUILT_IN_SIZES
from alphapente.config.refusal import nearest
from alphapente.config.settings import Config


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the configuration; `path` is dotted, `allowed` and `unit` are words ("" where there is none)."""

    path: str
    default: Any
    meaning: str
    unit: str
    allowed: str
    is_text: bool


@cache
def keys() -> MappingProxyType[str, Key]:
    """Every key by its dotted path, in the order of the file; the sizes of the built-in models included."""
    found = {key.path: key for key in _walk(Config, "")}
    for name, class_path in BUILT_IN_CLASSES.items():
        for key in _walk(BUILT_IN_SIZES[class_path], f"models.{name}."):
            found[key.path] = key
    return MappingProxyType(found)


def sections() -> tuple[str, ...]:
    """The names at the top of the file."""
    return tuple(Config.model_fields)


def subkeys(path: tuple[str, ...]) -> list[str]:
    """The names that may stand in the section at this path; empty for none or an open one."""
    item = _item_at(path)
    if item is not None:
        return list(item.model_fields)
    start = ".".join((*path, "")) if path else ""
    return list(dict.fromkeys(key[len(start) :].split(".")[0] for key in keys() if key.startswith(start)))


def meant(path: tuple[str, ...]) -> str:
    """The full path of the known key nearest to this unknown one: beside it first, then anywhere. "" for none."""
    beside = nearest(path[-1], subkeys(path[:-1]))
    if beside:
        return ".".join((*path[:-1], beside))
    by_last = {key.rsplit(".", 1)[-1]: key for key in reversed(keys())}
    anywhere = nearest(path[-1], by_last)
    return by_last[anywhere] if anywhere else nearest(".".join(path), keys())


def field_at(path: tuple[str, ...]) -> FieldInfo | None:
    """The field that stands at a path, None where there is none."""
    model: Any = Config
    info: FieldInfo | None = None
    for name in path:
        if name.isdecimal() and typing.get_origin(model) is list:
            (model,) = typing.get_args(model)
            continue
        if not (isinstance(model, type) and issubclass(model, BaseModel)) or name not in model.model_fields:
            return None
        info = model.model_fields[name]
        model = info.annotation
    return info


def _item_at(path: tuple[str, ...]) -> type[BaseModel] | None:
    """The model of a list's items, for the path of one such as ("pipeline", "curriculum", "0"); else None."""
    if not path or not path[-1].isdecimal():
        return None
    info = field_at(path[:-1])
    item = typing.get_args(info.annotation)[0] if info and typing.get_origin(info.annotation) is list else None
    return item if isinstance(item, type) and issubclass(item, BaseModel) else None


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
