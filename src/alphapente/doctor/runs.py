"""Checks of the run's progress: losses, use of the processor, disk space, the target, the checkpoint."""

import os
import shutil
import time
from pathlib import Path

import numpy as np

from alphapente.doctor.findings import CheckResult, Finding, NotAvailableError, Passed, Severity
from alphapente.doctor.run_data import RunData
from alphapente.network.paths import checkpoint_path
from alphapente.pipeline.run_view import Job
from alphapente.records.connect import file_of, parse_database

SPIKE = 1.25
"""An epoch's loss is a jump if it is this multiple of the least loss before it in the same training."""
MANY_SPIKES = 0.1
FALLEN = 0.01
TRAININGS = 4
"""Trainings needed to judge a trend."""
WINDOW = 2
IDLE = 0.4
MEASURED_S = 2.0
WARM = 100
"""Evaluations before the measurement, during which kernels are compiled."""
GAMES = 32
LITTLE_SPACE = 1 << 30
NEAR_TARGET = 0.95


def run_known(run: RunData) -> CheckResult:
    """Shows the run's progress; a state that cannot be read raises."""
    state = run.state
    stage = f", stage {min(state.stage + 1, run.num_stages)} of {run.num_stages}" if run.num_stages else ""
    end = "finished" if state.finished else "not finished"
    return Passed(f"run {state.run}: cycle {state.cycle}{stage}, {state.elapsed_s / 60:,.1f} minutes, {end}")


def learning_rate_stable(run: RunData) -> CheckResult:
    """Reports a learning rate that is too high: losses jump within a training, or are not finite."""
    epochs = spikes = lost = 0
    for training in run.trainings:
        losses = [report.total_loss for _, report in training.epochs]
        epochs += len(losses)
        lost += sum(not np.isfinite(loss) for loss in losses)
        for place in range(1, len(losses)):
            spikes += losses[place] > SPIKE * min(losses[:place])
    text = (
        f"in {epochs} epochs of the newest {len(run.trainings)} trainings the loss jumped by {SPIKE - 1:.0%} "
        f"{spikes} times"
    )
    rate = run.config.training.learning_rate
    if lost or spikes > max(1, MANY_SPIKES * epochs):
        return Finding(
            Severity.CRITICAL if lost else Severity.WARNING,
            "The learning rate is too high",
            text + (f", and {lost} epochs had no finite loss" if lost else ""),
            "Halve it. For a fresh network, a longer warm-up and a smaller gradient_clip help too.",
            (f"training.learning_rate={rate / 2:g}",),
        )
    return Passed(f"{text}; learning rate {rate:g}")


def loss_falls(run: RunData) -> CheckResult:
    """Reports a training loss that does not fall from training to training."""
    last = [losses[-1] for losses in map(_losses, run.trainings) if losses]
    if len(last) < TRAININGS:
        raise NotAvailableError(f"only {len(last)} trainings with curves, {TRAININGS} are needed")
    before, after = float(np.mean(last[:WINDOW])), float(np.mean(last[-WINDOW:]))
    text = f"total loss at the end of the first {WINDOW} of {len(last)} trainings {before:.3f}, of the last {after:.3f}"
    if after > (1 - FALLEN) * before:
        training = run.config.training
        return Finding(
            Severity.HINT,
            "The training loss does not fall",
            text,
            "New games are harder, so this alone does not prove a problem. Check whether the checkpoints become "
            "stronger (`alphapente arena`, `alphapente suite tactical`). If not, generate more records in each cycle, "
            "or use a larger model.",
            (f"training.data_sample_size={2 * training.data_sample_size}",),
        )
    return Passed(text)


def _losses(training: Job) -> list[float]:
    return [report.total_loss for _, report in training.epochs if np.isfinite(report.total_loss)]


