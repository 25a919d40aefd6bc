"""The message of a configuration that is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from alphapente.config import ConfigError, load_config
from alphapente.errors import RequestError

Write = Callable[..., Path]
"""The fixture `write`."""


def refusal(path: Path | None, *overrides: str, flags: dict[str, object] | None = None) -> str:
    """The one-line error message of a configuration."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides, flags or {})
    assert isinstance(caught.value, RequestError)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)
