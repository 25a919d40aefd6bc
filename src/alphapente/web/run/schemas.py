"""Request and response models of the Run room's API. Times are in seconds, moments in seconds since 1970 (UTC)."""

from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, Field, GetJsonSchemaHandler, TypeAdapter, create_model
from pydantic_core import CoreSchema

from alphapente import events
from alphapente.config import Variant
from alphapente.web.schemas import Error, LiveGame, RequestModel, ResponseModel

ConfigName = Annotated[str, Field(min_length=1, max_length=64, description="One of GET /configs.")]
RunState = Literal["none", "starting", "running", "ending", "paused", "stopped", "finished", "failed"]
"""The state of a run. The next start resumes a "paused" run; after "stopped" and "finished" it begins a new one."""


class ConfigRequest(RequestModel):
    """The name of a configuration, and overrides `section.key=value` as for `--set`."""

    config: ConfigName
    overrides: list[Annotated[str, Field(min_length=3, max_length=2_000)]] = Field(default=[], max_length=200)


class RunRequest(RequestModel):
    """The run of a configuration."""

    config: ConfigName


class SettingView(ResponseModel):
    """One setting: its value, the value's source (a file, "command line", "built-in default") and its meaning."""

    path: str
    value: Any
    default: Any
    source: str
    meaning: str
    unit: str
    allowed: str
    choices: list[Any] = Field(description="The allowed values, if they can be listed; else empty.")
    changeable: bool = Field(description="False for folders, the database and classes: those are set in the file.")


class ConfigSummary(ResponseModel):
    """A configuration to choose from."""

    name: str
    path: str | None = Field(description="The file; null for the built-in defaults.")
    problem: str | None = Field(description="Why it is invalid; null if it is valid.")
    checkpoint_dir: str | None


class ConfigView(ResponseModel):
    """A configuration with every setting. `overrides` are the differences of the run in its folder."""

    name: str
    path: str | None
    settings: list[SettingView]
    overrides: list[str] = Field(default=[])


class SettingError(ResponseModel):
    """A refused setting; `key` is "" if the error concerns no single setting."""

    key: str
    found: str
    allowed: str
    message: str


class CheckAnswer(ResponseModel):
    """Whether a configuration is valid, its errors, and the resolved configuration (null if invalid)."""

    ok: bool
    errors: list[SettingError]
    resolved: dict[str, Any] | None


class RunSummary(ResponseModel):
    """A run: the configurations that name its folder, and its state."""

    config: str
    configs: list[str]
    checkpoint_dir: str
    run: str | None
    state: RunState
    cycle: int
    records: int
    records_target: int
    updated_at: float | None


