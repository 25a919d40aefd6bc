"""One training: draws records from the database, trains a model for some epochs, and updates its checkpoint."""

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict
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
from alphapente.training.auxiliary import weights_of
from alphapente.training.batches import BatchPlan, EpochBatches
from alphapente.training.learner import Learner, TrainingError, learning_precision
from alphapente.training.lock import CheckpointLock
from alphapente.training.progress import Meter, Progress, progress_in
from alphapente.training.reuse import Account, accounts_in
from alphapente.training.sample import Sample, pool_name
from alphapente.training.threads import torch_threads
from alphapente.training.validation import Calibration, HeldOut, Validation

PROGRESS_EVERY_S = 0.2


def train(
    config: Config, report: ReportFn, stop: Callable[[], bool] = lambda: False, resume_key: str | None = None
) -> TrainingSummary:
    """Trains `training.model_type` for `training.num_epochs` epochs, or as `training.reuse` requires, and saves it.

    Ends early, after saving, if `stop()` returns True. An interrupted training with a `resume_key` resumes from its
    last checkpoint if it is started again with that key.
    Raises RequestError if there are no records, FailureError if another training has the checkpoint, CheckpointError
    for a checkpoint that does not fit or cannot be saved, TrainingError if the loss is not finite.
    """
    path = checkpoint_path(config, config.training.model_type)
    with CheckpointLock(path), torch_threads(1):
        return _Training(config, report, path, resume_key).run(stop)


