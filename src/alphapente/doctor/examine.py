"""Runs all checks and collects their reports."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from alphapente.config import Config
from alphapente.doctor import buffer, idle_settings, repetition, runs, strength
from alphapente.doctor.findings import CheckReport, CheckResult, Diagnosis, Finding, NotAvailableError, Passed, Severity
from alphapente.doctor.keys import is_set
from alphapente.doctor.run_data import RunData
from alphapente.errors import AlphaPenteError

Check = Callable[[RunData], CheckResult]

CHECKS: Mapping[str, Check] = {
    "run": runs.run_known,
    "records": buffer.records_present,
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
    "network values": strength.values_calibrated,
    "policy": strength.policy_learns,
    "overfitting": repetition.not_overfitted,
    "reuse": repetition.records_reused,
    "learning rate": runs.learning_rate_stable,
    "training loss": runs.loss_falls,
    "processor": runs.processor_busy,
    "disk": runs.disk_space_left,
    "target": runs.target_not_reached,
    "settings": idle_settings.settings_effective,
}
"""By name, in the order of the report. To add a check, add a function here."""


def examine(
    config: Config, checks: Mapping[str, Check] = CHECKS, on_check_fn: Callable[[str], None] | None = None
) -> Diagnosis:
    """Runs the checks on the database, logs and checkpoint of this configuration; changes nothing.

    `on_check_fn` is called with the name of each check before it runs. Data that cannot be read (a damaged database or
    checkpoint) is reported as a finding once; other checks that need it are reported as not available.
    """
    run = RunData(config)
    errors: set[str] = set()
    reports = []
    try:
        for name, check in checks.items():
            if on_check_fn is not None:
                on_check_fn(name)
            reports.append(_report(name, check, run, errors))
    finally:
        run.close()
    subject = f"{run.pool_name}, {config.records.database}, {run.checkpoint_path}"
    return Diagnosis(subject, run.config, tuple(reports))


def _report(name: str, check: Check, run: RunData, errors: set[str]) -> CheckReport:
    try:
        result = check(run)
    except NotAvailableError as reason:
        return CheckReport(name, unavailable=str(reason))
    except AlphaPenteError as error:
        text = str(error)
        if text in errors:
            return CheckReport(name, unavailable="it cannot be read, see above")
        errors.add(text)
        broken = Finding(
            Severity.CRITICAL, "A file cannot be read", text, "Repair or replace it, then run the doctor again."
        )
        return CheckReport(name, (broken,))
    if isinstance(result, Passed):
        return CheckReport(name, evidence=result.evidence)
    findings = [result] if isinstance(result, Finding) else result
    return CheckReport(name, tuple(_without_current_settings(finding, run.config) for finding in findings))


def _without_current_settings(finding: Finding, config: Config) -> Finding:
    """The finding without settings that already have the proposed value."""
    return replace(finding, settings=tuple(text for text in finding.settings if not is_set(config, text)))


def as_values(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis as a dictionary for JSON."""
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
        "well": {one.check: one.evidence for one in diagnosis.passed},
        "not_looked_at": {one.check: one.unavailable for one in diagnosis.unavailable},
    }
