"""The fixture of all tests of the configuration."""

import json
from pathlib import Path

import pytest

from tests.config.refusals import Write


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Returns a function that writes a configuration (an object or its text) to a file."""

    def write_file(content: object, name: str = "own.json") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write_file
