"""What the Run room's part of the API takes and gives. Times are in seconds, moments in seconds since 1970 (UTC)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from alphapente.web.schemas import RequestModel, ResponseModel

ConfigName = Annotated[str, Field(min_length=1, max_length=64, description="One of GET /configs.")]
RunState = Literal["none", "starting", "running", "ending", "paused", "stopped", "finished", "failed"]
"""How a run stands. "paused" goes on with the next start; after "stopped" and "finished" a new run begins."""


class ConfigRequest(RequestModel):
    """A configuration by its name, and what is changed in it: texts `section.key=value`, as `--set` takes them."""

    config: ConfigName
    overrides: list[Annotated[str, Field(min_length=3, max_length=2_000)]] = Field(default=[], max_length=200)


class RunRequest(RequestModel):
    """The run of a configuration."""

    config: ConfigName


class SettingView(ResponseModel):
    """One setting: its value, where that comes from (a file, "command line", "built-in default"), and what it means."""

    path: str
    value: Any
    default: Any
    source: str
    meaning: str
    unit: str
    allowed: str
    choices: list[Any] = Field(description="What it may be, where that is one of a few; else empty.")
    changeable: bool = Field(description="False for folders, the database and classes: those are set in the file.")


class ConfigSummary(ResponseModel):
    """A configuration that there is to choose."""

    name: str
    path: str | None = Field(description="Its file; null for the built-in defaults.")
    problem: str | None = Field(description="What is wrong with it; null for nothing.")
    checkpoint_dir: str | None


class ConfigView(ResponseModel):
    """A configuration with every setting. `overrides` are those in which a run at its folder differs from it."""

    name: str
    path: str | None
    settings: list[SettingView]
    overrides: list[str] = Field(default=[])


class SettingError(ResponseModel):
    """A setting that is refused; `key` is "" where it is none in particular."""

    key: str
    found: str
    allowed: str
    message: str


class CheckAnswer(ResponseModel):
    """Whether a configuration can be used, what is wrong with it, and what it comes to (null where it cannot)."""

    ok: bool
    errors: list[SettingError]
    resolved: dict[str, Any] | None


class RunSummary(ResponseModel):
    """A run that there is: the configurations that name its folder, and how it stands."""

    config: str
    configs: list[str]
    checkpoint_dir: str
    run: str | None
    state: RunState
    cycle: int
    records: int
    records_target: int
    updated_at: float | None


class StepView(ResponseModel):
    """A step of a run. `progress` is the latest of its events, as docs/pipeline.md has them."""

    name: str
    log: str
    began_at: float
    ended_at: float | None
    outcome: Literal["running", "done", "ended early", "failed"]
    progress: dict[str, Any] | None


class NoteView(ResponseModel):
    """Something that the coordination said."""

    at: float
    text: str


class CycleGames(ResponseModel):
    """How many games a cycle made; `open` for the present one."""

    cycle: int
    games: int
    open: bool = False


class TrainingLoss(ResponseModel):
    """The total loss of a training's last epoch; null where it was no number."""

    training: str
    loss: float | None


class StageView(ResponseModel):
    """A stage of the curriculum: its board, and what ends it (nulls end nothing)."""

    board_size: int
    simulations: int
    records: int | None
    minutes: float | None


class Sample(ResponseModel):
    """Where a run was at a moment of its own time."""

    elapsed_s: float
    records: int
    games: int


class RunSnapshot(ResponseModel):
    """A run at one moment."""

    config: str
    checkpoint_dir: str
    database: str
    run: str | None = Field(description="Its name, the local time of its first start; null where there is none.")
    state: RunState
    message: str = Field(description='Why it ended or what is wrong; "" for nothing.')
    phase: str = Field(description='The steps at work, as "Generation 3" or "Generation 3 and Training 3.1".')
    variant: str
    board_size: int = Field(description="Of the present stage.")
    board_sizes: list[int]
    model_type: str
    mode: Literal["cycles", "async"]
    cycle: int
    first_cycle: int
    last_cycle: int
    stage: int = Field(description="0 is the first.")
    stages: list[StageView] = Field(description="Empty without a curriculum.")
    records: int = Field(description="In the database, of the run's variant and board sizes.")
    records_before: int = Field(description="How many of them were there when the run began.")
    records_end: int = Field(description="How many there will be when the run ends by its cycles or its target.")
    records_target: int
    games: int
    records_per_s: float | None = Field(description="Over the last quarter of the run's time, trainings included.")
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


class GameCurves(ResponseModel):
    """Self-play's games in the order of their making, averaged over windows of as many games each."""

    at: list[float]
    records: list[int] = Field(description="In the database by then.")
    games: list[int]
    plies: list[float]
    by_five: list[float]
    by_captures: list[float]
    draws: list[float]
    won_by_player_1: list[float]


class TrainingCurves(ResponseModel):
    """Every epoch of the newest trainings. Losses in nats; nulls where a value was not measured."""

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
    """How fast self-play was, at moments some seconds apart."""

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
    """A player's Elo with its 95% interval; `spread` is half of that among players of its class, null alone in it.

    `records` and `elapsed_s` tell how far the run was; null for a player that is not one of its networks.
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
    """All players rated by their stored matches of one variant and board size; `message` where there are none."""

    variant: str
    board_size: int
    games: int
    first_player_elo: float | None
    players: list[RatedView]
    warnings: list[str]
    message: str


class FindingView(ResponseModel):
    """Something that the doctor finds wrong, and the settings to change, each as `key=value`."""

    check: str
    severity: Literal["critical", "warning", "hint"]
    title: str
    evidence: str
    advice: str
    settings: list[str]
    present: dict[str, str] = Field(description="What each of these settings is now, by its `key=value`.")


class CheckView(ResponseModel):
    """A check that found all well, or could not look; `text` says what it saw, or why."""

    check: str
    text: str


class DoctorAnswer(ResponseModel):
    """The doctor's newest examination of a run. While one goes on, `check` is what is being looked at."""

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
    """The run's logs, newest first, and the last lines of the one asked for (by default the newest coordination's)."""

    files: list[LogFileView]
    name: str | None
    lines: list[str]


class StartedAnswer(ResponseModel):
    """What was asked for is on its way; `pid` is the run's process where there is one."""

    state: RunState
    pid: int | None


class BoardView(ResponseModel):
    """A game in play: its moves, and the board that they come to."""

    seed: str
    moves: list[str]
    stones: dict[str, list[str]]
    captured: dict[str, int] = Field(description="Pairs captured by each player.")


class BoardsAnswer(ResponseModel):
    """Games that a run's self-play has on its boards now; none where nothing is played."""

    variant: str | None
    board_size: int | None
    model_type: str | None
    step: int | None
    updated_at: float | None
    games: list[BoardView]


class RunGame(ResponseModel):
    """A game in a run's database, with its moves."""

    id: int
    variant: str
    board_size: int
    moves: list[str]
    winner: Literal[0, 1, 2] | None
    won_by: str
    created_at: int
    model_type: str
    step: int
