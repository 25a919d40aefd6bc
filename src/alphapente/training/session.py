"""One training: records drawn from the database, a model taught for so many epochs, its checkpoint kept up to date."""

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alphapente.config import Config
from alphapente.events import EpochProgress, EpochReport, Note, ReportFn, TrainingSummary
from alphapente.network import checkpoint as checkpoints
from alphapente.network.device import choose_device, num_cores
from alphapente.network.models import build, num_parameters, spec_of
from alphapente.network.paths import checkpoint_path, history_path
from alphapente.network.planes import NUM_PLANES
from alphapente.network.torch_backend import torch_precision
from alphapente.records.model import RecordBatch
from alphapente.records.store import Store
from alphapente.training import winograd
from alphapente.training.batches import Batch, BatchPlan, EpochBatches, samples_of
from alphapente.training.learner import Learner, TrainingError
from alphapente.training.lock import CheckpointLock
from alphapente.training.losses import Losses
from alphapente.training.threads import torch_threads

PROGRESS_EVERY_S = 0.2


@dataclass(slots=True)
class Progress:
    """Where a training stands; kept in the checkpoint, so that an interrupted one goes on."""

    resume_key: str | None
    seed: int
    start_step: int
    """The network's step when this training began: with the seed it fixes sample, order and orientations."""
    num_epochs: int
    epoch: int = 0
    """Epochs finished."""
    policy_loss: float = math.nan
    value_loss: float = math.nan


def train(
    config: Config, report: ReportFn, stop: Callable[[], bool] = lambda: False, resume_key: str | None = None
) -> TrainingSummary:
    """Trains `training.model_type` for `training.num_epochs` epochs and saves its checkpoint.

    Ends early, saved, when `stop()`. A training with a `resume_key` that was interrupted goes on where its last
    checkpoint was when it is started again with that key.
    Raises RequestError when there are no records, FailureError when another training has the checkpoint,
    CheckpointError for a checkpoint that does not fit or cannot be saved, TrainingError when the loss is not finite.
    """
    path = checkpoint_path(config, config.training.model_type)
    with CheckpointLock(path), torch_threads(1):
        return _Training(config, report, path, resume_key).run(stop)


