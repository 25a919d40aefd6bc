"""A working folder for `alphapente web`, with a configuration whose runs are those of the stand-in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from alphapente.web.run.configs import Configs, Named
from alphapente.web.run.context import RunContext
from alphapente.web.run.control import Control
from tests.web.run_stand_in import COMMAND
from tests.web.server import quiet_config, serving

ROOT = Path(__file__).parents[2]
TINY: dict[str, Any] = {
    "generation": {"record_limit": 50, "save_interval_games": 5},
    "training": {"data_sample_size": 40},
    "pipeline": {
        "checkpoint_dir": "runs/tiny",
        "log_dir": "logs",
        "generation_cycles": 2,
        "total_records_target": 1000,
    },
    "records": {"database": "records.db"},
}
"""Two cycles of 50 records and two trainings each."""


def write_config(name: str = "tiny", **sections: dict[str, Any]) -> Path:
    """Writes a file in the folder `config`: TINY with these keys changed."""
    path = Path("config", f"{name}.json")
    path.parent.mkdir(exist_ok=True)
    merged = {section: TINY.get(section, {}) | sections.get(section, {}) for section in TINY.keys() | sections.keys()}
    path.write_text(json.dumps(merged))
    return path


@contextmanager
def run_context(
    folder: Path, monkeypatch: pytest.MonkeyPatch, own: Named | None = None
) -> Iterator[tuple[httpx.Client, RunContext]]:
    """A server in a folder, whose runs are those of the stand-in. Runs that are still active at the end are killed."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}:{ROOT}")
    context = RunContext(Configs(own), Control(COMMAND))
    with serving(quiet_config(folder)) as (client, app):
        app.state.run_context = context
        try:
            yield client, context
        finally:
            for start in context.control._starts.values():
                if start.process.returncode is None:
                    start.process.terminate()
                start.process.wait(30)
