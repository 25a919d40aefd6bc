"""Events: the typed reports of a running job, for terminals, logs, curves and parent processes."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from alphapente.errors import FailureError


@dataclass(frozen=True, slots=True)
class Note:
    """One line of text for the log."""

    text: str


@dataclass(frozen=True, slots=True)
class CompilationProgress:
    """Progress of the compilation, which is done once for each machine and version."""

    kernels: int
    num_kernels: int
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Lost:
    """An optional output cannot be written, and the job continues without it: "the log logs/x.log", and the reason."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class GenerationProgress:
    """Progress of self-play. Rates are per second of wall time since the start."""

    records: int
    record_limit: int
    games: int
    elapsed_s: float
    records_per_s: float
    simulations_per_s: float
    evaluations_per_s: float
    remaining_s: float


@dataclass(frozen=True, slots=True)
class GenerationSummary:
    """Results of a generation. `wins_by_player` has keys "1", "2", "draw"; `won_by` "five", "captures", "draw"."""

    games: int
    records: int
    plies: int
    wins_by_player: dict[str, int]
    won_by: dict[str, int]
    elapsed_s: float
    simulations: int
    evaluations: int
    carried_over: int = 0
    """Games still in play at the end, kept in the database for the next generation."""


@dataclass(frozen=True, slots=True)
class EpochProgress:
    """Progress of an epoch: `step` of `num_steps` optimizer steps; losses averaged over the epoch so far."""

    epoch: int
    num_epochs: int
    step: int
    num_steps: int
    policy_loss: float
    value_loss: float
    samples_per_s: float


@dataclass(frozen=True, slots=True)
class EpochReport:
    """One finished epoch. Losses in nats, averaged over it; `value_error` is the value's root mean square error."""

    epoch: int
    num_epochs: int
    step: int
    policy_loss: float
    value_loss: float
    total_loss: float
    policy_entropy: float
    value_error: float
    learning_rate: float
    samples_per_s: float
    auxiliary: dict[str, float] = field(default_factory=dict)
    """Losses of the auxiliary targets in use, unweighted; `total_loss` excludes them."""
    validation_policy_loss: float | None = None
    """Of the averaged weights on held-out games, like the three fields below; None without held-out games."""
    validation_value_loss: float | None = None
    calibration_error: float | None = None
    """Mean |predicted value - outcome| over bins of predicted value."""
    calibration: list[tuple[float, float, int]] = field(default_factory=list)
    """For each bin that is not empty: mean predicted value, mean outcome, positions."""


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """Results of a training."""

    model_type: str
    checkpoint: str
    records: int
    epochs: int
    step: int
    policy_loss: float
    value_loss: float
    elapsed_s: float
    samples_per_s: float
    total_loss: float | None = None
    """Of the last epoch, also if an earlier process trained it; None if no epoch was completed."""
    validation_policy_loss: float | None = None
    """Of the last epoch, like the two fields below; None without held-out games."""
    validation_value_loss: float | None = None
    calibration_error: float | None = None
    samples: int = 0
    """Number of samples: a record counts each time it was used."""
    new_records: int = 0
    """Number of the pool's records that were new to this network."""


@dataclass(frozen=True, slots=True)
class PromotionSummary:
    """Result of the test of a new network against the one that plays; `llr` is its log-likelihood ratio.

    `verdict` is "accept", "reject", "go on" (undecided after the last game), "unopposed" if no network was promoted
    before, or "same" if it is the network that plays.
    """

    promoted: bool
    verdict: str
    step: int
    old_step: int
    wins: int = 0
    losses: int = 0
    draws: int = 0
    llr: float = 0.0
    lower: float = 0.0
    upper: float = 0.0
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StepStarted:
    """The pipeline began a step ("Generation 1", "Training 1.2"); its log is at `log`."""

    name: str
    log: str
    cycle: int
    total_cycles: int
    records: int
    records_target: int


@dataclass(frozen=True, slots=True)
class PipelineSummary:
    """Results of a whole run; `loss_by_training` pairs a training's name with its last total loss."""

    cycles: int
    records: int
    records_target: int
    games_by_cycle: list[int] = field(default_factory=list)
    loss_by_training: list[tuple[str, float]] = field(default_factory=list)
    elapsed_s: float = 0.0


Event = (
    Note
    | CompilationProgress
    | Lost
    | GenerationProgress
    | GenerationSummary
    | EpochProgress
    | EpochReport
    | TrainingSummary
    | PromotionSummary
    | StepStarted
    | PipelineSummary
)
ReportFn = Callable[[Event], None]

_KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        Note,
        CompilationProgress,
        Lost,
        GenerationProgress,
        GenerationSummary,
        EpochProgress,
        EpochReport,
        TrainingSummary,
        PromotionSummary,
        StepStarted,
        PipelineSummary,
    )
}


def to_json(event: Event) -> str:
    """The event as one line of JSON, which `from_json` reads back."""
    return json.dumps({"event": type(event).__name__, **dataclasses.asdict(event)})


def from_json(line: str) -> Event:
    """The event in a line that `to_json` wrote. Raises FailureError for any other line."""
    try:
        values = json.loads(line)
        return _KINDS[values.pop("event")](**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FailureError(f"not an event: {line[:200]!r}") from error
