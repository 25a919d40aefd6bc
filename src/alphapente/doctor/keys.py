"""Settings by dotted key, as findings name them: their current values, and whether a proposed value is a change."""

import json

from alphapente.config import Config


def value_at(config: Config, key: str) -> object:
    """The value of a dotted key; None if it is null or the key does not exist."""
    value: object = config
    for name in key.split("."):
        value = getattr(value, name, None)
    return value


def present_value(config: Config, setting: str) -> str:
    """The current value, as JSON, of the key in "key=value"; "" if the key does not exist."""
    section, _, name = setting.partition("=")[0].rpartition(".")
    if not hasattr(value_at(config, section), name):
        return ""
    return json.dumps(value_at(config, f"{section}.{name}"))


def is_set(config: Config, setting: str) -> bool:
    """Whether the key in "key=value" already has this value."""
    key, _, text = setting.partition("=")
    try:
        wanted = json.loads(text)
    except ValueError:
        wanted = text
    return bool(present_value(config, setting) and value_at(config, key) == wanted)
