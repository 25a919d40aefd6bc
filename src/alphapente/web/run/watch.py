"""The current state of a run, read from its state file, event log, database and lock. Changes nothing.

The run is a process of its own that does not know its observers. Its event log shows what it does now, its state file
and the database what it has done, its lock whether it is alive.
"""

import math
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from alphapente.config import Config, ConfigError, stage_sizes
from alphapente.errors import AlphaPenteError, FailureError
from alphapente.pipeline.run_view import view_run
from alphapente.pipeline.state import STATE_NAME, State, load_state, scheduler_at_work
from alphapente.pipeline.status import Status, finite
from alphapente.web.database import records_of
from alphapente.web.run.configs import Configs, Named
from alphapente.web.run.forecast import limit_s, records_end, records_per_s, time_left
from alphapente.web.run.schemas import (
    CycleGames,
    NoteView,
    RunSnapshot,
    RunState,
    RunSummary,
    Sample,
    StageView,
    StepView,
    TrainingLoss,
)

FRESH_S = 0.9
"""Seconds for which a snapshot is shared by all requests."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run's files. `config` is the configuration in force: that of its latest start."""

    named: Named
    config: Config
    folder: Path
    """The folder of its checkpoints. It identifies the run."""
    state: State | None
    status: Status | None
    """The status of this run; None if it has not begun."""
    left_status: Status | None
    """The newest status in the folder, possibly of a failed start."""
    problem: str
    """Why its state cannot be read; "" if it can."""
    pid: int | None
    """The process that runs it; None if there is none."""


def read_run(one: Named) -> Run:
    """The run of a configuration. Raises ConfigError for a configuration that cannot be used."""
    plain = one.load().config
    folder = plain.pipeline.checkpoint_folder
    problem, state = "", None
    try:
        state = load_state(folder / STATE_NAME)
    except FailureError as error:
        problem = str(error)
    config = plain
    if state is not None:
        try:
            config = Config.model_validate(state.settings)
        except ValidationError:  # of another version with other settings
            config = plain
    status = view_run(plain).status
    own = status if status is not None and (state is None or status.run == state.run) else None
    return Run(one, config, folder, state, own, status, problem, scheduler_at_work(folder))


class PendingRequests(Protocol):
    """The requests of this server that are not complete yet: `run_control.Control`."""

    def is_starting(self, folder: Path, reported_pid: int | None) -> bool:
        """Whether the run is starting: a process lives, and its id is not the one in the run's status."""

    def is_ending(self, folder: Path) -> bool:
        """Whether the run was asked to end and is still active."""

    def failure(self, folder: Path, reported_at: float) -> str:
        """Why the latest start or stop by this server failed since the run's latest status; "" if it did not."""


@dataclass(frozen=True, slots=True)
class _Now:
    """The values that change every second."""

    records: int
    games: int
    elapsed_s: float
    cycle: int
    stage: int
    problem: str
    """Why the database cannot be read; "" if it can, or if there is none."""


