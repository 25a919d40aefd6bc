"""Describes the allowed values of a setting from its type and limits."""

import types
import typing
from typing import Literal

from pydantic.fields import FieldInfo

_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def allowed_text(info: FieldInfo) -> str:
    """For example "a whole number from 1 to 100000", "true or false", 'one of "gumbel", "puct"', "..., or null"."""
    kind, optional = base_kind(info)
    if typing.get_origin(kind) is Literal:
        return "one of " + ", ".join(_json(choice) for choice in typing.get_args(kind))
    if typing.get_origin(kind) is list:
        (item,) = typing.get_args(kind)
        if fields := getattr(item, "model_fields", None):
            return f"a list of objects with the keys {', '.join(fields)}"
        return f"a list, each item {allowed_text(FieldInfo.from_annotation(item))}"
    text = _WORDS.get(kind, "an object") if isinstance(kind, type) else "an object"
    limits = {type(limit).__name__: limit for limit in info.metadata}
    low = limits.get("Ge") or limits.get("Gt")
    high = limits.get("Le") or limits.get("Lt")
    if low is not None:
        text += f" from {_plain(low.ge)}" if hasattr(low, "ge") else f" above {_plain(low.gt)}"
    if high is not None:
        text += f" to {_plain(high.le)}" if hasattr(high, "le") else f" and below {_plain(high.lt)}"
    if "MinLen" in limits:
        text += ", not empty"
    return f"{text}, or null" if optional else text


def base_kind(info: FieldInfo) -> tuple[object, bool]:
    """(the field's type without `None`, whether null is allowed)."""
    kind = info.annotation
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        parts = [part for part in typing.get_args(kind) if part is not type(None)]
        return parts[0], True
    return kind, False


def whole_number(value: object) -> object:
    """The value if it is an int, else raises ValueError: in a Literal, True equals 1 and 8.0 equals 8."""
    if type(value) is not int:
        raise ValueError("not a whole number")
    return value


def _json(choice: object) -> str:
    return f'"{choice}"' if isinstance(choice, str) else str(choice)


def _plain(limit: float) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)
