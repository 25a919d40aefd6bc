"""The context of a run in either mode: starts, watches and ends steps, saves the state, writes the log."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from alphapente.config import Config, in_stage
from alphapente.errors import FailureError
from alphapente.event_log import NAME, EventLog, EventReader
from alphapente.events import (
    Event,
    KeptNetwork,
    Lost,
    Note,
    PipelineSummary,
    ReportFn,
    RunProgress,
    StepEnded,
    StepStarted,
    TrainingSummary,
)
from alphapente.network.paths import history_path
from alphapente.pipeline.lines import LogFile, PlainLines, counted, new_file
from alphapente.pipeline.plan import Planner
from alphapente.pipeline.state import Locks, State, save_state
from alphapente.pipeline.step import Step

_POLL_S = 0.05
_PROGRESS_EVERY_S = 1.0
CountFn = Callable[[], tuple[int, int]]
"""Returns the records and games in the database, of the variant and board sizes."""


class Interrupted(Exception):  # noqa: N818 - not an error: it unwinds a run that was asked to end
    """The run was asked to end, and its steps have ended."""


def timestamp() -> str:
    """The local time in the format of file names: 20260131_235959."""
    return time.strftime("%Y%m%d_%H%M%S")


@dataclass
class RunContext:
    """A run in progress. `log` gets the scheduler's lines, `event_log` its events; steps write their own."""

    config: Config
    report: ReportFn
    stop: Callable[[], bool]
    count: CountFn
    state: State
    state_path: Path
    planner: Planner
    locks: Locks
    log: LogFile
    event_log: EventLog
    running: list[Step] = field(default_factory=list)
    last_note: str = ""

    def __post_init__(self) -> None:
        self._reader = EventReader(self.event_log.folder)
        self._reader.new()  # of earlier starts
        self._progress_at = -math.inf
        self._plain = PlainLines(self.log.write)
        self._began = time.monotonic()
        self._elapsed_before = self.state.elapsed_s
        self._training_on, self._training_size = self.state.trained_records, self.config.game.board_size

    @property
    def elapsed_s(self) -> float:
        """The run's time, over all its starts."""
        return self._elapsed_before + time.monotonic() - self._began

    def time_left_s(self) -> float:
        """The rest of `pipeline.time_limit_minutes`; infinite without a limit."""
        limit = self.config.pipeline.time_limit_minutes
        return float("inf") if limit is None else 60 * limit - self.elapsed_s

    @property
    def stage_config(self) -> Config:
        """The configuration of the current stage."""
        return in_stage(self.config, self.state.stage)

    @property
    def last_cycle(self) -> int:
        """Number of the run's last cycle."""
        return self.state.first_cycle + self.config.pipeline.generation_cycles - 1

    def publish(self, event: Event) -> None:
        """Write an event to both logs and report it."""
        self._plain(event)
        if isinstance(event, Note):
            self.last_note = event.text
        self.event_log(event)
        self.report(event)

    def log_progress(self, keep: bool = True) -> None:
        """Write the run's progress to the event log, and, with `keep`, to the part of it that stays."""
        state, (records, games) = self.state, self.count()
        cycles = state.cycle, state.first_cycle, self.last_cycle
        self.event_log(RunProgress(self.elapsed_s, records, games, *cycles, state.stage, self.stop()), keep)
        self._progress_at = time.monotonic()

    def save(self) -> None:
        """Save the state, from which the next start continues. Raises FailureError if that fails."""
        self.state.elapsed_s = self.elapsed_s
        save_state(self.state, self.state_path)

    def begin(self, name: str, cycle: int, command: list[str], low_priority: bool = False) -> Step:
        """Start a step; its log is named after it and the time. Raises Interrupted if asked to stop."""
        file_name = f"{name.lower().replace(' ', '_').replace('.', '_')}_{timestamp()}.log"
        if self.stop():
            raise Interrupted
        path = new_file(self.config.pipeline.log_folder / file_name)
        records, _ = self.count()
        target = self.config.pipeline.total_records_target
        self.publish(StepStarted(name, str(path), cycle, self.last_cycle, records, target))
        step = Step(name, command, LogFile(path, self.publish), self.locks.steps, low_priority)
        self.running.append(step)
        self.log_progress()
        return step

    def begin_generation(self, name: str, record_limit: int, low_priority: bool = False) -> Step:
        """Start a generation of `record_limit` records; with `low_priority` a training gets the cores first."""
        command = self.planner.generation(self.state.stage, name, record_limit)
        return self.begin(name, self.state.cycle, command, low_priority)

    def begin_training(self, beside_generation: bool) -> Step:
        """Start the cycle's next training."""
        self._training_on, self._training_size = self.count()[0], self.stage_config.game.board_size
        name = f"Training {self.state.cycle}.{self.state.trainings_done + 1}"
        return self.begin(name, self.state.cycle, self.planner.training(self.state.stage, name, beside_generation))

    def begin_promotion(self) -> Step:
        """Start the test of the network of `state.untested_training`."""
        training = self.state.untested_training
        name = training.replace("Training", "Promotion")
        return self.begin(name, self.state.cycle, self.planner.promotion(self.state.stage, name))

    def poll(self) -> list[Step]:
        """Forward the events of the running steps; returns the steps that have ended well, after a pause if none has.

        Raises FailureError for a step that failed, and Interrupted if asked to stop, once the steps have ended.
        """
        if self.stop():
            return self._interrupted()
        if self.time_left_s() <= 0:
            for step in self.running:
                if not step.asked_to_end:
                    self.publish(Note(f"the time limit is reached: ending {step.name}"))
                    step.terminate()
        ended = [step for step in self.running if step.ended()]
        self._forward()
        for step in ended:
            self.event_log(StepEnded(step.name, step.outcome()))
            if not step.ended_as_asked() or not (step.complete or step.asked_to_end):
                self.running.remove(step)
                step.close()
                raise step.failure() if not step.ended_as_asked() else self._without_result(step)
        if ended or time.monotonic() - self._progress_at >= _PROGRESS_EVERY_S:
            self.log_progress(keep=bool(ended))
        if not ended:
            time.sleep(_POLL_S)
        return ended

    def _forward(self) -> None:
        """Reports what the running steps have added to the event log."""
        steps = {step.name: step for step in self.running}
        for entry in self._reader.new():
            if entry.source.run == self.state.run and (step := steps.get(entry.source.step)):
                step.take(entry.event)
                if isinstance(entry.event, Lost):
                    self._plain(entry.event)
                self.report(entry.event)

    def _without_result(self, step: Step) -> FailureError:
        return FailureError(
            f"{step.name} has ended, but its result is not in {self.event_log.folder / NAME}; {step.log.path} says "
            "why. Correct that, and run again: the run continues from this step"
        )

    def _interrupted(self) -> list[Step]:
        """End the steps; returns those that completed meanwhile. Raises Interrupted if none did."""
        if self.running:
            self.publish(Note("asked to stop: ending " + " and ".join(step.name for step in self.running)))
            self.log_progress()
        self._stop_steps()
        done = [step for step in self.running if step.process.returncode == 0]
        if not done:
            raise Interrupted
        return done

    def finished_training(self, step: Step) -> None:
        """Record in the state that the cycle's next training is done."""
        self.state.trainings_done += 1
        self.state.trained_records = self._training_on
        self._record_network(step.trained)
        if self.config.pipeline.promotion != "off" and step.trained is not None:
            self.state.untested_training = step.name
        if step.last_loss is not None:
            self.state.loss_by_training.append((step.name, step.last_loss))
        self.finished(step)

    def finished_promotion(self, step: Step) -> None:
        """Record in the state that the newest network is tested, and in the log the result."""
        if step.tested is not None:
            self.state.untested_training = ""
            self._plain(step.tested)
        self.finished(step)

    def _record_network(self, trained: TrainingSummary | None) -> None:
        """Add the network that a training has kept to the event log."""
        if trained is None or not self.config.pipeline.keep_checkpoints or math.isnan(trained.policy_loss):
            return  # nan: nothing was due, so no network was kept
        kept = KeptNetwork(
            checkpoint=history_path(self.config, trained.model_type, trained.step).name,
            model_type=trained.model_type,
            step=trained.step,
            cycle=self.state.cycle,
            records=self.count()[0] - self.state.run_records,
            elapsed_s=self.elapsed_s,
            board_size=self._training_size,
            policy_loss=trained.policy_loss,
            value_loss=trained.value_loss,
        )
        self.event_log(kept)

    def finished(self, step: Step) -> None:
        """Close a step that has ended well, and save the state."""
        self.save()
        self.running.remove(step)
        step.close()
        loss = "" if step.last_loss is None else f", total loss {step.last_loss:.4f}"
        records, games = self.count()
        target = self.config.pipeline.total_records_target
        self.publish(
            Note(
                f"{step.name} ended{loss}; {records:,} of {target:,} records, "
                f"{counted(games - self.state.cycle_games, 'game')} in cycle {self.state.cycle}"
            )
        )

    def next_cycle(self) -> None:
        """End the cycle: the next one begins with the current pool."""
        records, games = self.count()
        self.state.games_by_cycle.append(games - self.state.cycle_games)
        self.state.cycle += 1
        self.state.trainings_done = 0
        self.state.generation_records, self.state.cycle_games = records, games

    def _stop_steps(self) -> None:
        for step in self.running:
            step.terminate()
        for step in self.running:
            step.stop(self._forward)
            self.event_log(StepEnded(step.name, step.outcome()))
            if not step.ended_as_asked():
                self.publish(Note(str(step.failure())))

    def abandon(self, gracefully: bool) -> None:
        """End all running steps: `gracefully`, by asking and waiting; otherwise by killing them."""
        try:
            if gracefully:
                self._stop_steps()
        finally:  # a second Ctrl-C ends the wait
            for step in self.running:
                step.close()
            self.running.clear()

    def summary(self) -> PipelineSummary:
        """The run's results so far, over all its starts."""
        records, games = self.count()
        games_by_cycle = list(self.state.games_by_cycle)
        if games > self.state.cycle_games and not self.state.finished:
            games_by_cycle.append(games - self.state.cycle_games)
        return PipelineSummary(
            cycles=self.state.cycle - self.state.first_cycle,
            records=records,
            records_target=self.config.pipeline.total_records_target,
            games_by_cycle=games_by_cycle,
            loss_by_training=list(self.state.loss_by_training),
            elapsed_s=self.state.elapsed_s,
        )