class _Training:
    """One run: the learner, where it stands, and its reports."""

    def __init__(self, config: Config, report: ReportFn, path: Path, resume_key: str | None) -> None:
        self.config, self.report, self.path = config, report, path
        self.settings = config.training
        self.threads = self.settings.threads or num_cores()
        self.started = time.monotonic()
        self.samples_seen = 0
        self.spec = spec_of(config, self.settings.model_type)
        found = checkpoints.read(path) if path.exists() else None
        if found is not None:
            checkpoints.require_spec(path, found, self.spec)
        self.progress = self._progress(found, resume_key)
        self._found = found

    def run(self, stop: Callable[[], bool]) -> TrainingSummary:
        if self.progress.epoch >= self.progress.num_epochs:
            self.report(Note(f"this training is done already: {self.path} has its {self.progress.epoch} epochs"))
            return self._summary(0, self._found.step if self._found else 0)
        records = self._sample()
        learner = self._learner()
        samples = samples_of(records, self.settings.outcome_weight)
        augmentation = self.settings.augmentation
        plan = BatchPlan(self.settings.batch_size, augmentation.orientations if augmentation.enabled else 1)
        while self.progress.epoch < self.progress.num_epochs:
            rng = np.random.default_rng([self.progress.seed, self.progress.start_step, self.progress.epoch + 1])
            with EpochBatches(samples, plan, rng) as batches:
                finished = self._epoch(learner, batches, stop)
            stopping = not finished or stop()  # asked once: what comes later is seen after the next epoch
            due = self.progress.epoch % self.settings.save_interval == 0
            done = self.progress.epoch == self.progress.num_epochs
            if stopping or due or done:
                self._save(learner, keep=done and self.config.pipeline.keep_checkpoints)
            if stopping:
                break
        return self._summary(len(records), learner.step)

    def _progress(self, found: checkpoints.Checkpoint | None, resume_key: str | None) -> Progress:
        """Where this training starts: where it was interrupted, or at its first epoch."""
        left = found.training if found else {}
        if found is not None and resume_key is not None and left.get("resume_key") == resume_key:
            try:
                progress = Progress(**left)
                progress.num_epochs = self.settings.num_epochs
                if 0 < progress.epoch < progress.num_epochs:
                    self.report(Note(f"going on after epoch {progress.epoch} of {progress.num_epochs}"))
                return progress
            except TypeError as error:
                raise checkpoints.CheckpointError(f"{self.path} is damaged: {error}; move it away") from error
        seed = secrets.randbits(63) if self.settings.seed is None else self.settings.seed
        return Progress(resume_key, seed, found.step if found else 0, self.settings.num_epochs)

    def _sample(self) -> RecordBatch:
        game, settings = self.config.game, self.settings
        rng = np.random.default_rng([self.progress.seed, self.progress.start_step])
        with Store(self.config.records.database, self.config.records.busy_timeout_s, read_only=True) as store:
            records = store.sample(
                settings.sample_strategy,
                settings.data_sample_size,
                rng,
                game.variant,
                game.board_size,
                settings.sample_top_percent,
            )
        what = f"{game.variant} {game.board_size}x{game.board_size}"
        if len(records) < settings.data_sample_size:
            text = f"{settings.data_sample_size:,} records of {what} were asked for and there are {len(records):,}: all"
        else:
            text = f"{len(records):,} of {records.available:,} records of {what} by {settings.sample_strategy}"
        self.report(Note(f"sample: {text}; seed {self.progress.seed}"))
        return records

    def _learner(self) -> Learner:
        """The model, from its checkpoint or fresh, with its optimizer."""
        name, found = self.settings.model_type, self._found
        requested = self.config.network.device
        device = "cuda" if requested != "openvino" and choose_device(requested).device == "cuda" else "cpu"
        precision = torch_precision(self.config.network.precision, device)
        where = f"{device} {precision}"
        if device == "cpu":
            where += f", {self.threads} thread{'s' * (self.threads > 1)}"
        if winograd.pays(device, precision):
            where += ", convolutions by tiles"
        if found is None:
            model = build(self.spec, seed=self.progress.seed)
            self.report(
                Note(f"no checkpoint {self.path} yet: a fresh {name} of {num_parameters(model):,} weights ({where})")
            )
            return Learner(model, self.settings, device, precision, self.threads)
        model = checkpoints.restore(self.path, found, self.config, averaged=False)
        learner = Learner(model, self.settings, device, precision, self.threads)
        try:
            learner.resume(found.averaged_weights, found.optimizer, found.step)
        except TrainingError as error:
            raise checkpoints.CheckpointError(f"{self.path}: {error}") from error
        self.report(Note(f"going on with {self.path} at step {found.step:,} ({where})"))
        return learner

    def _epoch(self, learner: Learner, batches: EpochBatches, stop: Callable[[], bool]) -> bool:
        """One pass over the sample; False when it was stopped before its end."""
        epoch, factor = self.progress.epoch + 1, self._rate_factor(self.progress.epoch + 1)
        meter = _Meter()
        reported = time.monotonic()
        for number, batch in enumerate(batches, 1):
            found = learner.learn(batch, factor)
            meter.add(found, batch)
            self.samples_seen += len(batch.value)
            if stop() and number < len(batches):
                return False
            now = time.monotonic()
            if now - reported >= PROGRESS_EVERY_S:
                reported = now
                self.report(
                    EpochProgress(
                        epoch=epoch,
                        num_epochs=self.progress.num_epochs,
                        step=number,
                        num_steps=len(batches),
                        policy_loss=meter.mean("policy"),
                        value_loss=meter.mean("value"),
                        samples_per_s=meter.samples_per_s(),
                    )
                )
        self.progress.epoch = epoch
        self.progress.policy_loss, self.progress.value_loss = meter.mean("policy"), meter.mean("value")
        self.report(self._epoch_report(learner, meter))
        return True

    def _epoch_report(self, learner: Learner, meter: "_Meter") -> EpochReport:
        policy, value = meter.mean("policy"), meter.mean("value")
        return EpochReport(
            epoch=self.progress.epoch,
            num_epochs=self.progress.num_epochs,
            step=learner.step,
            policy_loss=policy,
            value_loss=value,
            total_loss=policy + self.settings.value_loss_weight * value,
            policy_entropy=meter.mean("policy_entropy"),
            value_error=math.sqrt(meter.mean("square_error")),
            learning_rate=learner.learning_rate,
            samples_per_s=meter.samples_per_s(),
        )

    def _rate_factor(self, epoch: int) -> float:
        """1, and `final_rate_fraction` in the last `final_rate_epochs` of the epochs."""
        settings = self.settings
        final = epoch > self.progress.num_epochs * (1 - settings.final_rate_epochs)
        return settings.final_rate_fraction if final else 1.0

    def _save(self, learner: Learner, keep: bool) -> None:
        """Saves the checkpoint; `keep`: and the network that plays once more, under the number of its steps."""
        values: dict[str, Any] = {
            "weights": learner.weights(),
            "averaged_weights": learner.averaged_weights(),
            "optimizer": learner.optimizer_state(),
            "step": learner.step,
            "training": asdict(self.progress),
            "config": self.config.dump_json(),
            "seed": self.progress.seed,
        }
        saved = checkpoints.Checkpoint(
            self.spec.model_type, self.spec.class_path, self.spec.sizes, NUM_PLANES, **values
        )
        checkpoints.save(self.path, saved)
        if keep:
            checkpoints.save(history_path(self.config, self.spec.model_type, learner.step), checkpoints.for_play(saved))
        self.report(Note(f"checkpoint {self.path}: epoch {self.progress.epoch}, step {learner.step:,}"))

    def _summary(self, num_records: int, step: int) -> TrainingSummary:
        elapsed = time.monotonic() - self.started
        policy, value = self.progress.policy_loss, self.progress.value_loss
        return TrainingSummary(
            model_type=self.settings.model_type,
            checkpoint=str(self.path),
            records=num_records,
            epochs=self.progress.epoch,
            step=step,
            total_loss=None if math.isnan(policy) else policy + self.settings.value_loss_weight * value,
            policy_loss=policy,
            value_loss=value,
            elapsed_s=elapsed,
            samples_per_s=self.samples_seen / max(elapsed, 1e-9),
        )


class _Meter:
    """Means over the batches seen so far, each weighed by its positions, or their policy weights, and the rate."""

    _OF_POLICY = ("policy", "policy_entropy", "target_entropy")

    def __init__(self) -> None:
        self._sums = dict.fromkeys(Losses._fields, 0.0)
        self._count = 0
        self._policy_weight = 0.0
        self._started = time.monotonic()

    def add(self, losses: Losses, batch: Batch) -> None:
        count, policy_weight = len(batch.value), float(batch.policy_weight.sum())
        for name, loss in zip(Losses._fields, losses, strict=True):
            self._sums[name] += float(loss) * (policy_weight if name in self._OF_POLICY else count)
        self._count += count
        self._policy_weight += policy_weight

    def mean(self, name: str) -> float:
        return self._sums[name] / max(1e-9, self._policy_weight if name in self._OF_POLICY else self._count)

    def samples_per_s(self) -> float:
        return self._count / max(time.monotonic() - self._started, 1e-9)
