"""The stages of a run: when one has ended, and what the next one is."""

import json

from alphapente.config import stage_overrides
from alphapente.events import Note
from alphapente.pipeline.desk import Desk


def stage_is_over(desk: Desk) -> bool:
    """Whether the present stage, which is not the last one, has made its records or lasted its time."""
    stages, state = desk.config.pipeline.curriculum, desk.state
    if state.stage + 1 >= len(stages):
        return False
    stage = stages[state.stage]
    if stage.minutes is not None and desk.elapsed_s - state.stage_began_s >= 60 * stage.minutes:
        return True
    return stage.records is not None and desk.count()[0] - state.stage_records >= stage.records


def follow_stages(desk: Desk) -> None:
    """Goes on to the next stage, and keeps that, where the present one is over."""
    stages, state = desk.config.pipeline.curriculum, desk.state
    if state.stage >= len(stages) > 0:
        desk.say(Note(f"the curriculum has {len(stages)} stages now: going on in the last one"))
        state.stage = len(stages) - 1
    if not stage_is_over(desk):
        return
    state.stage += 1
    state.stage_records, state.stage_began_s = desk.count()[0], desk.elapsed_s
    desk.keep()
    changes = ", ".join(
        f"{key} {json.dumps(value)}" for key, value in stage_overrides(desk.config, state.stage).items()
    )
    desk.say(Note(f"stage {state.stage + 1} of {len(stages)} begins: {changes or 'the settings as they are'}"))
