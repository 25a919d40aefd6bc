"""Stages of a run, its time limit and the networks it keeps, with real processes."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from alphapente.config import ConfigError, in_stage, load_config, stage_overrides, stage_sizes
from alphapente.event_log import NAME, EventLog, EventReader, Source
from alphapente.events import KeptNetwork
from alphapente.pipeline.history import end_to_end, pick, read_history
from alphapente.pipeline.modes import _Due
from alphapente.pipeline.run_context import RunContext
from alphapente.pipeline.state import STATE_NAME, State, load_state
from tests.pipeline.runs import commands, notes, run_here, steps, summary

STAGES = [
    {"board_size": 9, "records": 50, "simulations": 16},
    {"board_size": 13, "records": 50, "settings": {"training.learning_rate": 0.01}},
    {},
]


def curriculum(stages: object) -> str:
    return f"pipeline.curriculum={json.dumps(stages)}"


def test_a_stage_overrides_what_it_names() -> None:
    config = load_config(None, [curriculum(STAGES), "generation.simulations=80"])
    sizes = [in_stage(config, stage).game.board_size for stage in range(3)]
    assert sizes == [9, 13, 19]
    assert [in_stage(config, stage).generation.simulations for stage in range(3)] == [16, 80, 80]
    assert in_stage(config, 1).training.learning_rate == 0.01
    assert in_stage(config, 2) == load_config(None, ["generation.simulations=80"])
    assert stage_overrides(config, 0) == {"game.board_size": 9, "generation.simulations": 16}
    assert stage_sizes(config) == [9, 13, 19]
    assert stage_sizes(load_config(None, [])) == [19]


@pytest.mark.parametrize(
    ("stages", "problem"),
    [
        (7, "pipeline.curriculum: found 7 (whole number); allowed: a list of objects with the keys board_size"),
        ([3], "pipeline.curriculum.0: found 3 (whole number); allowed: an object with the keys board_size"),
        ([{}, {}], 'pipeline.curriculum.0: found {} (object); allowed: an end, "records" or "minutes"'),
        ([{"board_size": 5}], "curriculum.0.board_size: found 5 (whole number); allowed: a whole number from 7 to 19"),
        ([{"minuts": 5}], 'did you mean "pipeline.curriculum.0.minutes"?'),
        ([{"settings": {"training.learning_rat": 1}}], 'unknown key, found 1 (whole number); allowed: keys that begin'),
        ([{"settings": {"training.learning_rate": 3}}], "found 3 (whole number); allowed: a number above 0 to 1"),
        ([{"settings": {"pipeline.mode": "async"}}], "settings.pipeline.mode: found"),
        ([{"settings": {"generation.record_limit": 5}}], "settings.generation.record_limit: found 5"),
    ],
)  # fmt: skip
def test_an_invalid_stage_is_refused(stages: object, problem: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_config(None, [curriculum(stages)])
    assert str(refusal.value).startswith("command line: pipeline.curriculum")
    assert problem in str(refusal.value)


@pytest.mark.parametrize(
    ("stages", "repeat", "problem"),
    [
        (STAGES, 2, 'pipeline.curriculum.2: found {} (object); allowed: an end, "records" or "minutes"'),
        (STAGES, 4, "repeat_from_stage: found 4 (whole number); allowed: a stage of pipeline.curriculum (there are 3)"),
        ([], 1, "repeat_from_stage: found 1 (whole number); allowed: a stage of pipeline.curriculum (there are 0)"),
        (STAGES[:2], 0, "repeat_from_stage: found 0 (whole number); allowed: a whole number from 1 to 1000, or null"),
    ],
)
def test_repeating_needs_a_stage_and_an_end_of_the_last(stages: object, repeat: int, problem: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_config(None, [curriculum(stages), f"pipeline.repeat_from_stage={repeat}"])
    assert problem in str(refusal.value)


def sizes_of(folder: Path, job: str) -> list[str]:
    """The board size in each command of a job, "" for none."""
    sizes = []
    for _, name, *words in commands(folder):
        if name == job:
            sizes.append(next((word.partition("=")[2] for word in words if word.startswith("game.board_size")), ""))
    return sizes


def test_stages_follow_each_other_between_cycles(tmp_path: Path) -> None:
    events = run_here(tmp_path, curriculum(STAGES), "pipeline.generation_cycles=4")
    assert sizes_of(tmp_path, "generate") == ["9", "13", "", ""]
    assert sizes_of(tmp_path, "train") == ["9", "9", "13", "13", "", "", "", ""]
    assert "stage 2 of 3 begins: game.board_size 13, training.learning_rate 0.01" in notes(events)
    assert "stage 3 of 3 begins: the settings as they are" in notes(events)
    trainings = [words for _, job, *words in commands(tmp_path) if job == "train"]
    assert ["training.learning_rate=0.01" in words for words in trainings] == [False] * 2 + [True] * 2 + [False] * 4


@pytest.mark.parametrize("mode", ["cycles", "async"])
def test_stages_repeat(tmp_path: Path, mode: str) -> None:
    stages = [{"board_size": 7, "records": 50}, *STAGES[:2]]
    keys = [curriculum(stages), "pipeline.repeat_from_stage=2", f"pipeline.mode={mode}", "pipeline.generation_cycles=6"]
    events = run_here(tmp_path, *keys)
    found = sizes_of(tmp_path, "generate")
    assert found[:5] == ["7", "9", "13", "9", "13"]
    assert notes(events).count("stage 2 of 3 begins") >= 2
    assert "stage 1 of 3 begins" not in notes(events)
    assert in_stage(load_config(None, keys), 2).game.board_size == 13


@pytest.mark.parametrize(
    ("sizes", "further", "due"), [((9, 9), [], True), ((9, 13), [], False), ((9, 13), [9], True), ((7, 9), [13], False)]
)
def test_a_new_stage_waits_for_records_only_if_its_training_cannot_use_the_earlier_ones(
    sizes: tuple[int, int], further: list[int], due: bool
) -> None:
    """1,000 records, 990 of them of the first stage; 500 are new since the last training; record_limit is 100."""
    stages = [{"board_size": sizes[0], "records": 990}, {"board_size": sizes[1]}]
    keys = [curriculum(stages), f"training.board_sizes={further}", "training.reuse=4", "generation.record_limit=100"]
    config = load_config(None, keys)
    state = State("1", first_cycle=1, stage=1, stage_records=990, trained_records=500)
    context = SimpleNamespace(config=config, stage_config=in_stage(config, 1), state=state, count=lambda: (1000, 10))
    assert _Due(cast(RunContext, context)).is_due() is due


def test_a_resumed_run_continues_in_its_stage(tmp_path: Path) -> None:
    results = []

    def stop() -> bool:
        state = load_state(tmp_path / STATE_NAME)
        results.append(state is not None and state.stage == 1 and state.generation_done)
        return results[-1]

    run_here(tmp_path, curriculum(STAGES), "pipeline.generation_cycles=3", stop=stop)
    kept = load_state(tmp_path / STATE_NAME)
    assert kept is not None
    assert (kept.stage, kept.cycle, kept.stage_records) == (1, 2, 50)
    run_here(tmp_path, curriculum(STAGES), "pipeline.generation_cycles=3")
    assert sizes_of(tmp_path, "generate") == ["9", "13", ""]


def test_side_by_side_a_stage_ends_its_generation(tmp_path: Path) -> None:
    events = run_here(tmp_path, curriculum(STAGES), "pipeline.generation_cycles=4", "pipeline.mode=async")
    assert sizes_of(tmp_path, "generate") == ["9", "13", ""]
    assert summary(events).records >= 200
    assert summary(events).cycles == 4


def test_a_state_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    run_here(tmp_path)
    path = tmp_path / STATE_NAME
    values = json.loads(path.read_text())
    for name in ("stage", "stage_records", "stage_began_s"):
        del values[name]
    path.write_text(json.dumps(values))
    state = load_state(path)
    assert state is not None
    assert (state.stage, state.stage_records, state.stage_began_s) == (0, 0, 0.0)


@pytest.mark.parametrize("mode", ["cycles", "async"])
def test_the_time_limit_ends_a_run_and_keeps_its_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("STAND_IN", "hang:generate")
    events = run_here(tmp_path, "pipeline.time_limit_minutes=0.05", f"pipeline.mode={mode}")
    assert "the time limit is reached" in notes(events)
    assert steps(events)[0] == "Generation 1"
    state = load_state(tmp_path / STATE_NAME)
    assert state is not None
    assert state.finished
    assert summary(events).records > 0


def test_the_time_limit_reserves_time_for_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second generation never ends by itself; the time of the first trainings is reserved for its own."""
    monkeypatch.setenv("STAND_IN", "slow")
    events = run_here(
        tmp_path, "pipeline.time_limit_minutes=0.2", "pipeline.generation_cycles=2", "generation.record_limit=600"
    )
    assert steps(events)[:4] == ["Generation 1", "Training 1.1", "Training 1.2", "Generation 2"]
    assert "for training: ending Generation 2" in notes(events)
    assert "Training 2.1" in steps(events)


