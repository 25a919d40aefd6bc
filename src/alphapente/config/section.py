"""What every section of the configuration has in common, and how a setting tells its meaning."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def setting(default: Any, description: str, unit: str = "", **limits: Any) -> Any:
    """A field with its meaning and unit, which `--help`, `config show --explain` and the documentation print."""
    return Field(default, description=description, json_schema_extra={"unit": unit}, **limits)


class Section(BaseModel):
    """A section of the configuration: unknown keys refused, nothing coerced, nothing changed afterwards."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True, protected_namespaces=()
    )
