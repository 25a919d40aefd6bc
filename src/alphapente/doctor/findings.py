"""The results of checks: findings, passed checks, and checks whose data is not available."""

from dataclasses import dataclass, field
from enum import IntEnum

from alphapente.config import Config


class Severity(IntEnum):
    """How serious a finding is; the worst is first."""

    CRITICAL = 0
    """The run learns nothing, or loses what it has learned."""
    WARNING = 1
    """The run learns worse or more slowly than it could."""
    HINT = 2
    """For information."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem: the evidence in numbers, advice, and the settings to change, each as `key=value`."""

    severity: Severity
    title: str
    evidence: str
    advice: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passed:
    """A check without findings, and its numbers."""

    evidence: str


class NotAvailableError(Exception):
    """The data of a check is not available; the message says why. Raised by checks and by `RunData`."""


CheckResult = Passed | Finding | list[Finding]
"""What a check returns. A list must not be empty: a check without findings returns `Passed` with its numbers."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The result of one check: findings, or `evidence` that it passed, or `unavailable`, why it did not run."""

    check: str
    findings: tuple[Finding, ...] = ()
    evidence: str = ""
    unavailable: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The results of all checks, in order."""

    subject: str
    """The game, the database and the checkpoint, for display."""
    config: Config
    """The configuration in force: with a curriculum that of the current stage."""
    reports: tuple[CheckReport, ...] = field(default_factory=tuple)

    @property
    def findings(self) -> list[tuple[str, Finding]]:
        """(check, finding), worst first."""
        found = [(one.check, finding) for one in self.reports for finding in one.findings]
        return sorted(found, key=lambda pair: pair[1].severity)

    @property
    def passed(self) -> list[CheckReport]:
        """The checks without findings."""
        return [one for one in self.reports if one.evidence]

    @property
    def unavailable(self) -> list[CheckReport]:
        """The checks whose data is not available."""
        return [one for one in self.reports if one.unavailable]