def test_kept_networks_are_read_back_and_broken_lines_skipped(tmp_path: Path) -> None:
    log = EventLog(tmp_path, Source("run"), print)
    folder = tmp_path / "history"
    assert read_history(tmp_path) == []
    one = KeptNetwork("simple_00000010.pt", "simple", 10, 1, 500, 12.5, 9, 4.0, 0.6)
    log(one)
    log(one)  # a training recorded twice, since the scheduler was killed in between
    folder.mkdir()
    (folder / one.checkpoint).write_bytes(b"network")
    with (tmp_path / NAME).open("a") as file:
        file.write('{"at": 1.0, "process": "1-2", "job": "run", "run": "", "event": {"event": "KeptNetwork", "chec')
    assert read_history(tmp_path) == [one]
    other = replace(one, checkpoint="simple_00000020.pt", step=20)
    (folder / other.checkpoint).write_bytes(b"network")
    log(other)
    assert read_history(tmp_path) == [one, other], "the line after an incomplete one is complete"
    with (tmp_path / NAME).open("ab") as file:
        file.write(b"\xff\xfe\n")
    assert read_history(tmp_path) == [one, other]
    (folder / other.checkpoint).unlink()
    (folder / one.checkpoint).unlink()
    assert read_history(tmp_path) == []