class StepEvents:
    """The JSON schema of the events that a step reports; their values are passed on as they are."""

    _KINDS = (
        events.CompilationProgress,
        events.GenerationProgress,
        events.GenerationSummary,
        events.EpochProgress,
        events.EpochReport,
        events.TrainingSummary,
        events.PromotionSummary,
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        union: Any = reduce(or_, map(cls._with_name, cls._KINDS))
        return handler(TypeAdapter(union).core_schema)

    @staticmethod
    def _with_name(kind: type[events.Event]) -> type[BaseModel]:
        """An event as values: with its name, and null for a float that is not finite."""
        fields: dict[str, Any] = {"event": (Literal[kind.__name__], ...)}
        fields |= {name: (one | None if one is float else one, ...) for name, one in get_type_hints(kind).items()}
        return create_model(kind.__name__, __doc__=kind.__doc__, **fields)


class StepView(ResponseModel):
    """A step of a run. `progress` is its latest event; docs/pipeline.md lists the events."""

    name: str
    log: str
    began_at: float
    ended_at: float | None
    outcome: Literal["running", "done", "ended early", "failed"]
    progress: Annotated[dict[str, Any], StepEvents] | None


class NoteView(ResponseModel):
    """A message of the scheduler."""

    at: float
    text: str


class CycleGames(ResponseModel):
    """Number of games of a cycle; `open` for the current one."""

    cycle: int
    games: int
    open: bool = False


class TrainingLoss(ResponseModel):
    """The total loss of a training's last epoch; null if it is not finite."""

    training: str
    loss: float | None


class StageView(ResponseModel):
    """A stage of the curriculum: its board and its limits (null: no limit)."""

    board_size: int
    simulations: int
    records: int | None
    minutes: float | None


class Sample(ResponseModel):
    """A run's counts at a time since its start."""

    elapsed_s: float
    records: int
    games: int


class RunSnapshot(ResponseModel):
    """A run at one moment."""

    config: str
    checkpoint_dir: str
    database: str
    run: str | None = Field(description="Its name, the local time of its first start; null if there is no run.")
    state: RunState
    message: str = Field(description='Why it ended or failed; "" for no message.')
    phase: str = Field(description='The active steps, as "Generation 3" or "Generation 3 and Training 3.1".')
    variant: str
    board_size: int = Field(description="Of the current stage.")
    board_sizes: list[int]
    model_type: str
    mode: Literal["cycles", "async"]
    cycle: int
    first_cycle: int
    last_cycle: int
    stage: int = Field(description="0 is the first.")
    stages: list[StageView] = Field(description="Empty without a curriculum.")
    records: int = Field(description="In the database, of the run's variant and board sizes.")
    records_before: int = Field(description="Of these, records that existed when the run began.")
    records_end: int = Field(description="Number of records at the end of the run by its cycles or its target.")
    records_target: int
    games: int
    records_per_s: float | None = Field(description="Over the last quarter of the run's time, including trainings.")
    elapsed_s: float = Field(description="The run's own time, over all its starts.")
    time_limit_s: float | None
    time_left_s: float | None
    ends_by: Literal["target", "cycles", "time limit"] | None
    games_per_cycle: list[CycleGames]
    losses: list[TrainingLoss]
    steps: list[StepView] = Field(description="Of this start, oldest first.")
    notes: list[NoteView]
    samples: list[Sample]
    began_at: float | None = Field(description="When this start began.")
    updated_at: float | None


class RunEvents(ResponseModel):
    """The events of a run, by name: `run` after every change; or `error`."""

    run: RunSnapshot
    error: Error


class GameCurves(ResponseModel):
    """Self-play games in their order, averaged over windows of equally many games."""

    at: list[float]
    records: list[int] = Field(description="In the database at that time.")
    games: list[int]
    plies: list[float]
    by_five: list[float]
    by_captures: list[float]
    draws: list[float]
    won_by_player_1: list[float]


class TrainingCurves(ResponseModel):
    """Every epoch of the newest trainings. Losses are in nats; null if a value was not measured."""

    at: list[float]
    step: list[int]
    policy_loss: list[float | None]
    value_loss: list[float | None]
    total_loss: list[float | None]
    policy_entropy: list[float | None]
    value_error: list[float | None]
    validation_policy_loss: list[float | None]
    validation_value_loss: list[float | None]
    samples_per_s: list[float | None]
    learning_rate: list[float | None]


class RateCurves(ResponseModel):
    """The speed of self-play, every few seconds."""

    at: list[float]
    records_per_s: list[float | None]
    simulations_per_s: list[float | None]
    evaluations_per_s: list[float | None]


class RunCurves(ResponseModel):
    """A run's curves."""

    games: GameCurves
    training: TrainingCurves
    rates: RateCurves


class RatedView(ResponseModel):
    """A player's Elo with its 95% interval. `spread` is the half-width among players of its class, null if it has none.

    `records` and `elapsed_s` are the run's progress; null for a player that is not one of its networks.
    """

    name: str
    kind: Literal["checkpoint", "reference", "engine"]
    elo: float
    low: float
    high: float
    spread: float | None
    held: bool
    games: int
    score: float
    simulations: int | None
    seconds: float | None
    step: int | None
    records: int | None
    elapsed_s: float | None


class RatingsAnswer(ResponseModel):
    """Ratings of all players with stored matches of one variant and board size; a `message` if there are none."""

    variant: str
    board_size: int
    games: int
    first_player_elo: float | None
    players: list[RatedView]
    warnings: list[str]
    message: str


class FindingView(ResponseModel):
    """A problem that the doctor found, and the settings to change, each as `key=value`."""

    check: str
    severity: Literal["critical", "warning", "hint"]
    title: str
    evidence: str
    advice: str
    settings: list[str]
    present: dict[str, str] = Field(description="The current value of each of these settings, by its `key=value`.")


class CheckView(ResponseModel):
    """A check without a finding, or one that could not run. `text` is the result or the reason."""

    check: str
    text: str


class DoctorAnswer(ResponseModel):
    """The doctor's newest examination of a run. While it is active, `check` is the current check."""

    state: Literal["none", "examining", "ready", "failed"]
    at: float | None
    check: str
    done: int
    checks: int
    message: str
    subject: str
    findings: list[FindingView]
    well: list[CheckView]
    not_looked_at: list[CheckView]


class LogFileView(ResponseModel):
    """A log of the run."""

    name: str
    bytes: int
    modified_at: float


class LogsAnswer(ResponseModel):
    """The run's logs, newest first, and the last lines of the requested one (default: the scheduler's newest)."""

    files: list[LogFileView]
    name: str | None
    lines: list[str]


class StartedAnswer(ResponseModel):
    """The request was accepted. `pid` is the run's process, if there is one."""

    state: RunState
    pid: int | None


class BoardView(LiveGame):
    """A game in play: its moves and its board."""

    stones: dict[str, list[str]]
    captured: dict[str, int] = Field(description="Pairs captured by each player.")


class BoardsAnswer(ResponseModel):
    """Games that a run's self-play plays now; none if no self-play runs."""

    variant: Variant | None
    board_size: int | None
    model_type: str | None
    step: int | None
    updated_at: float | None
    games: list[BoardView]


class RunGame(ResponseModel):
    """A game in a run's database, with its moves."""

    id: int
    variant: Variant
    board_size: int
    moves: list[str]
    winner: Literal[0, 1, 2] | None
    won_by: str
    created_at: int
    model_type: str
    step: int
