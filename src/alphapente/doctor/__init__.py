"""The doctor: checks the database, logs and checkpoints of a run and reports what is wrong with them.

Exports `examine` and its results. May import `pipeline` and what that may.
"""

from alphapente.doctor.examine import CHECKS, as_values, examine
from alphapente.doctor.findings import CheckReport, Diagnosis, Finding, Passed, Severity
from alphapente.doctor.keys import present_value

__all__ = [
    "CHECKS",
    "CheckReport",
    "Diagnosis",
    "Finding",
    "Passed",
    "Severity",
    "as_values",
    "examine",
    "present_value",
]
