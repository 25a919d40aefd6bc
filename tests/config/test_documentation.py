"""docs/configuration.md: its table of all keys, and its examples."""

import json
import os
import re
from pathlib import Path

from alphapente.config import keys, load_config
from tests.config.refusals import Write

ROOT = Path(__file__).parents[2]
TABLE_START, TABLE_END = "<!-- keys: start -->\n", "<!-- keys: end -->\n"


def table() -> str:
    """The table of all keys in docs/configuration.md."""
    rows = ["| key | default | meaning | unit | allowed |", "| --- | --- | --- | --- | --- |"]
    for key in keys().values():
        cells = [f"`{key.path}`", f"`{json.dumps(key.default)}`", key.meaning, key.unit, key.allowed]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def test_the_documented_table_is_complete_and_correct() -> None:
    page = ROOT / "docs" / "configuration.md"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(TABLE_START)
    written, _, after = rest.partition(TABLE_END)
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(before + TABLE_START + table() + TABLE_END + after, encoding="utf-8")
    else:
        assert written == table(), "run `UPDATE_DOCS=1 pytest tests/config/test_documentation.py` to update the table"


def test_the_documented_examples_load(write: Write) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    examples = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert examples
    write((ROOT / "config" / "pipeline.json").read_text(encoding="utf-8"), "pipeline.json")
    for example in examples:
        load_config(write(example))


def test_every_key_has_a_meaning() -> None:
    for key in keys().values():
        assert key.meaning.endswith("."), key.path
        assert key.allowed, key.path
