"""The stages of a run: whether the current one is over, and the change to the next."""

import json

from alphapente.config import stage_overrides
from alphapente.events import Note
from alphapente.pipeline.run_context import RunContext


def stage_is_over(context: RunContext) -> bool:
    """Whether the current stage has reached its records or its time, and another one follows."""
    stages, state = context.config.pipeline.curriculum, context.state
    if state.stage + 1 >= len(stages) and context.config.pipeline.repeat_from_stage is None:
        return False
    stage = stages[state.stage]
    if stage.minutes is not None and context.elapsed_s - state.stage_began_s >= 60 * stage.minutes:
        return True
    return stage.records is not None and context.count()[0] - state.stage_records >= stage.records


def follow_stages(context: RunContext) -> None:
    """Changes to the next stage, and saves the state, if the current stage is over."""
    stages, state = context.config.pipeline.curriculum, context.state
    if state.stage >= len(stages) > 0:
        context.publish(Note(f"the curriculum has {len(stages)} stages now: continuing in the last one"))
        state.stage = len(stages) - 1
    if not stage_is_over(context):
        return
    state.stage += 1
    if state.stage == len(stages):
        state.stage = (context.config.pipeline.repeat_from_stage or 1) - 1
    state.stage_records, state.stage_began_s = context.count()[0], context.elapsed_s
    context.save()
    changes = ", ".join(
        f"{key} {json.dumps(value)}" for key, value in stage_overrides(context.config, state.stage).items()
    )
    context.publish(Note(f"stage {state.stage + 1} of {len(stages)} begins: {changes or 'the settings as they are'}"))
