"""The examination: every check in turn, each with what it found, and a page that tells it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from alphapente.config import Config
from alphapente.doctor import buffer, idle_settings, repetition, runs, strength
from alphapente.doctor.findings import Diagnosis, Examined, Finding, NotSeenError, Outcome, Severity, Well
from alphapente.doctor.keys import is_set
from alphapente.doctor.patient import Patient
from alphapente.errors import AlphaPenteError

Check = Callable[[Patient], Outcome]

CHECKS: Mapping[str, Check] = {
    "run": runs.run_known,
    "records": buffer.records_there,
    "freshness": buffer.records_fresh,
    "distinct games": buffer.games_distinct,
    "labels": buffer.labels_clean,
    "balance": buffer.sides_balanced,
    "captures": buffer.captures_happen,
    "game length": buffer.games_long_enough,
    "search values": buffer.search_values_spread,
    "policy targets": buffer.targets_sharp,
    "checkpoint": runs.checkpoint_usable,
    "search against policy": strength.search_helps,
    "network values": strength.values_honest,
    "policy": strength.policy_learns,
    "overfitting": repetition.not_overfitted,
    "reuse": repetition.records_reused,
    "learning rate": runs.rate_bearable,
    "training loss": runs.loss_falls,
    "processor": runs.processor_busy,
    "disk": runs.disk_has_room,
    "target": runs.target_ahead,
    "settings": idle_settings.settings_work,
}
"""By name, in the order of the page. Add a check by adding a function."""


def examine(
    config: Config, checks: Mapping[str, Check] = CHECKS, on_check_fn: Callable[[str], None] | None = None
) -> Diagnosis:
    """Looks at the database, the logs and the checkpoint of this configuration; changes nothing.

    `on_check_fn` hears the name of each check before it begins. What cannot be read (a damaged database or checkpoint)
    is a finding, told once, and the checks that need it are told as not looked at.
    """
    patient = Patient(config)
    told: set[str] = set()
    examined = []
    try:
        for name, check in checks.items():
            if on_check_fn is not None:
                on_check_fn(name)
            examined.append(_examined(name, check, patient, told))
    finally:
        patient.close()
    subject = f"{patient.pool_name}, {config.records.database}, {patient.checkpoint_path}"
    return Diagnosis(subject, patient.config, tuple(examined))


def _examined(name: str, check: Check, patient: Patient, told: set[str]) -> Examined:
    try:
        outcome = check(patient)
    except NotSeenError as reason:
        return Examined(name, unseen=str(reason))
    except AlphaPenteError as error:
        text = str(error)
        if text in told:
            return Examined(name, unseen="it cannot be read, see above")
        told.add(text)
        broken = Finding(Severity.CRITICAL, "Something cannot be read", text, "See to it first; look again then.")
        return Examined(name, (broken,))
    if isinstance(outcome, Well):
        return Examined(name, evidence=outcome.evidence)
    found = [outcome] if isinstance(outcome, Finding) else outcome
    return Examined(name, tuple(_only_changes(finding, patient.config) for finding in found))


def _only_changes(finding: Finding, config: Config) -> Finding:
    """The finding without settings that are as it wants them already."""
    return replace(finding, settings=tuple(text for text in finding.settings if not is_set(config, text)))


def as_values(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis as JSON has it."""
    return {
        "subject": diagnosis.subject,
        "findings": [
            {
                "check": check,
                "severity": finding.severity.name.lower(),
                "title": finding.title,
                "evidence": finding.evidence,
                "advice": finding.advice,
                "settings": list(finding.settings),
            }
            for check, finding in diagnosis.findings
        ],
        "well": {one.check: one.evidence for one in diagnosis.well},
        "not_looked_at": {one.check: one.unseen for one in diagnosis.unseen},
    }
