"""The doctor: looks at the database, the logs and the checkpoints of a run and names what is wrong with it."""

from alphapente.doctor.examine import CHECKS, as_values, examine, present_value
from alphapente.doctor.findings import Diagnosis, Examined, Finding, Severity, Well

__all__ = ["CHECKS", "Diagnosis", "Examined", "Finding", "Severity", "Well", "as_values", "examine", "present_value"]
