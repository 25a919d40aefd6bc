"""The kept checkpoints of a run: with the index, with a broken one, without."""

import json
from pathlib import Path

import pytest

from alphapente.arena.history import pick, read_history
from alphapente.errors import RequestError


def a_run(folder: Path, steps: list[int]) -> Path:
    history = folder / "history"
    history.mkdir()
    lines = []
    for number, step in enumerate(steps):
        (history / f"wide_net_{step:08d}.pt").write_bytes(b"")
        lines.append(
            json.dumps({"checkpoint": f"wide_net_{step:08d}.pt", "step": step, "records": 100 * number, "elapsed_s": 7})
        )
    (history / "history.jsonl").write_text("\n".join(lines) + "\n")
    return history


def test_checkpoints_come_in_order_with_what_the_run_knew(tmp_path: Path) -> None:
    history = a_run(tmp_path, [30, 10, 200])
    (history / "notes.pt").write_bytes(b"")
    for folder in (tmp_path, history):
        found = read_history(folder)
        assert [(one.model_type, one.step, one.records) for one in found] == [
            ("wide_net", 30, 0), ("wide_net", 10, 100), ("wide_net", 200, 200),
        ]  # fmt: skip
        assert found[0].elapsed_s == 7.0


def test_a_broken_index_costs_only_what_it_said(tmp_path: Path) -> None:
    history = a_run(tmp_path, [10, 20])
    index = history / "history.jsonl"
    index.write_text(index.read_text()[:-20] + "\n[]\n")
    assert [(one.step, one.records) for one in read_history(tmp_path)] == [(10, 0), (20, None)]
    index.unlink()
    assert [(one.step, one.elapsed_s) for one in read_history(tmp_path)] == [(10, None), (20, None)]


def test_no_checkpoints_are_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"no checkpoints MODEL_STEP\.pt in .*pipeline\.keep_checkpoints"):
        read_history(tmp_path / "nowhere")


def test_pick_keeps_first_and_last(tmp_path: Path) -> None:
    a_run(tmp_path, list(range(1, 12)))
    history = read_history(tmp_path)
    assert [one.step for one in pick(history, 3)] == [1, 6, 11]
    assert pick(history, 11) == history
    assert [one.step for one in pick(history, 1)] == [11]
