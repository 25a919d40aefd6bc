"""What an examination says: what is wrong and how to mend it, what was found well, what could not be looked at."""

from dataclasses import dataclass, field
from enum import IntEnum

from alphapente.config import Config


class Severity(IntEnum):
    """How much a finding matters; the worst is first."""

    CRITICAL = 0
    """The run learns nothing, or loses what it learns."""
    WARNING = 1
    """It learns, but worse or more slowly than it could."""
    HINT = 2
    """Worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: the evidence in numbers, what to do, and the settings to change, each as `key=value`."""

    severity: Severity
    title: str
    evidence: str
    advice: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Well:
    """Something looked at and found well, with its numbers."""

    evidence: str


class NotSeenError(Exception):
    """There is nothing to look at: why, in a few words. Raised by checks and by the evidence that they ask for."""


Outcome = Well | Finding | list[Finding]
"""What a check returns; an empty list is not allowed: what is well is told with its numbers."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What one check found: findings, or `evidence` that all is well, or `unseen`, why it could not look."""

    check: str
    findings: tuple[Finding, ...] = ()
    evidence: str = ""
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The whole examination, in the order of the checks."""

    subject: str
    """What was examined, for people: the game, the database, the checkpoint."""
    config: Config
    """The configuration in force: that of the present stage, where a run has a curriculum."""
    examined: tuple[Examined, ...] = field(default_factory=tuple)

    @property
    def findings(self) -> list[tuple[str, Finding]]:
        """(check, finding), worst first."""
        found = [(one.check, finding) for one in self.examined for finding in one.findings]
        return sorted(found, key=lambda pair: pair[1].severity)

    @property
    def well(self) -> list[Examined]:
        """The checks that found all well."""
        return [one for one in self.examined if one.evidence]

    @property
    def unseen(self) -> list[Examined]:
        """The checks that had nothing to look at."""
        return [one for one in self.examined if one.unseen]
