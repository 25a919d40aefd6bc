"""What a running job tells the world: typed reports that terminals, logs, curves and parents subscribe to."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from alphapente.errors import FailureError


@dataclass(frozen=True, slots=True)
class Note:
    """One plain sentence for the log."""

    text: str


@dataclass(frozen=True, slots=True)
class CompilationProgress:
    """How many of the kernels are compiled, once for each machine and version."""

    kernels: int
    num_kernels: int
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Lost:
    """Something extra cannot be written, and the job continues without it: "the log logs/x.log", and the reason."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class GenerationProgress:
    """How far self-play is. Rates are per second of wall time since the start."""

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
    """What a generation made. `wins_by_player` has keys "1", "2", "draw"; `won_by` "five", "captures", "draw"."""

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
    """How far an epoch is: `step` of `num_steps` optimizer steps; losses averaged over the epoch so far."""

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
    """Losses of the auxiliary targets that are taught, unweighted; `total_loss` is without them."""
    validation_policy_loss: float | None = None
    """Of the network that plays on games held out, as are the three below; None where there are none."""
    validation_value_loss: float | None = None
    calibration_error: float | None = None
    """Mean |predicted value - what came|, by bins of predicted value."""
    calibration: list[tuple[float, float, int]] = field(default_factory=list)
    """For each bin that is not empty: mean predicted value, mean outcome, positions."""


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """What a training did."""

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
    """Of the last epoch, also when an earlier process trained it; None when no epoch was ended."""
    validation_policy_loss: float | None = None
    """Of the last epoch, as are the two below; None where no games were held out."""
    validation_value_loss: float | None = None
    calibration_error: float | None = None
    samples: int = 0
    """How many records were shown, each time counted."""
    new_records: int = 0
    """How many of the pool's records were new to this network."""


@dataclass(frozen=True, slots=True)
class PromotionSummary:
    """What the test of a new network against the one that plays found; `llr` is its log-likelihood ratio.

    `verdict` is "accept", "reject", "go on" (undecided when the games ran out), "unopposed" where none
    played yet, or "same" where it is the one that plays.
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
    """The pipeline began a step ("Generation 1", "Training 1.2"), whose own log is at `log`."""

    name: str
    log: str
    cycle: int
    total_cycles: int
    records: int
    records_target: int


@dataclass(frozen=True, slots=True)
class PipelineSummary:
    """What a whole run did; `loss_by_training` pairs a training's name with its last total loss."""

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
    """The event that `to_json` wrote. Raises FailureError for a line that is not one."""
    try:
        values = json.loads(line)
        return _KINDS[values.pop("event")](**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FailureError(f"not an event: {line[:200]!r}") from error
