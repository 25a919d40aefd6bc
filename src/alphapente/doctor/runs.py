"""Checks of how the run goes: do losses fall, is the processor at work, is there room, is the end near?"""

import os
import shutil
import time
from pathlib import Path

import numpy as np

from alphapente.doctor.curves import JobCurves
from alphapente.doctor.findings import Finding, NotSeenError, Outcome, Severity, Well
from alphapente.doctor.patient import Patient
from alphapente.network.paths import checkpoint_path
from alphapente.records.connect import file_of, parse_database

SPIKE = 1.25
"""An epoch whose loss is so many times the least before it in its training."""
MANY_SPIKES = 0.1
FALLEN = 0.01
TRAININGS = 4
"""Fewer say nothing about a trend."""
WINDOW = 2
IDLE = 0.4
MEASURED_S = 2.0
WARM = 100
"""Evaluations before the measurement, while kernels are still being compiled."""
GAMES = 32
LITTLE_SPACE = 1 << 30
NEAR_TARGET = 0.95


def run_known(patient: Patient) -> Outcome:
    """Where the run stands; a state that cannot be read is told by the error."""
    state = patient.state
    stage = f", stage {min(state.stage + 1, patient.num_stages)} of {patient.num_stages}" if patient.num_stages else ""
    end = "finished" if state.finished else "not finished"
    return Well(f"run {state.run}: cycle {state.cycle}{stage}, {state.elapsed_s / 60:,.1f} minutes, {end}")


def rate_bearable(patient: Patient) -> Outcome:
    """A learning rate that is too high: losses that jump up within a training, or are no numbers."""
    epochs = spikes = lost = 0
    for training in patient.trainings:
        losses = training.values("loss/total")
        epochs += len(losses)
        lost += sum(not np.isfinite(loss) for loss in losses)
        for place in range(1, len(losses)):
            spikes += losses[place] > SPIKE * min(losses[:place])
    text = (
        f"in {epochs} epochs of the newest {len(patient.trainings)} trainings the loss jumped by {SPIKE - 1:.0%} "
        f"{spikes} times"
    )
    rate = patient.config.training.learning_rate
    if lost or spikes > max(1, MANY_SPIKES * epochs):
        return Finding(
            Severity.CRITICAL if lost else Severity.WARNING,
            "The learning rate is too high",
            text + (f", and {lost} epochs had no finite loss" if lost else ""),
            "Halve it; a longer warm-up and a shorter gradient_clip help a fresh network too.",
            (f"training.learning_rate={rate / 2:g}",),
        )
    return Well(f"{text}; learning rate {rate:g}")


def loss_falls(patient: Patient) -> Outcome:
    """A training loss that does not fall from training to training."""
    last = [losses[-1] for losses in map(_losses, patient.trainings) if losses]
    if len(last) < TRAININGS:
        raise NotSeenError(f"only {len(last)} trainings with curves, {TRAININGS} are needed")
    before, after = float(np.mean(last[:WINDOW])), float(np.mean(last[-WINDOW:]))
    text = f"total loss at the end of the first {WINDOW} of {len(last)} trainings {before:.3f}, of the last {after:.3f}"
    if after > (1 - FALLEN) * before:
        training = patient.config.training
        return Finding(
            Severity.HINT,
            "The training loss does not fall",
            text,
            "New games bring new problems, so this alone proves nothing: see whether the checkpoints still get "
            "stronger (`alphapente arena`, `alphapente suite tactical`). If not: more records in each cycle, or a "
            "larger model.",
            (f"training.data_sample_size={2 * training.data_sample_size}",),
        )
    return Well(text)


def _losses(training: JobCurves) -> list[float]:
    return [loss for loss in training.values("loss/total") if np.isfinite(loss)]


