"""Checks of how much the network has made of its records: too often the same ones, known by heart, or hardly used."""

import numpy as np

from alphapente.doctor.findings import Finding, NotSeenError, Outcome, Severity, Well
from alphapente.doctor.patient import Judged, Patient

FRESH_RECORDS = 200
OVERFIT_POLICY = 1.2
OVERFIT_VALUE = 1.25
GAP = {"policy": 0.3, "value": 0.15}
"""So many nats more on games held out than on those taught. On 9x9, 1,511 records trained on 5 times each came to 0.03
and 0.06, trained on 33 times to 0.06 and 0.28."""
RISE = 1.05
"""A loss on games held out that is so many times its least, while the loss on those taught falls; 1.12 for the value
after the 33 times."""
REUSE_GOOD = (2.0, 8.0)
REUSE_BAD = 20.0
REUSE_AIM = 6.0


def not_overfitted(patient: Patient) -> Outcome:
    """Overfitting: better on the records that it was trained on than on others.

    The others are the games held out of training, where the newest training's curves tell of any; else the records that
    came after the checkpoint was saved.
    """
    try:
        training = patient.trainings[-1]
    except NotSeenError:
        return _by_newer_records(patient)
    losses = {
        name: (training.values(f"loss/{name}"), training.values(f"validation/{name}")) for name in ("policy", "value")
    }
    if any(taught and held_out for taught, held_out in losses.values()):
        return _by_held_out(patient, losses)
    return _by_newer_records(patient)


def _by_held_out(patient: Patient, losses: dict[str, tuple[list[float], list[float]]]) -> Outcome:
    words, overfitted = [], False
    for name, (taught, held_out) in losses.items():
        if not (taught and held_out):
            continue
        gap, least = held_out[-1] - taught[-1], min(held_out)
        rises = held_out[-1] > RISE * least and taught[-1] < taught[held_out.index(least)]
        overfitted |= gap > GAP[name] or rises
        words.append(
            f"{name} loss {held_out[-1]:.3f} on games held out, {taught[-1]:.3f} on those taught"
            + (f", and it was {least:.3f} on those held out before" if rises else "")
        )
    text = f"at the end of the newest training: {'; '.join(words)}"
    return _by_heart(patient, text) if overfitted else Well(text)


def _by_newer_records(patient: Patient) -> Outcome:
    saved = patient.checkpoint_at
    fresh = [game for game in patient.games if game.created_at > saved]
    count = sum(game.num_records for game in fresh)
    first = fresh[0].first_seq if fresh else patient.pool.records
    if min(count, first) < FRESH_RECORDS:
        raise NotSeenError(
            f"the trainings' curves have no losses of games held out, and {count:,} records are newer than the "
            f"checkpoint and {first:,} older, where {FRESH_RECORDS} of each are needed"
        )
    new = patient.judge(patient.records_of(first, count))
    old = patient.judge(patient.records_of(max(0, first - count), min(first, count)))
    policy, value = (_excess(new) / max(_excess(old), 1e-6)), (_error(new) / max(_error(old), 1e-6))
    text = (
        f"on {count:,} records newer than the checkpoint and as many older: policy divergence {_excess(new):.2f} "
        f"against {_excess(old):.2f} nats, value error {_error(new):.2f} against {_error(old):.2f}"
    )
    return _by_heart(patient, text) if policy > OVERFIT_POLICY or value > OVERFIT_VALUE else Well(text)


def _by_heart(patient: Patient, text: str) -> Finding:
    training = patient.config.training
    more = f"training.data_sample_size={2 * training.data_sample_size}"
    return Finding(
        Severity.WARNING,
        "The network knows its records by heart",
        text,
        "Train each record less often, on more of them, and under all symmetries.",
        (_times(patient, 0.5), more, "training.augmentation.enabled=true", "training.augmentation.orientations=8"),
    )


def _times(patient: Patient, factor: float) -> str:
    """The setting by which each record is trained on so many times as often as now."""
    reuse = patient.config.training.reuse
    if reuse is not None:
        return f"training.reuse={round(factor * reuse, 2):g}"
    epochs = patient.config.training.num_epochs
    return f"training.num_epochs={min(100 * epochs, max(1, round(factor * epochs)))}"


def _excess(judged: Judged) -> float:
    """How far the policy is from its targets: the mean KL divergence in nats."""
    return judged.of_policy(judged.cross_entropy - judged.target_entropy)


def _error(judged: Judged) -> float:
    """Root mean square error of the value against what came of the positions."""
    if not judged.settled.any():
        return 0.0
    return float(np.sqrt(np.mean((judged.value - judged.outcome)[judged.settled] ** 2)))


def records_reused(patient: Patient) -> Outcome:
    """How often each record is trained on: far from 4 to 8 times."""
    records, step = patient.run_records, patient.checkpoint.step
    if step == 0:
        raise NotSeenError("the checkpoint was never trained")
    batch = patient.trained_with.get("batch_size", patient.config.training.batch_size)
    reuse = step * batch / records
    text = (
        f"{step:,} steps of {batch} records over the {records:,} in the database: "
        f"each was trained on {reuse:.1f} times (good is 4 to 8)"
    )
    change = _times(patient, REUSE_AIM / max(reuse, 1e-6))
    if reuse > REUSE_GOOD[1]:
        return Finding(
            Severity.WARNING if reuse > REUSE_BAD else Severity.HINT,
            "Each record is trained on too often",
            text,
            "Time spent on old records is missing for new ones, and the network learns them by heart.",
            (change,),
        )
    if reuse < REUSE_GOOD[0]:
        return Finding(
            Severity.HINT,
            "The records are hardly used",
            text,
            "Self-play is dear, training cheap: train on each record more often.",
            (change,),
        )
    return Well(text)
