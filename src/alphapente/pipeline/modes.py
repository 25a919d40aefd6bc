"""The two modes of a run: generation and training in turns, or side by side over one database."""

import time

from alphapente.config import stage_sizes
from alphapente.events import Note
from alphapente.pipeline.curriculum import follow_stages, stage_is_over
from alphapente.pipeline.lines import duration
from alphapente.pipeline.promotion import first_incumbent
from alphapente.pipeline.run_context import RunContext
from alphapente.pipeline.step import Step

_COUNT_INTERVAL_S = 1.0


def run_cycles(context: RunContext) -> None:
    """Generation 1 -> Training 1.1, 1.2 -> Generation 2 -> ... until the last cycle, the target or the time limit.

    With pipeline.promotion each training is followed by the test of its network. A stage of the curriculum ends with
    the cycle in which it is over. With `training.reuse` a cycle has at most one training, which uses all records that
    are due. Raises FailureError for a step that failed, Interrupted if asked to stop.
    """
    state = context.state
    training_s = 0.0
    if context.config.pipeline.promotion != "off":
        first_incumbent(context.config, untested=bool(state.untested_training))
        _test_newest(context)
    while state.cycle <= context.last_cycle and context.time_left_s() > 0:
        if not state.generation_done:
            follow_stages(context)
        trainings = _trainings_in_turn(context)
        if not state.generation_done and not _generate_cycle(context, keep_s=trainings * training_s):
            return
        while state.trainings_done < trainings and context.time_left_s() > 0:
            began = context.elapsed_s
            step = context.begin_training(beside_generation=False)
            _until_ended(context)
            context.finished_training(step)
            _test_newest(context)
            training_s = context.elapsed_s - began
        if state.trainings_done < trainings:
            return
        context.next_cycle()
        state.generation_done = False
        context.save()


def _trainings_in_turn(context: RunContext) -> int:
    """How many trainings follow a generation in the current stage."""
    trainings = context.config.pipeline.training_cycles_per_generation
    return trainings if context.stage_config.training.reuse is None else min(1, trainings)


def _test_newest(context: RunContext) -> None:
    """Test the newest network against the one that plays, if that is still to be done and there is time."""
    if not context.state.untested_training or context.config.pipeline.promotion == "off" or context.time_left_s() <= 0:
        return
    step = context.begin_promotion()
    _until_ended(context)
    context.finished_promotion(step)


def _generate_cycle(context: RunContext, keep_s: float) -> bool:
    """Make the records that the cycle still lacks; False if the target was reached before it made any.

    Ends early if a time limit would leave less than `keep_s` for the trainings.
    """
    state, config = context.state, context.config
    records, _ = context.count()
    to_target = config.pipeline.total_records_target - records
    missing = min(config.generation.record_limit - (records - state.generation_records), to_target)
    if to_target <= 0 and records <= state.generation_records:
        return False
    step = None
    if missing > 0:
        step = context.begin_generation(f"Generation {state.cycle}", missing)
        _until_ended(context, keep_s)
    state.generation_done = True
    if step is None:
        context.save()
    else:
        context.finished(step)
    return True


def _until_ended(context: RunContext, keep_s: float = 0.0) -> None:
    """Wait for the running step to end; ask it to end once less than `keep_s` of the time limit is left."""
    while not context.poll():
        for step in context.running:
            if context.time_left_s() < keep_s and not step.asked_to_end:
                context.publish(Note(f"the time limit leaves {duration(keep_s)} for training: ending {step.name}"))
                step.terminate()


def run_side_by_side(context: RunContext) -> None:
    """One long generation, and beside it one training after another, each due when new records have arrived.

    With a curriculum there is one generation per stage, which ends with the stage. The generation makes the records of
    all cycles. A training is due after each record_limit / training_cycles_per_generation new records, as often as in
    cycles; once generation has ended, all remaining trainings are due. With `training.reuse` a training uses all
    records that are due, and the next one waits for the same number of new records. Ends with the time limit. Raises as
    `run_cycles`.
    """
    generation: Step | None = None
    training: Step | None = None
    due = _Due(context)
    while context.time_left_s() > 0 or context.running:
        if generation is None and not context.state.generation_done and context.time_left_s() > 0:
            follow_stages(context)
            missing = due.planned_records() - due.new_records()
            if missing > 0:
                name = f"Generation {context.state.cycle}"
                generation = context.begin_generation(name, missing, low_priority=True)
            else:
                context.state.generation_done = True
                context.save()
        if training is None and context.time_left_s() > 0 and due.is_due():
            training = context.begin_training(beside_generation=generation is not None)
        if generation is None and training is None:
            break
        if generation is not None and not generation.asked_to_end and stage_is_over(context):
            generation.terminate()
        for ended in context.poll():
            if ended is generation:
                context.state.generation_done = not ended.asked_to_end
                context.finished(ended)
                generation = None
            else:
                _finish_training(context, ended)
                training = None
    if context.config.pipeline.training_cycles_per_generation == 0:
        context.next_cycle()  # trainings end the cycles; without them the run is one cycle


def _finish_training(context: RunContext, step: Step) -> None:
    context.finished_training(step)
    if context.state.trainings_done >= context.config.pipeline.training_cycles_per_generation:
        context.next_cycle()
        context.save()


class _Due:
    """Decides when the next training is due, by the number of records added since the run began."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._counted_at = -_COUNT_INTERVAL_S

    def new_records(self) -> int:
        """Records added since the run began."""
        return max(0, self._context.count()[0] - self._context.state.run_records)

    def planned_records(self) -> int:
        """The number of records that the whole run is to add."""
        config = self._context.config
        to_target = config.pipeline.total_records_target - self._context.state.run_records
        return min(config.pipeline.generation_cycles * config.generation.record_limit, to_target)

    def is_due(self) -> bool:
        """True when the next training may begin."""
        state, pipeline = self._context.state, self._context.config.pipeline
        per_cycle, limit = pipeline.training_cycles_per_generation, self._context.config.generation.record_limit
        cycles = -(-max(0, self.planned_records()) // limit)
        index = (state.cycle - state.first_cycle) * per_cycle + state.trainings_done
        if index >= cycles * per_cycle:
            return False
        if state.generation_done:
            by_reuse = self._context.stage_config.training.reuse is not None
            return not by_reuse or self._context.count()[0] > state.trained_records
        now = time.monotonic()
        if now - self._counted_at < _COUNT_INTERVAL_S:
            return False
        records, self._counted_at = self._context.count()[0], now
        stage = self._context.stage_config
        training = stage.training
        drawn_from = {stage.game.board_size, *training.board_sizes}
        of_other_sizes = state.stage and not drawn_from.issuperset(stage_sizes(self._context.config))
        in_pool = records - (state.stage_records if of_other_sizes else 0)
        if in_pool < min(training.data_sample_size, limit):
            return False
        if training.reuse is None:
            return (records - state.run_records) * per_cycle >= (index + 1) * limit
        return (records - state.trained_records) * per_cycle >= limit
