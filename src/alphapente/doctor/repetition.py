"""Checks of overfitting and of the replay ratio."""

import numpy as np

from alphapente.doctor.findings import CheckResult, Finding, NotAvailableError, Passed, Severity
from alphapente.doctor.run_data import Predictions, RunData

FRESH_RECORDS = 200
OVERFIT_POLICY = 1.2
OVERFIT_VALUE = 1.25
GAP = {"policy": 0.3, "value": 0.15}
"""Overfitted if the loss on held-out games exceeds the training loss by this, in nats. On 9x9, 1,511 records trained on
5 times each had gaps of 0.03 and 0.06, trained on 33 times 0.06 and 0.28."""
RISE = 1.05
"""Overfitted if the loss on held-out games is this multiple of its minimum while the training loss falls; with the 33
times it was 1.12 for the value."""
REUSE_GOOD = (2.0, 8.0)
REUSE_BAD = 20.0
REUSE_AIM = 6.0


def not_overfitted(run: RunData) -> CheckResult:
    """Reports overfitting: better predictions for the records trained on than for others.

    The others are the held-out games if the newest training's curves have their losses, else the records that are newer
    than the checkpoint.
    """
    try:
        training = run.trainings[-1]
    except NotAvailableError:
        return _from_newer_records(run)
    losses: dict[str, tuple[list[float], list[float]]] = {}
    for name in ("policy", "value"):
        trained = [getattr(report, f"{name}_loss") for _, report in training.epochs]
        held_out = [getattr(report, f"validation_{name}_loss") for _, report in training.epochs]
        losses[name] = trained, [loss for loss in held_out if loss is not None]
    if any(held_out for _, held_out in losses.values()):
        return _from_held_out_games(run, losses)
    return _from_newer_records(run)


def _from_held_out_games(run: RunData, losses: dict[str, tuple[list[float], list[float]]]) -> CheckResult:
    parts, overfitted = [], False
    for name, (trained, held_out) in losses.items():
        if not (trained and held_out):
            continue
        gap, least = held_out[-1] - trained[-1], min(held_out)
        rises = held_out[-1] > RISE * least and trained[-1] < trained[held_out.index(least)]
        overfitted |= gap > GAP[name] or rises
        parts.append(
            f"{name} loss {held_out[-1]:.3f} on held-out games, {trained[-1]:.3f} in training"
            + (f", and its minimum on held-out games was {least:.3f}" if rises else "")
        )
    text = f"at the end of the newest training: {'; '.join(parts)}"
    return _overfitting(run, text) if overfitted else Passed(text)


def _from_newer_records(run: RunData) -> CheckResult:
    saved = run.checkpoint_at
    fresh = [game for game in run.games if game.created_at > saved]
    count = sum(game.num_records for game in fresh)
    first = fresh[0].first_seq if fresh else run.pool.records
    if min(count, first) < FRESH_RECORDS:
        raise NotAvailableError(
            f"the curves have no losses of held-out games, and {count:,} records are newer than the checkpoint and "
            f"{first:,} older, but {FRESH_RECORDS} of each are needed"
        )
    new = run.predict(run.records_of(first, count))
    old = run.predict(run.records_of(max(0, first - count), min(first, count)))
    new_policy, old_policy = _policy_divergence(new), _policy_divergence(old)
    new_value, old_value = _value_error(new), _value_error(old)
    overfitted = new_policy / max(old_policy, 1e-6) > OVERFIT_POLICY or new_value / max(old_value, 1e-6) > OVERFIT_VALUE
    text = (
        f"on {count:,} records newer than the checkpoint and the same number of older ones: policy divergence "
        f"{new_policy:.2f} against {old_policy:.2f} nats, value error {new_value:.2f} against {old_value:.2f}"
    )
    return _overfitting(run, text) if overfitted else Passed(text)


def _overfitting(run: RunData, text: str) -> Finding:
    training = run.config.training
    more = f"training.data_sample_size={2 * training.data_sample_size}"
    return Finding(
        Severity.WARNING,
        "The network overfits its records",
        text,
        "Train on each record less often, on more records, and with all symmetries.",
        (_reuse_setting(run, 0.5), more, "training.augmentation.enabled=true", "training.augmentation.orientations=8"),
    )


def _reuse_setting(run: RunData, factor: float) -> str:
    """The setting that multiplies the replay ratio by this factor."""
    reuse = run.config.training.reuse
    if reuse is not None:
        return f"training.reuse={round(factor * reuse, 2):g}"
    epochs = run.config.training.num_epochs
    return f"training.num_epochs={min(100 * epochs, max(1, round(factor * epochs)))}"


def _policy_divergence(predictions: Predictions) -> float:
    """The mean KL divergence of the policy from its targets, in nats."""
    return predictions.policy_mean(predictions.cross_entropy - predictions.target_entropy)


def _value_error(predictions: Predictions) -> float:
    """Root mean square error of the value against the games' outcomes."""
    if not predictions.no_random_moves.any():
        return 0.0
    return float(np.sqrt(np.mean((predictions.value - predictions.outcome)[predictions.no_random_moves] ** 2)))


def records_reused(run: RunData) -> CheckResult:
    """Reports a replay ratio far from 4 to 8."""
    records, step = run.run_records, run.checkpoint.step
    if step == 0:
        raise NotAvailableError("the checkpoint was never trained")
    batch = run.trained_with.get("batch_size", run.config.training.batch_size)
    reuse = step * batch / records
    text = (
        f"{step:,} steps of {batch} records over the {records:,} in the database: "
        f"each was trained on {reuse:.1f} times (4 to 8 is good)"
    )
    change = _reuse_setting(run, REUSE_AIM / max(reuse, 1e-6))
    if reuse > REUSE_GOOD[1]:
        return Finding(
            Severity.WARNING if reuse > REUSE_BAD else Severity.HINT,
            "Each record is trained on too often",
            text,
            "This takes time from self-play, and the network overfits.",
            (change,),
        )
    if reuse < REUSE_GOOD[0]:
        return Finding(
            Severity.HINT,
            "Each record is trained on too rarely",
            text,
            "Self-play is expensive and training is cheap: train on each record more often.",
            (change,),
        )
    return Passed(text)
