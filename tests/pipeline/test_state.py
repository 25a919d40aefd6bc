"""The state file: written whole, read back equal; anything else is refused with advice."""

import json
from pathlib import Path

import pytest

from alphapente.errors import FailureError
from alphapente.pipeline.state import State, changed_keys, load_state, save_state


def test_state_is_read_back_equal(tmp_path: Path) -> None:
    state = State(run="20260101_000000", cycle=2, loss_by_training=[("Training 1.1", 2.5)], settings={"a": {"b": 1}})
    save_state(state, tmp_path / "new" / "state.json")
    assert load_state(tmp_path / "new" / "state.json") == state
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["state.json"]


def test_no_file_is_no_state(tmp_path: Path) -> None:
    assert load_state(tmp_path / "state.json") is None


def _state_text(**changes: object) -> str:
    values = {"format": 1, **json.loads(json.dumps(State(run="x").__dict__)), **changes}
    return json.dumps(values)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "incomplete"),
        (_state_text()[:60], "incomplete"),
        ("[1, 2]", 'no "format"'),
        ('{"step": 3}', 'no "format"'),
        (_state_text(format=99), "format 99, this version reads 1"),
        (_state_text(cycle="two"), '"cycle" is "two"'),
        (_state_text(cycle=-1), '"cycle" is -1'),
        (_state_text(cycle=True), '"cycle" is true'),
        (_state_text(more=1), 'differ at "more"'),
        (_state_text(loss_by_training=[["a"]]), "loss_by_training"),
        (_state_text(games_by_cycle=["a"]), "games_by_cycle"),
        ("\x00\xff", "not a pipeline's state"),
    ],
)
def test_anything_else_is_refused_with_advice(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(FailureError) as failure:
        load_state(path)
    message = str(failure.value)
    assert str(path) in message
    assert problem in message or "cannot read" in message
    assert "move the file away to begin a new run" in message


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FailureError, match="cannot save the pipeline's state"):
        save_state(State(run="x"), tmp_path / "file" / "state.json")


def test_changed_keys_are_dotted() -> None:
    before = {"a": {"b": 1, "c": None}, "m": {"simple": {}}}
    now = {"a": {"b": 2, "c": None}, "m": {"simple": {}, "wide": {"x": 1}}}
    assert changed_keys(before, now) == ["a.b: 1 -> 2", 'm.wide: null -> {"x": 1}']