class Watch:
    """Snapshots of runs. Requests at about the same time share one."""

    def __init__(self, pending: PendingRequests, configs: Configs) -> None:
        self._pending = pending
        self._configs = configs
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, RunSnapshot]] = {}

    def snapshot(self, one: Named) -> RunSnapshot:
        """The current state of a configuration's run. Raises ConfigError if the configuration is invalid."""
        with self._lock:
            at, kept = self._kept.get(one.name, (-math.inf, None))
            if kept is None or time.monotonic() - at > FRESH_S:
                kept = self._read(one)
                self._kept[one.name] = (time.monotonic(), kept)
            return kept

    def forget(self, one: Named) -> None:
        """Discards the run's snapshot after a change of the run."""
        with self._lock:
            self._kept.pop(one.name, None)

    def runs(self) -> list[RunSummary]:
        """All runs: active ones first, then by the time of their latest change."""
        by_folder: dict[Path, list[Named]] = {}
        for one in self._configs.all():
            try:
                folder = one.load().config.pipeline.checkpoint_folder
            except ConfigError:
                continue
            by_folder.setdefault(folder.absolute(), []).append(one)
        found = [summary for named in by_folder.values() if (summary := self._summary(named)) is not None]
        return sorted(
            found, key=lambda summary: (summary.state not in ("running", "ending"), -(summary.updated_at or 0))
        )

    def _summary(self, named: list[Named]) -> RunSummary | None:
        shot = self.snapshot(named[0])
        if shot.state == "none":
            return None
        return RunSummary(
            config=named[0].name,
            configs=[one.name for one in named],
            checkpoint_dir=shot.checkpoint_dir,
            run=shot.run,
            state=shot.state,
            cycle=shot.cycle,
            records=shot.records,
            records_target=shot.records_target,
            updated_at=shot.updated_at,
        )

    def _read(self, one: Named) -> RunSnapshot:
        run = read_run(one)
        run_state, message = self._state_of(run)
        config, state, status = run.config, run.state or State(run=""), run.status
        live = run_state in ("running", "ending")
        now = _now(run, live)
        end, rate = records_end(config, state), records_per_s(status, now.records, now.elapsed_s)
        left, ends_by = time_left(config, (now.records, end), rate, now.elapsed_s)
        if run_state in ("finished", "stopped", "none"):
            left, ends_by = None, None
        steps = _steps(status, live) if status else []
        return RunSnapshot(
            config=one.name,
            checkpoint_dir=str(run.folder),
            database=config.records.database,
            run=state.run or (status.run if status else None) or None,
            state=run_state,
            message="; ".join(part for part in (message, now.problem) if part),
            phase=" and ".join(step.name for step in steps if step.outcome == "running"),
            variant=config.game.variant,
            board_size=_stage_size(config, now.stage),
            board_sizes=stage_sizes(config),
            model_type=config.training.model_type,
            mode=config.pipeline.mode,
            cycle=now.cycle,
            first_cycle=state.first_cycle,
            last_cycle=state.first_cycle + config.pipeline.generation_cycles - 1,
            stage=now.stage,
            stages=[_stage(config, number) for number in range(len(config.pipeline.curriculum))],
            records=now.records,
            records_before=min(state.run_records, now.records) if run.state else now.records,
            records_end=end,
            records_target=config.pipeline.total_records_target,
            games=now.games,
            records_per_s=rate,
            elapsed_s=now.elapsed_s,
            time_limit_s=limit_s(config),
            time_left_s=left,
            ends_by=ends_by,
            games_per_cycle=_games_per_cycle(state, now.games, finished=state.finished or run.state is None),
            losses=[TrainingLoss(training=name, loss=finite(loss)) for name, loss in state.loss_by_training],
            steps=steps,
            notes=[NoteView(at=at, text=text) for at, text in status.notes] if status else [],
            samples=[Sample(elapsed_s=at, records=n, games=g) for at, n, g in status.samples] if status else [],
            began_at=status.began_at if status else None,
            updated_at=_updated_at(run),
        )

    def _state_of(self, run: Run) -> tuple[RunState, str]:
        """The state of a run, and a message about it."""
        pending, left = self._pending, run.left_status
        if run.pid is not None:
            if pending.is_ending(run.folder) or (run.status is not None and run.status.ending):
                return "ending", ""
            if left is None or left.pid != run.pid:
                return "starting", ""
            if left.outcome == "running":
                return "running", ""
            # Its status says how it ended; its process is about to exit.
        elif pending.is_starting(run.folder, left.pid if left is not None else None):
            return "starting", ""
        failure = pending.failure(run.folder, left.updated_at if left is not None else 0.0)
        if failure or run.problem:
            return "failed", failure or run.problem
        message = left.message if left is not None else ""
        if run.state is None:
            return "none", message
        if run.state.finished:
            return ("stopped", "stopped from the page") if run.state.stopped else ("finished", message)
        if run.status is not None and run.status.outcome == "failed":
            return "failed", message
        if run.status is not None and run.status.outcome == "running":
            return "paused", "its process was killed; it resumes after its last finished step"
        return "paused", ""


def _steps(status: Status, live: bool) -> list[StepView]:
    """The steps of a status. If the run is not alive, running steps have ended early."""
    steps = [StepView(**vars(step)) for step in status.steps]
    over = {} if live else {"outcome": "ended early"}
    return [step.model_copy(update=over) if step.outcome == "running" else step for step in steps]


def _stage_size(config: Config, stage: int) -> int:
    stages = config.pipeline.curriculum
    size = stages[stage].board_size if stages else None
    return config.game.board_size if size is None else size


def _stage(config: Config, number: int) -> StageView:
    stage = config.pipeline.curriculum[number]
    simulations = config.generation.simulations if stage.simulations is None else stage.simulations
    return StageView(
        board_size=_stage_size(config, number), simulations=simulations, records=stage.records, minutes=stage.minutes
    )


def _games_per_cycle(state: State, games: int, finished: bool) -> list[CycleGames]:
    found = [CycleGames(cycle=state.first_cycle + n, games=made) for n, made in enumerate(state.games_by_cycle)]
    now = games - state.cycle_games
    if now > 0 and not finished:
        found.append(CycleGames(cycle=state.cycle, games=now, open=True))
    return found


def _updated_at(run: Run) -> float | None:
    if run.status is not None:
        return run.status.updated_at
    try:
        return (run.folder / STATE_NAME).stat().st_mtime
    except OSError:
        return None


def _now(run: Run, live: bool) -> _Now:
    """From the status of an active run; else from its state and the database."""
    state, status = run.state or State(run=""), run.status
    last_stage = max(0, len(run.config.pipeline.curriculum) - 1)
    if live and status is not None:
        elapsed = status.elapsed_s + max(0.0, time.time() - status.updated_at)
        return _Now(status.records, status.games, elapsed, status.cycle, min(status.stage, last_stage), "")
    records, games, problem = _counts(run.config)
    elapsed = max(state.elapsed_s, status.elapsed_s if status else 0.0)
    return _Now(records, games, elapsed, state.cycle, min(state.stage, last_stage), problem)


def _counts(config: Config) -> tuple[int, int, str]:
    """Numbers of records and games of the run in the database, and the problem if they cannot be read."""
    variant, sizes = config.game.variant, stage_sizes(config)
    try:
        with records_of(config) as store:
            if store is None:
                return 0, 0, ""
            return (
                sum(store.num_records(variant, size) for size in sizes),
                sum(store.num_games(variant, size) for size in sizes),
                "",
            )
    except AlphaPenteError as error:
        return 0, 0, str(error)