def processor_busy(patient: Patient) -> Outcome:
    """An idle processor: self-play slower than what the same search does here, in a moment's measurement."""
    from alphapente.network.device import choose_device, num_cores

    rates = patient.generations[-1].values("rate/evaluations_per_s")
    if not rates:
        raise NotSeenError("the newest generation wrote no rates")
    if choose_device(patient.config.network.device).device == "cuda":
        raise NotSeenError("self-play runs on a GPU; its use is shown by the driver's own tools")
    _ = patient.checkpoint
    cores = num_cores()
    alone = _evaluations_per_s(patient)
    share = rates[-1] / (alone * cores)
    text = (
        f"the newest generation made {rates[-1]:,.0f} evaluations a second; one game loop alone makes {alone:,.0f} "
        f"here just now (load {_load()}), and there are {cores} cores: {share:.0%} of what could be"
    )
    if share < IDLE:
        generation = patient.config.generation
        settings = [] if generation.workers == 0 else ["generation.workers=0"]
        if 0 < generation.games_per_worker < GAMES:
            settings.append("generation.games_per_worker=0")
        if generation.record_limit < 1000:
            settings.append("generation.record_limit=1000")
        return Finding(
            Severity.WARNING,
            "The processor is idle during self-play",
            text,
            "One worker for each core, full batches, and generations long enough to be worth their start; look, too, "
            "what else the machine was doing then.",
            tuple(settings),
        )
    return Well(text)


def _load() -> str:
    """How many threads want a core at present, on average over a minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _evaluations_per_s(patient: Patient) -> float:
    """Evaluations a second of self-play in this thread alone, measured for MEASURED_S seconds once it is under way."""
    from alphapente.selfplay.loop import SelfPlay

    seeds = iter(range(1, 1_000_000))
    (evaluator,) = patient.evaluators(GAMES, patient.config.game.board_size)
    play = SelfPlay(evaluator, patient.config, lambda: next(seeds))
    while play.forest.evaluations < WARM:
        play.step()
    done, started = play.forest.evaluations, time.perf_counter()
    while play.forest.evaluations == done or time.perf_counter() - started < MEASURED_S:
        play.step()
    return (play.forest.evaluations - done) / (time.perf_counter() - started)


def disk_has_room(patient: Patient) -> Outcome:
    """A disk nearly full, or too small for what the run still wants to write."""
    file = file_of(parse_database(patient.config.records.database))
    folders = [patient.config.pipeline.checkpoint_folder] + ([file.parent] if file else [])
    free, folder = min((_free_bytes(one), one) for one in folders)
    needed = _bytes_to_come(patient)
    text = f"{free / 2**30:,.1f} GiB free under {folder}, about {needed / 2**30:,.2f} GiB of records to come"
    if free < LITTLE_SPACE or free < 2 * needed:
        return Finding(
            Severity.CRITICAL if free < LITTLE_SPACE // 4 or free < needed else Severity.WARNING,
            "The disk is nearly full",
            text,
            "Free some space, or keep the database elsewhere.",
            ("records.database=FILE on another disk",),
        )
    return Well(text)


def _free_bytes(folder: Path) -> int:
    """Free bytes where a folder is, or will be."""
    here = folder.resolve()
    while not here.exists():
        here = here.parent
    return shutil.disk_usage(here).free


def _bytes_to_come(patient: Patient) -> float:
    """What the records up to the target will take, judged by those that are there; 0 without any."""
    try:
        stats, records = patient.stats, patient.run_records
    except NotSeenError:
        return 0.0
    missing = max(0, patient.config.pipeline.total_records_target - records)
    return missing * stats.size_bytes / stats.records


def target_ahead(patient: Patient) -> Outcome:
    """A database that has reached its target, so that the next run does nothing."""
    records, target = patient.run_records, patient.config.pipeline.total_records_target
    text = f"{records:,} of {target:,} records"
    if records >= NEAR_TARGET * target:
        return Finding(
            Severity.HINT,
            "The run is at its end" if records >= target else "The run is near its end",
            f"the database holds {text}",
            "A run ends when its database holds the target: raise it to go on.",
            (f"pipeline.total_records_target={2 * target}",),
        )
    return Well(text)


def checkpoint_usable(patient: Patient) -> Outcome:
    """A checkpoint that is missing although it has played, or cannot be used."""
    path = patient.checkpoint_path
    if not path.exists():
        played = patient.pool.newest_step.get(patient.model_type, 0)
        if played == 0:
            raise NotSeenError(f"no checkpoint {path} yet")
        other = patient.config.generation.model_type
        return Finding(
            Severity.CRITICAL,
            "The checkpoint is gone",
            f"step {played:,} of {patient.model_type} has played games, and there is no {path}",
            "The next training would begin from nothing: name the folder that has it, or restore a copy.",
            ("pipeline.checkpoint_dir=FOLDER",)
            if other == patient.model_type or not checkpoint_path(patient.config, other).exists()
            else (f"training.model_type={other}",),
        )
    found = patient.checkpoint
    return Well(f"{path}: {found.model_type} at step {found.step:,}, saved {found.created}")
