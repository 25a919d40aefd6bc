"""Events: the typed reports of a running job. `event_log.py` stores them; terminals, logs and curves show them."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, get_args

from pydantic import TypeAdapter

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
    pool: dict[str, int] = field(default_factory=dict)
    """Counts of the pool with these games: "records", "games"; of these games: "plies", "won_by/player_1", ..."""


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
    pool: dict[str, int] = field(default_factory=dict)
    """See GenerationProgress."""

    @property
    def records_per_s(self) -> float:
        """Per second of wall time, like the two rates below."""
        return self.records / max(self.elapsed_s, 1e-9)

    @property
    def simulations_per_s(self) -> float:
        """Simulations a second."""
        return self.simulations / max(self.elapsed_s, 1e-9)

    @property
    def evaluations_per_s(self) -> float:
        """Evaluations a second."""
        return self.evaluations / max(self.elapsed_s, 1e-9)


@dataclass(frozen=True, slots=True)
class GamesInPlay:
    """The first games in play: for each its seed and its moves as points. `step` counts their network's steps."""

    variant: str
    board_size: int
    model_type: str
    step: int
    games: list[tuple[int, list[int]]]


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


StepOutcome = Literal["running", "done", "ended early", "failed"]
RunOutcome = Literal["running", "finished", "paused", "failed"]
"""The state of a start of a run, or how it ended: "paused" if it was asked to end early."""


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step of the pipeline has ended."""

    name: str
    outcome: StepOutcome


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A process, `pid`, began or continued a run."""

    pid: int


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Progress of a run: its time over all its starts, and the records and games of its pool."""

    elapsed_s: float
    records: int
    games: int
    cycle: int
    first_cycle: int
    last_cycle: int
    stage: int
    ending: bool = False
    """It was asked to end and is waiting for its steps."""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A start of a run has ended: how, and why."""

    outcome: RunOutcome
    message: str


@dataclass(frozen=True, slots=True)
class KeptNetwork:
    """A kept network: its file name in the folder, and the run's progress when its training ended."""

    checkpoint: str
    model_type: str
    step: int
    cycle: int
    records: int
    """Records made by the run until then."""
    elapsed_s: float
    """The run's time until then, in seconds."""
    board_size: int
    policy_loss: float
    value_loss: float


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
    | GamesInPlay
    | EpochProgress
    | EpochReport
    | TrainingSummary
    | PromotionSummary
    | StepStarted
    | StepEnded
    | RunStarted
    | RunProgress
    | RunEnded
    | KeptNetwork
    | PipelineSummary
)
ReportFn = Callable[[Event], None]

_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


def to_values(event: Event) -> dict[str, Any]:
    """The event as values for JSON, from which `from_values` makes it again."""
    return {"event": type(event).__name__, **dataclasses.asdict(event)}


def from_values(values: Any) -> Event:
    """The event of values that `to_values` made. Raises FailureError for other values."""
    try:
        return _reader(values["event"]).validate_python(values)
    except (KeyError, TypeError, ValueError) as error:  # pydantic's error is a ValueError
        raise FailureError(f"not an event: {str(values)[:200]}") from error


@cache
def _reader(kind: str) -> TypeAdapter[Event]:
    return TypeAdapter(_KINDS[kind])


def to_json(event: Event) -> str:
    """The event as one line of JSON, which `from_json` reads back."""
    return json.dumps(to_values(event))


def from_json(line: str) -> Event:
    """The event in a line that `to_json` wrote. Raises FailureError for any other line."""
    try:
        return from_values(json.loads(line))
    except ValueError as error:
        raise FailureError(f"not an event: {line[:200]!r}") from error
