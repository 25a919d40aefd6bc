"""The display of a running job: plain lines, JSON lines, the live display, and curves for TensorBoard."""

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from alphapente.cli import curves, display
from alphapente.cli.live import LiveShow, sparkline
from alphapente.config import load_config
from alphapente.events import (
    CompilationProgress,
    EpochProgress,
    EpochReport,
    Event,
    GenerationProgress,
    GenerationSummary,
    Lost,
    Note,
    PipelineSummary,
    StepStarted,
    TrainingSummary,
    from_json,
    to_json,
)
from alphapente.pipeline.lines import PlainLines, describe, duration, rate

EVENTS: list[Event] = [
    Note("seed 7"),
    StepStarted("Generation 1", "logs/generation_1.log", 1, 3, 100, 5000),
    GenerationProgress(412, 1000, 17, 10.0, 41.2, 4120.0, 3900.0, 75.0),
    GenerationSummary(
        40, 1010, 1500, {"1": 22, "2": 17, "draw": 1}, {"five": 30, "captures": 9, "draw": 1}, 25, 90, 80
    ),
    StepStarted("Training 1.1", "logs/training_1_1.log", 1, 3, 1110, 5000),
    EpochProgress(2, 50, 7, 30, 5.1, 0.6, 1300.0),
    EpochReport(2, 50, 60, 5.0, 0.5, 5.5, 4.8, 0.7, 0.001, 1290.0),
    TrainingSummary("simple", "checkpoints/simple_model.pt", 1110, 50, 1500, 4.1, 0.4, 65.0, 1280.0),
    PipelineSummary(1, 1110, 5000, [40], [("Training 1.1", 5.5)], 3700.0),
]


def test_each_event_has_its_plain_line() -> None:
    lines = [describe(event) for event in EVENTS]
    assert lines[0] == "seed 7"
    assert lines[1] == "Generation 1 begins (cycle 1 of 3; 100 of 5,000 records); log: logs/generation_1.log"
    assert lines[2].startswith("self-play: 412 of 1,000 records (41%), 17 games, 41 records/s, 4,120 simulations/s")
    assert lines[2].endswith("1 min 15 s left")
    assert lines[3].splitlines() == [
        "self-play done: 40 games, 1,010 records (25.2 a game) in 25 s",
        "  plies: 1,500 (37.5 a game)",
        "  won by player 1: 22 (55%), player 2: 17 (42%), draws: 1 (2%)",
        "  won by five: 30 (75%), by captures: 9 (22%), draws: 1 (2%)",
        "  rates: 40 records/s, 3.6 simulations/s, 3.2 evaluations/s",
    ]
    assert "epoch 2/50: policy loss 5.0000, value loss 0.5000, total loss 5.5000" in lines[6]
    assert lines[8].splitlines()[0] == "pipeline: 1 cycle, 1,110 of 5,000 records, 1 h 01 min"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (9.96, "10 s"), (59.9, "1 min 00 s"), (200, "3 min 20 s"), (float("inf"), "?"), (float("nan"), "?")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_rates_keep_two_figures() -> None:
    assert [rate(value) for value in (0, 0.123, 9.87, 12345.6)] == ["0", "0.12", "9.9", "12,346"]


def test_an_empty_generation_divides_by_nothing() -> None:
    assert "0 games, 0 records" in describe(GenerationSummary(0, 0, 0, {}, {}, 0.0, 0, 0))


def test_a_compilation_shows_its_progress() -> None:
    event = CompilationProgress(31, 97, 42.0)
    assert describe(event) == "compiling: 31 of 97 kernels after 42 s"
    assert from_json(to_json(event)) == event
    assert "31 of 97 kernels" in live_display([event])[0]
    assert "kernels" not in live_display([event, GenerationProgress(0, 1000, 0, 0.1, 0.0, 0.0, 0.0, 0.0)])[0]


def test_plain_progress_is_rare() -> None:
    lines: list[str] = []
    clock = iter(range(1000))
    plain = PlainLines(lines.append, interval_s=5, now=lambda: next(clock))
    for games in range(1, 26):
        plain(GenerationProgress(games * 20, 500, games, games, 20.0, 2000.0, 1900.0, 1.0))
    assert len(lines) == 4


def test_off_a_terminal_lines_are_plain(capsys: pytest.CaptureFixture[str]) -> None:
    with display.subscriber(load_config(), events=False) as show:
        for event in EVENTS:
            show(event)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "Training 1.1 begins" in shown


def test_events_are_lines_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    with display.subscriber(load_config(), events=True) as show:
        for event in EVENTS:
            show(event)
    shown = [from_json(line) for line in capsys.readouterr().out.splitlines()]
    assert json.dumps([describe(event) for event in shown]) == json.dumps([describe(event) for event in EVENTS])


def live_display(events: list[Event], width: int = 100) -> tuple[str, str]:
    """(the live display after the events, the lines above it)."""
    console = Console(file=io.StringIO(), width=width)
    show = LiveShow(load_config(), console)
    for event in events:
        show(event)
    above = console.file
    assert isinstance(above, io.StringIO)
    drawn = Console(file=io.StringIO(), width=width)
    drawn.print(show.render())
    assert isinstance(drawn.file, io.StringIO)
    return drawn.file.getvalue(), above.getvalue()


