"""The base class of the configuration's sections, and the functions that declare settings."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def setting(default: Any, description: str, unit: str = "", **limits: Any) -> Any:
    """A field with its meaning and unit, which `--help`, `config show --explain` and the documentation show."""
    return Field(default, description=description, json_schema_extra={"unit": unit}, **limits)


def path_setting(default: str, description: str) -> Any:
    """A setting that names a file or a folder; `files.configured_path` resolves it."""
    return setting(default, description, min_length=1, pattern=r"^[^\x00]*$")


def value_at(values: Any, path: Sequence[str], missing: Any = None) -> Any:
    """The value at a path, such as ("search", "root"), in nested dictionaries; `missing` if there is none."""
    for name in path:
        values = values.get(name, missing) if isinstance(values, dict) else missing
    return values


class Section(BaseModel):
    """A section of the configuration: refuses unknown keys, coerces nothing, is read-only."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True, protected_namespaces=()
    )
