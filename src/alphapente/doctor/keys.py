"""Settings by their dotted keys, as findings name them: what they are now, and whether a change would be one."""

import json

from alphapente.config import Config


def value_at(config: Config, key: str) -> object:
    """The value of a dotted key; None where it is null or is no key."""
    value: object = config
    for name in key.split("."):
        value = getattr(value, name, None)
    return value


def present_value(config: Config, setting: str) -> str:
    """The value, as JSON, that "key=value" would change; "" where the key is none."""
    section, _, name = setting.partition("=")[0].rpartition(".")
    if not hasattr(value_at(config, section), name):
        return ""
    return json.dumps(value_at(config, f"{section}.{name}"))


def is_set(config: Config, setting: str) -> bool:
    """Whether the setting of "key=value" has this value already."""
    key, _, text = setting.partition("=")
    try:
        wanted = json.loads(text)
    except ValueError:
        wanted = text
    return bool(present_value(config, setting) and value_at(config, key) == wanted)