def test_the_display_of_a_generation_in_a_run() -> None:
    drawn, _ = live_display(EVENTS[:3])
    for text in ("Cycle 1 of 3", "512 of 5,000 records", "Self-play", "41%", "412 of 1,000", "17 games"):
        assert text in drawn
    assert "1 min 15 s left" in drawn


def test_the_display_of_a_training_in_a_run() -> None:
    drawn, above = live_display([*EVENTS[:7], EpochReport(3, 50, 90, 4.0, 0.4, 4.4, 4.8, 0.7, 0.001, 1290.0)])
    for text in ("1,110 of 5,000", "games by generation 40", "Training 1.1 epoch 2 of 50", "5.1000", "█▁"):
        assert text in drawn
    assert "epoch 3/50" not in above
    assert "won by five: 30" in above


def test_a_training_alone_prints_its_epochs() -> None:
    drawn, above = live_display(EVENTS[5:8])
    assert "epoch 2/50: policy loss 5.0000" in above.replace("\n", " ")
    assert drawn.strip() == ""


def test_the_run_ends_with_a_table_by_cycle() -> None:
    _, above = live_display(EVENTS)
    assert "1,110 of 5,000 records, 1 h 01 min" in above
    assert "5.5000" in above
    _, late = live_display([PipelineSummary(1, 1, 2, [8], [("Training 4.1", 5.5), ("Training 4.2", 5.25)])])
    assert "5.5000  5.2500" in late


def test_a_narrow_terminal_is_no_error() -> None:
    drawn, _ = live_display(EVENTS[:3], width=20)
    assert drawn


def test_a_sparkline_of_equal_values_is_flat() -> None:
    assert sparkline([1.0, 1.0]) == "▁▁"


def test_on_a_real_terminal_the_display_is_updated_and_removed() -> None:
    program = (
        "from alphapente.cli import display\nfrom alphapente.config import load_config\n"
        "from alphapente.events import *\nimport time\n"
        "with display.subscriber(load_config(), False) as show:\n"
        "    show(GenerationProgress(412, 1000, 17, 10.0, 41.2, 4120.0, 3900.0, 75.0)); time.sleep(0.4)\n"
        "    show(Note('a note'))\n"
    )
    parent, child = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", program], stdout=child, env=os.environ | {"TERM": "xterm"}) as job:
        os.close(child)
        shown = b""
        try:
            while data := os.read(parent, 65536):
                shown += data
        except OSError:  # on Linux: the other side of the terminal is closed
            pass
    os.close(parent)
    assert job.returncode == 0
    assert "Self-play" in shown.decode()
    assert "a note" in shown.decode()
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h"), "the cursor is shown again"


def curve_values(folder: Path) -> dict[str, tuple[int, float]]:
    from tensorboard.backend.event_processing.event_file_loader import (  # type: ignore[import-untyped]
        LegacyEventFileLoader,
    )

    found = {}
    for file in folder.glob("events.*"):
        for entry in LegacyEventFileLoader(str(file)).Load():
            for value in entry.summary.value:
                found[value.tag] = (entry.step, value.simple_value)
    return found


def test_training_curves(tmp_path: Path) -> None:
    config = load_config(overrides=[f"pipeline.log_dir={tmp_path}"])
    with curves.Curves(config, print) as draw:
        for event in EVENTS:
            if isinstance(event, EpochReport):
                draw(event)
    values = curve_values(tmp_path / "tensorboard" / "training-simple")
    assert values["loss/total"] == (60, 5.5)
    assert set(values) >= {"loss/policy", "loss/value", "policy_entropy", "value_error", "learning_rate"}


def test_curves_of_a_generation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "_INTERVAL_S", 0.0)
    config = load_config(overrides=[f"pipeline.log_dir={tmp_path}"])
    won = {"won_by/player_1": 0, "won_by/five": 0, "won_by/captures": 0, "won_by/draw": 0}
    before = {"records": 60, "games": 1, "plies": 0, **won}
    new = {"won_by/player_1": 1, "won_by/five": 1, "won_by/captures": 1}
    after = {**before, "records": 110, "games": 3, "plies": 90, **new}
    with curves.Curves(config, print) as draw:
        draw(GenerationProgress(0, 100, 0, 0.0, 0.0, 0.0, 0.0, 100.0, before))
        draw(GenerationSummary(2, 50, 90, {}, {}, 2.0, 200, 100, pool=after))
    values = curve_values(tmp_path / "tensorboard" / "generation")
    assert [values[name] for name in ("records", "games")] == [(110, 110), (110, 3)]
    assert values["games/plies"][1] == 45
    assert values["rate/simulations_per_s"][1] == 100
    assert sum(values[f"won_by/{kind}"][1] for kind in ("five", "captures", "draw")) == pytest.approx(1)
    assert values["won_by/player_1"][1] == 0.5


def test_curves_that_cannot_be_written_do_not_end_the_job(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    config = load_config(overrides=[f"pipeline.log_dir={tmp_path / 'file'}"])
    lost: list[Event] = []
    with curves.Curves(config, lost.append) as draw:
        for event in EVENTS:
            if isinstance(event, EpochReport):
                draw(event)
    assert lost == [Lost(f"the curves in {tmp_path / 'file' / 'tensorboard'}", "Not a directory")]
