"""Settings by dotted key, as findings name them: their current values, and whether a proposed value is a change."""

import json

from alphapente.config import Config

_MISSING = object()


def present_value(config: Config, setting: str) -> str:
    """The current value, as JSON, of the key in "key=value"; "" if the key does not exist."""
    value = config.value_at(setting.partition("=")[0], _MISSING)
    return "" if value is _MISSING else json.dumps(value)


def is_set(config: Config, setting: str) -> bool:
    """Whether the key in "key=value" already has this value."""
    key, _, text = setting.partition("=")
    try:
        wanted = json.loads(text)
    except ValueError:
        wanted = text
    return bool(config.value_at(key, _MISSING) == wanted)


def softer_outcome(config: Config) -> str:
    """The setting that gives the search value a larger share of the value target."""
    return f"training.outcome_weight={round(min(0.5, 0.7 * config.training.outcome_weight), 2):g}"