class _Training:
    """One run of `train`: the learner, its progress and its reports."""

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
        self.pool = pool_name(config)
        self.progress = self._progress(found, resume_key)
        self._account = self.progress.accounts.setdefault(self.pool, Account())
        self._found = found
        self._calibration: Calibration | None = None

    def run(self, stop: Callable[[], bool]) -> TrainingSummary:
        progress = self.progress
        if progress.epoch >= progress.num_epochs:
            self.report(Note(f"this training is done already: {self.path} has its {progress.epoch} epochs"))
            return self._summary(0, self._found.step if self._found else 0)
        seeds = [progress.seed, progress.start_step]
        sample = self._sample(seeds)
        self._plan(sample)
        if progress.num_samples == 0:
            return self._summary(0, self._found.step if self._found else 0)
        learner = self._learner()
        augmentation = self.settings.augmentation
        orientations = augmentation.orientations if augmentation.enabled else 1
        with_reply = self.settings.auxiliary.reply > 0
        plan = BatchPlan(self.settings.batch_size, orientations, with_reply, learner.input_form)
        while progress.epoch < progress.num_epochs:
            start, end = (self._bounds(len(sample.order), number) for number in (progress.epoch, progress.epoch + 1))
            if start == end:  # fewer batches than epochs: the settings changed after this training began
                progress.epoch += 1
                continue
            rng = np.random.default_rng([*seeds, progress.epoch + 1])
            with EpochBatches(sample.parts, plan, rng, sample.order.between(start, end)) as batches:
                finished = self._epoch(learner, batches, sample.held_out, start, stop)
            stopping = not finished or stop()  # called once: a later stop takes effect after the next epoch
            due = progress.epoch % self.settings.save_interval == 0
            done = progress.epoch == progress.num_epochs
            if stopping or due or done:
                self._save(learner, keep=(done or stopping) and self.config.pipeline.keep_checkpoints)
            if stopping:
                break
        self._report_reuse()
        if self._calibration:
            self.report(Note(f"calibration, predicted value and mean outcome: {self._calibration.line}"))
        return self._summary(sample.num_records, learner.step)

    def _plan(self, sample: Sample) -> None:
        """Determines the number of samples: passes over the sample, or what is due by the replay ratio."""
        progress, settings = self.progress, self.settings
        if len(sample.held_out):
            self.report(Note(f"held out: {len(sample.held_out):,} records of games that are not trained on"))
        begins, arrived = progress.num_samples == 0, self._account.arrived(sample.available)
        if begins:
            progress.new_records, due = self._account.begin(sample.available, sample.num_records, settings.reuse)
        if settings.reuse is None:
            progress.num_samples = progress.num_epochs * len(sample.order)
        elif begins:
            steps = round(due / settings.batch_size)
            progress.num_samples, progress.num_epochs = steps * settings.batch_size, min(progress.num_epochs, steps)
            most = f" (of {arrived:,}: no more than are drawn count)" if arrived > progress.new_records else ""
            each = f"{progress.new_records:,} records are new to this network{most}, each due {settings.reuse:g} times"
            if steps:
                self.report(Note(f"reuse: {each}: {progress.num_samples:,} samples in {steps:,} steps"))
            else:
                self.report(Note(f"reuse: {each}: less than half a batch, nothing to do until there are more"))

    def _bounds(self, num_records: int, epoch: int) -> int:
        """The number of samples at the end of an epoch: whole passes over the records or, with `reuse`, whole batches.

        There is at least one of these units, and the last epoch always has one.
        """
        unit = num_records if self.settings.reuse is None else self.settings.batch_size
        return max(1, self.progress.num_samples // unit) * epoch // self.progress.num_epochs * unit

    def _report_reuse(self) -> None:
        account, new = self._account, self.progress.new_records
        each = f", {self.samples_seen / new:.1f} for each of {new:,} new records" if new else ""
        lifetime = account.samples / max(1, account.records)
        self.report(
            Note(
                f"trained on {self.samples_seen:,} samples{each}; in all trainings of this network "
                f"{lifetime:.1f} for each record of {self.pool}"
            )
        )

    def _progress(self, found: checkpoints.Checkpoint | None, resume_key: str | None) -> Progress:
        """The progress with which this training starts: where it was interrupted, or at its first epoch."""
        left = found.training if found else {}
        try:
            if found is not None and resume_key is not None and left.get("resume_key") == resume_key:
                progress = progress_in(left)
                if self.settings.reuse is None:
                    progress.num_epochs = self.settings.num_epochs
                if 0 < progress.epoch < progress.num_epochs:
                    self.report(Note(f"resuming after epoch {progress.epoch} of {progress.num_epochs}"))
                return progress
            accounts = accounts_in(left.get("accounts"))
        except (TypeError, AttributeError) as error:
            raise checkpoints.CheckpointError(f"{self.path} is damaged: {error}; move it away") from error
        seed = secrets.randbits(63) if self.settings.seed is None else self.settings.seed
        return Progress(resume_key, seed, found.step if found else 0, self.settings.num_epochs, accounts=accounts)

    def _sample(self, seeds: list[int]) -> Sample:
        settings = self.settings
        sample = Sample.draw(self.config, seeds)
        if sample.num_records == sample.available < settings.data_sample_size:
            wanted = f"{settings.data_sample_size:,} records of {self.pool} were requested"
            text = f"{wanted} and there are {sample.available:,}: all"
        else:
            counts = f"{sample.num_records:,} of {sample.available:,} records"
            text = f"{counts} of {self.pool} by {settings.sample_strategy}"
        self.report(Note(f"sample: {text}; seed {self.progress.seed}"))
        return sample

    def _learner(self) -> Learner:
        """The model, from its checkpoint or fresh, with its optimizer."""
        name, found = self.settings.model_type, self._found
        requested = self.config.network.device
        device = "cuda" if requested != "openvino" and choose_device(requested).device == "cuda" else "cpu"
        precision = learning_precision(self.spec.class_path, self.config.network.precision, device)
        where = f"{device} {precision}"
        if device == "cpu":
            where += f", {self.threads} thread{'s' * (self.threads > 1)}"
        if auxiliary := weights_of(self.settings.auxiliary):
            where += ", auxiliary " + ", ".join(f"{name} {weight:g}" for name, weight in auxiliary.items())
        if found is None:
            model = build(self.spec, seed=self.progress.seed)
            learner = Learner(model, self.settings, device, precision, self.threads)
            fresh_model = f"a fresh {name} of {num_parameters(model):,} weights"
            self.report(Note(f"no checkpoint {self.path} yet: {fresh_model} ({where}{learner.method})"))
            return learner
        model = checkpoints.restore(self.path, found, self.config, averaged=False)
        learner = Learner(model, self.settings, device, precision, self.threads)
        try:
            learner.resume(found.averaged_weights, found.optimizer, found.step)
        except TrainingError as error:
            raise checkpoints.CheckpointError(f"{self.path}: {error}") from error
        fresh, kept = learner.resume_auxiliary(found.auxiliary), {name.partition(".")[0] for name in found.auxiliary}
        if fresh:
            self.report(Note(f"auxiliary heads not in {self.path} start with fresh weights: {', '.join(fresh)}"))
        if dropped := sorted(kept - auxiliary.keys()):
            self.report(Note(f"auxiliary heads of {self.path} that are off now are dropped: {', '.join(dropped)}"))
        self.report(Note(f"resuming {self.path} at step {found.step:,} ({where}{learner.method})"))
        return learner

    def _epoch(
        self, learner: Learner, batches: EpochBatches, asked: HeldOut, start: int, stop: Callable[[], bool]
    ) -> bool:
        """Trains one epoch, which begins after `start` samples; False if it was stopped before its end."""
        epoch, samples = self.progress.epoch + 1, start
        meter = Meter()
        reported = time.monotonic()
        for number, batch in enumerate(batches, 1):
            meter.add(learner.learn(batch, self._rate_factor(samples)), batch)
            samples += len(batch.value)
            self.samples_seen += len(batch.value)
            self._account.learned(len(batch.value), self.settings.reuse)
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
        rate = meter.samples_per_s()
        validation = asked.ask(learner.judge, learner.input_form) if len(asked) else None
        self.progress.close_epoch(meter, validation)
        self._calibration = validation.calibration if validation else None
        self.report(self._epoch_report(learner, meter, validation, rate))
        return True

    def _epoch_report(
        self, learner: Learner, meter: Meter, validation: Validation | None, samples_per_s: float
    ) -> EpochReport:
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
            samples_per_s=samples_per_s,
            auxiliary={name: meter.mean(name) for name in weights_of(self.settings.auxiliary)},
            validation_policy_loss=validation.policy_loss if validation else None,
            validation_value_loss=validation.value_loss if validation else None,
            calibration_error=self.progress.calibration_error if validation else None,
            calibration=validation.calibration.bins if validation and validation.calibration else [],
        )

    def _rate_factor(self, samples: int) -> float:
        """The learning rate's factor: `final_rate_fraction` in the last `final_rate_epochs` of the samples, else 1."""
        final = samples >= self.progress.num_samples * (1 - self.settings.final_rate_epochs)
        return self.settings.final_rate_fraction if final else 1.0

    def _save(self, learner: Learner, keep: bool) -> None:
        """Saves the checkpoint; with `keep` also a copy of the network that plays, named by its step."""
        values: dict[str, Any] = {
            "weights": learner.weights(),
            "averaged_weights": learner.averaged_weights(),
            "optimizer": learner.optimizer_state(),
            "auxiliary": learner.auxiliary_weights(),
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
            validation_policy_loss=self.progress.validation_policy_loss,
            validation_value_loss=self.progress.validation_value_loss,
            calibration_error=self.progress.calibration_error,
            samples=self.samples_seen,
            new_records=self.progress.new_records,
        )
