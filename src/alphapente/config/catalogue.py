"""Looks up keys of the configuration: for `--help`, `config show --explain` and error messages."""

import typing
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from alphapente.config.config import Config
from alphapente.config.key_list import Key, keys_of
from alphapente.config.refusal import nearest


def keys() -> MappingProxyType[str, Key]:
    """Every key by dotted path, in the order of the sections; see `keys_of`."""
    return keys_of(Config)


def subkeys(path: tuple[str, ...]) -> list[str]:
    """The keys allowed in the section at this path; empty if it is no section, or allows any key."""
    item = _item_at(path)
    if item is not None:
        return list(item.model_fields)
    start = ".".join((*path, "")) if path else ""
    return list(dict.fromkeys(key[len(start) :].split(".")[0] for key in keys() if key.startswith(start)))


def suggestion(path: tuple[str, ...]) -> str:
    """The known key most similar to an unknown one, from the same section if possible; "" if none is similar."""
    beside = nearest(path[-1], subkeys(path[:-1]))
    if beside:
        return ".".join((*path[:-1], beside))
    by_last = {key.rsplit(".", 1)[-1]: key for key in reversed(keys())}
    anywhere = nearest(path[-1], by_last)
    return by_last[anywhere] if anywhere else nearest(".".join(path), keys())


def field_at(path: tuple[str, ...]) -> FieldInfo | None:
    """The field at a path, or None."""
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
    """The model of the list item at a path such as ("pipeline", "curriculum", "0"), or None."""
    if not path or not path[-1].isdecimal():
        return None
    info = field_at(path[:-1])
    item = typing.get_args(info.annotation)[0] if info and typing.get_origin(info.annotation) is list else None
    return item if isinstance(item, type) and issubclass(item, BaseModel) else None