def processor_busy(run: RunData) -> CheckResult:
    """Reports an idle processor: self-play was slower than a short measurement of the same search now."""
    from alphapente.network.device import choose_device, num_cores

    _, rates = run.generations[-1].rates[-1]
    made = rates.evaluations_per_s
    if choose_device(run.config.network.device).device == "cuda":
        raise NotAvailableError("self-play runs on a GPU; the driver's tools show its use")
    _ = run.checkpoint
    cores = num_cores()
    alone = _evaluations_per_s(run)
    share = made / (alone * cores)
    text = (
        f"the newest generation made {made:,.0f} evaluations a second; one game loop alone now makes {alone:,.0f} "
        f"(load {_load()}), and there are {cores} cores: {share:.0%} of what is possible"
    )
    if share < IDLE:
        generation = run.config.generation
        settings = [] if generation.workers == 0 else ["generation.workers=0"]
        if 0 < generation.games_per_worker < GAMES:
            settings.append("generation.games_per_worker=0")
        if generation.record_limit < 1000:
            settings.append("generation.record_limit=1000")
        return Finding(
            Severity.WARNING,
            "The processor is idle during self-play",
            text,
            "Use one worker per core, full batches, and generations that are long compared with their start. Check "
            "what else used the machine.",
            tuple(settings),
        )
    return Passed(text)


def _load() -> str:
    """The load average: threads that wait for or use a core, averaged over one minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _evaluations_per_s(run: RunData) -> float:
    """Evaluations a second of self-play in one thread, measured for MEASURED_S seconds after a warm-up."""
    from alphapente.selfplay.loop import SelfPlay

    seeds = iter(range(1, 1_000_000))
    evaluator = run.network.evaluator(GAMES, run.config.game.board_size)
    play = SelfPlay(evaluator, run.config, lambda: next(seeds))
    while play.forest.evaluations < WARM:
        play.step()
    done, started = play.forest.evaluations, time.perf_counter()
    while play.forest.evaluations == done or time.perf_counter() - started < MEASURED_S:
        play.step()
    return (play.forest.evaluations - done) / (time.perf_counter() - started)


def disk_space_left(run: RunData) -> CheckResult:
    """Reports a disk that is nearly full or too small for the records up to the target."""
    file = file_of(parse_database(run.config.records.database))
    folders = [run.config.pipeline.checkpoint_folder] + ([file.parent] if file else [])
    free, folder = min((_free_bytes(one), one) for one in folders)
    needed = _bytes_to_come(run)
    text = f"{free / 2**30:,.1f} GiB free under {folder}, about {needed / 2**30:,.2f} GiB needed up to the target"
    if free < LITTLE_SPACE or free < 2 * needed:
        return Finding(
            Severity.CRITICAL if free < LITTLE_SPACE // 4 or free < needed else Severity.WARNING,
            "The disk is nearly full",
            text,
            "Free space, or move the database to another disk.",
            ("records.database=FILE on another disk",),
        )
    return Passed(text)


def _free_bytes(folder: Path) -> int:
    """Free bytes on the disk of a folder that may not exist yet."""
    here = folder.resolve()
    while not here.exists():
        here = here.parent
    return shutil.disk_usage(here).free


def _bytes_to_come(run: RunData) -> float:
    """Estimated size of the records up to the target, from the existing ones; 0 without any."""
    try:
        stats, records = run.stats, run.run_records
    except NotAvailableError:
        return 0.0
    missing = max(0, run.config.pipeline.total_records_target - records)
    return missing * stats.size_bytes / stats.records


def target_not_reached(run: RunData) -> CheckResult:
    """Reports that the database has reached the target, so that the next run does nothing."""
    records, target = run.run_records, run.config.pipeline.total_records_target
    text = f"{records:,} of {target:,} records"
    if records >= NEAR_TARGET * target:
        return Finding(
            Severity.HINT,
            "The run has reached its target" if records >= target else "The run is near its target",
            f"the database has {text}",
            "A run ends when its database has the target number of records. Raise the target to continue.",
            (f"pipeline.total_records_target={2 * target}",),
        )
    return Passed(text)


def checkpoint_usable(run: RunData) -> CheckResult:
    """Reports a checkpoint that has played games but is missing, or cannot be used."""
    path = run.checkpoint_path
    if not path.exists():
        played = run.pool.newest_step.get(run.model_type, 0)
        if played == 0:
            raise NotAvailableError(f"no checkpoint {path} yet")
        other = run.config.generation.model_type
        return Finding(
            Severity.CRITICAL,
            "The checkpoint is missing",
            f"step {played:,} of {run.model_type} has played games, but {path} does not exist",
            "The next training would start from random weights. Set the folder of the checkpoint, or restore a copy.",
            ("pipeline.checkpoint_dir=FOLDER",)
            if other == run.model_type or not checkpoint_path(run.config, other).exists()
            else (f"training.model_type={other}",),
        )
    found = run.checkpoint
    return Passed(f"{path}: {found.model_type} at step {found.step:,}, saved {found.created}")
