"""The doctor: looks at the database, the logs and the checkpoints of a run and names what is wrong with it."""

from alphapente.doctor.examine import CHECKS, as_values, examine
from alphapente.doctor.findings import Diagnosis, Examined, Finding, Severity, Well
from alphapente.doctor.keys import present_value

__all__ = ["CHECKS", "Diagnosis", "Examined", "Finding", "Severity", "Well", "as_values", "examine", "present_value"]