def test_each_training_is_recorded_if_networks_are_kept(tmp_path: Path) -> None:
    run_here(tmp_path, "pipeline.keep_checkpoints=true", curriculum(STAGES))
    found = [entry.event for entry in EventReader(tmp_path).new()]
    recorded = [event for event in found if isinstance(event, KeptNetwork)]
    assert [(one.cycle, one.records, one.board_size) for one in recorded] == [(1, 50, 9)] * 2 + [(2, 100, 13)] * 2
    assert recorded[0].checkpoint == "simple_00000006.pt"


def kept(step: int, records: int, elapsed_s: float) -> KeptNetwork:
    return KeptNetwork(f"simple_{step:08d}.pt", "simple", step, 1, records, elapsed_s, 9, 4.0, 0.6)


def test_records_and_time_are_summed_over_runs() -> None:
    history = [kept(10, 100, 5.0), kept(20, 200, 9.0), kept(30, 80, 4.0), kept(40, 160, 8.0), kept(50, 90, 1.0)]
    assert [(one.records, one.elapsed_s) for one in end_to_end(history)] == [
        (100, 5.0), (200, 9.0), (280, 13.0), (360, 17.0), (450, 18.0),
    ]  # fmt: skip
    assert end_to_end([]) == []


def test_some_networks_are_picked_evenly() -> None:
    history = [kept(step, step, float(step)) for step in range(100)]
    picked = [one.step for one in pick(history, 12)]
    assert (picked[0], picked[-1], len(picked)) == (0, 99, 12)
    assert {after - before for before, after in itertools.pairwise(picked)} == {9}
    assert [one.step for one in pick(history, 1)] == [99]
    assert pick(history[:5], 12) == history[:5]
