"""Every setting there is: its name, type, default, meaning, unit and range. Read-only once made."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from alphapente.config.allowed import whole_number
from alphapente.config.curriculum import check_curriculum
from alphapente.config.model_settings import ModelSettings, resolve_models
from alphapente.config.promotion import check_promotion
from alphapente.config.refusal import RefusedError, nearest
from alphapente.config.section import Section, path_setting, setting
from alphapente.config.web_settings import WebSettings
from alphapente.files import configured_path

Variant = Literal["pente", "keryo", "gomoku", "gpente", "poof", "boat"]
SampleStrategy = Literal["recent", "random", "top_random", "window"]
Device = Literal["auto", "cpu", "cuda", "openvino"]
Orientations = Annotated[Literal[1, 2, 4, 8], BeforeValidator(whole_number)]

MAX_SEED = 2**63 - 1
MAX_COUNT = 10**9


class GameSettings(Section):
    """What is played."""

    variant: Variant = setting("pente", "The rules played by.")
    board_size: int = setting(19, "Side of the board.", "points", ge=7, le=19)


class GenerationSettings(Section):
    """Self-play: how games are made, and when to stop."""

    simulations: int = setting(100, "Search effort for each move.", "simulations per move", ge=1, le=100_000)
    record_limit: int = setting(1000, "Stop after this many new records.", "records", ge=1, le=MAX_COUNT)
    mcts_random: float = setting(
        0.3, "Weight of random (Dirichlet) noise in the priors at the root.", "share of 1", ge=0, le=1
    )
    mcts_temperature: float = setting(
        1.0, "Spread of the choice among the searched moves in the opening; 0 plays the best found.", ge=0, le=10
    )
    model_type: str = setting("simple", "The model that plays: a name under `models`.", min_length=1)
    save_interval_games: int = setting(50, "A checkpoint line in the log each so many games.", "games", ge=1, le=10**6)
    temperature_half_life: float = setting(
        10.0, "The temperature nears its final value by half each so many plies.", "plies", gt=0, le=1000
    )
    temperature_final: float = setting(0.2, "Where the temperature settles late in a game.", ge=0, le=10)
    random_move_rate: float = setting(
        0.0, "Probability that a move is drawn at random among the legal points.", "probability", ge=0, le=1
    )
    opening_plies: int = setting(
        4, "Each game starts with 0 to so many random plies near the stones.", "plies", ge=0, le=40
    )
    policy_opening_plies: int = setting(
        0, "Then come 0 to so many plies drawn from the network's policy, without search.", "plies", ge=0, le=40
    )
    policy_opening_temperature: float = setting(
        1.6, "How that policy is flattened (above 1) before a move is drawn.", gt=0, le=10
    )
    full_search_share: float = setting(
        1.0,
        "Share of the searches that are full; the others are cheap, without noise, and teach no policy.",
        "share of 1",
        gt=0,
        le=1,
    )
    cheap_simulations: int = setting(
        16,
        "Effort of a cheap search, and of a full one once the game is decided.",
        "simulations per move",
        ge=1,
        le=100_000,
    )
    decided_value: float = setting(
        1.0, "Beyond this value for the same player a game is near its end; 1: never.", "value, 0 to 1", ge=0, le=1
    )
    decided_turns: int = setting(3, "For how many searches on end it must be so.", "searches", ge=1, le=100)
    decided_weight: float = setting(
        0.1, "Weight of the policy target where a game is wholly decided.", "share of 1", ge=0, le=1
    )
    end_when_proven: bool = setting(False, "Once a search has proven who wins, the game is played out without records.")
    workers: int = setting(
        0, "Worker processes; on a GPU, threads; 0: one per core, on a GPU up to 4.", "workers", ge=0, le=1024
    )
    games_per_worker: int = setting(
        0, "Games in play at once in each worker; 0: 64, on a GPU 1024.", "games", ge=0, le=4096
    )
    games: int | None = setting(
        None, "Stop after this many games too; null leaves it to the records.", "games", ge=1, le=MAX_COUNT
    )
    seed: int | None = setting(
        None, "Seed of the random numbers; null draws a fresh one and logs it.", ge=0, le=MAX_SEED
    )


class SearchSettings(Section):
    """Monte Carlo tree search."""

    root: Literal["gumbel", "puct"] = setting("gumbel", "How the root shares out its simulations.")
    considered_points: int = setting(
        16, "Gumbel root: how many points sequential halving starts from.", "points", ge=2, le=361
    )
    value_scale: float = setting(0.1, "Gumbel root: c_scale, weight of values against logits.", ge=0, le=100)
    visit_offset: float = setting(50, "Gumbel root: c_visit, added to the most visits.", "visits", ge=0, le=100_000)
    exploration: float = setting(1.0, "PUCT: the exploration constant.", ge=0, le=100)
    exploration_log: float = setting(
        0.45, "PUCT: how much exploration grows with the logarithm of the visits.", ge=0, le=100
    )
    exploration_base: float = setting(
        500, "PUCT: visits from which that growth is felt.", "visits", ge=1, le=1_000_000_000
    )
    first_play_reduction: float = setting(
        0.2, "An unvisited child counts as its parent's value less this.", "value, -1 to 1", ge=0, le=2
    )
    noise_concentration: float = setting(
        10.83, "Dirichlet noise: total concentration, shared by the legal points.", gt=0, le=10_000
    )
    noise_shaped: float = setting(
        0.0,
        "Dirichlet noise: share of its concentration that goes to the points of more than the usual prior.",
        "share of 1",
        ge=0,
        le=1,
    )
    root_policy_temperature: float = setting(
        1.0, "Flattens (above 1) the priors at the root, where there is noise.", gt=0, le=10
    )
    root_policy_temperature_final: float | None = setting(
        None, "Where that settles late in a game; null: it stays as it is.", gt=0, le=10
    )
    root_policy_temperature_half_life: float = setting(
        10.0, "It nears its final value by half each so many plies.", "plies", gt=0, le=1000
    )
    forced_playouts: float = setting(
        0.0,
        "PUCT root, where there is noise: a visited point gets at least sqrt(this * prior * visits) visits; 0: none.",
        ge=0,
        le=100,
    )
    tree_reuse: bool = setting(True, "Keep the chosen move's subtree for the next move; its visits count there.")
    cached_positions: int = setting(
        16_384,
        "Evaluations kept for when a position comes again, turned or by other moves; 0: none.",
        "positions",
        ge=0,
        le=2**26,
    )
    root_solver_nodes: int = setting(
        16,
        "Threat solver at the root: positions looked at for each simulation, 5,000 in all at most, for a forced win by "
        "fours, open threes and captures; 0: off.",
        "positions",
        ge=0,
        le=5_000,
    )
    leaf_solver_nodes: int = setting(
        16,
        "Threat solver at each leaf: positions looked at for a forced win by fours and captures; 0: off.",
        "positions",
        ge=0,
        le=100_000,
    )
    leaves_at_once: int = setting(
        8,
        "One big tree (play, the page, by the clock): leaves that await the network at once.",
        "positions",
        ge=1,
        le=1024,
    )
    virtual_loss: float = setting(
        1, "One big tree: visits counted as lost while a leaf awaits the network.", "visits", ge=0, le=100
    )


class AugmentationSettings(Section):
    """The board's symmetries in training."""

    enabled: bool = setting(True, "Show the network turned and mirrored boards.")
    orientations: Orientations = setting(8, "How many of the 8 symmetries to draw from.", "symmetries")


class WindowSettings(Section):
    """How far back sample_strategy "window" reaches: sublinearly, as in KataGo (Wu 2019, appendix C)."""

    records: int = setting(25_000, "Up to so many records all are drawn from.", "records", ge=1, le=MAX_COUNT)
    exponent: float = setting(0.75, "With which power of all records it then grows.", gt=0, le=1)
    slope: float = setting(0.4, "How fast it begins to grow there: 1 as fast as the records do.", ge=0, le=1)


class AuxiliarySettings(Section):
    """Weights in the loss of what only training is asked about; 0: it is not, and costs nothing."""

    reply: float = setting(0.0, "How the opponent then plays.", "weight", ge=0, le=100)
    soft_policy: float = setting(0.0, "The policy target, flattened: its fourth root.", "weight", ge=0, le=100)
    captured: float = setting(0.0, "Stones captured by each at the end of the game.", "weight", ge=0, le=100)
    plies_left: float = setting(0.0, "How near the end of the game is.", "weight", ge=0, le=100)


class TrainingSettings(Section):
    """Records into weights."""

    model_type: str = setting("simple", "The model to train: a name under `models`.", min_length=1)
    batch_size: int = setting(32, "Records in one optimizer step.", "records", ge=1, le=65_536)
    learning_rate: float = setting(0.001, "Step size of the optimizer.", gt=0, le=1)
    num_epochs: int = setting(
        50, "Passes over the sample; with `reuse`, in how many parts a training is told.", "epochs", ge=1, le=100_000
    )
    reuse: float | None = setting(
        None,
        "How often each new record is trained on, on average, by one training at most after each generation; null: as "
        "often as num_epochs and the sample make it.",
        "times",
        gt=0,
        le=1000,
    )
    save_interval: int = setting(10, "A checkpoint each so many epochs.", "epochs", ge=1, le=100_000)
    data_sample_size: int = setting(10_000, "Records drawn from the database.", "records", ge=1, le=MAX_COUNT)
    sample_strategy: SampleStrategy = setting("top_random", "How the records are drawn.")
    sample_top_percent: float = setting(
        0.7, "top_random: share of the sample that is the newest records.", "share of 1", ge=0, le=1
    )
    window: WindowSettings = setting(WindowSettings(), 'How far back sample_strategy "window" reaches.')
    surprise_weight: float = setting(
        0.0,
        "Share of how often a record is seen that goes by how much its search surprised the network.",
        "share of 1",
        ge=0,
        le=1,
    )
    validation_share: float = setting(
        0.02, "Share of the games that are held out, to be asked about only.", "share of 1", ge=0, le=0.5
    )
    augmentation: AugmentationSettings = setting(AugmentationSettings(), "The board's symmetries in training.")
    auxiliary: AuxiliarySettings = setting(AuxiliarySettings(), "What only training is asked about.")
    weight_decay: float = setting(1e-4, "Pull of the weights towards 0.", ge=0, le=1)
    seed: int | None = setting(
        None, "Seed of the random numbers; null draws a fresh one and logs it.", ge=0, le=MAX_SEED
    )
    outcome_weight: float = setting(
        0.6, "Value label: share of the game's outcome; the search's value has the rest.", "share of 1", ge=0, le=1
    )
    value_loss_weight: float = setting(1.0, "Weight of the value loss against the policy loss.", ge=0, le=100)
    average_decay: float = setting(
        0.99, "Weights for play are a moving average that keeps this much each step.", "share of 1", ge=0, lt=1
    )
    warmup_steps: int = setting(100, "Steps over which a fresh optimizer's rate rises.", "steps", ge=0, le=1_000_000)
    final_rate_fraction: float = setting(
        0.25, "The learning rate's factor in the last steps.", "share of 1", gt=0, le=1
    )
    final_rate_epochs: float = setting(0.3, "The last steps: this share of a training's.", "share of 1", ge=0, le=1)
    gradient_clip: float = setting(5.0, "Longest gradient taken as it is.", "norm", gt=0, le=1_000_000)
    threads: int = setting(0, "Threads of the training; 0 takes all cores.", "threads", ge=0, le=1024)


class StageSettings(Section):
    """A stage of the curriculum: what differs while it lasts, and when it ends (a null ends nothing)."""

    board_size: int | None = setting(None, "Side of the board; null: game.board_size.", "points", ge=7, le=19)
    simulations: int | None = setting(
        None, "Search effort; null: generation.simulations.", "simulations per move", ge=1, le=100_000
    )
    records: int | None = setting(
        None, "The stage ends when it has made so many records.", "records", ge=1, le=MAX_COUNT
    )
    minutes: float | None = setting(None, "The stage ends when it has lasted so long.", "minutes", gt=0, le=10**6)
    settings: dict[str, bool | int | float | str | None] = setting(
        {}, "Other keys by their full path; of the sections generation, search, training and network."
    )


class PipelineSettings(Section):
    """The schedule over generation and training."""

    generation_cycles: int = setting(3, "Generations at most.", "cycles", ge=1, le=1_000_000)
    training_cycles_per_generation: int = setting(2, "Trainings after each generation.", "trainings", ge=0, le=1000)
    total_records_target: int = setting(
        50_000, "Stop once the database holds so many records.", "records", ge=1, le=MAX_COUNT
    )
    checkpoint_dir: str = path_setting("./checkpoints", "Folder of the checkpoints, from the current directory.")
    log_dir: str = path_setting("./logs", "Folder of the logs, from the current directory.")
    mode: Literal["cycles", "async"] = setting("cycles", "One after the other, or side by side over one database.")
    curriculum: list[StageSettings] = setting(
        [], "Stages one after the other: other boards, other search effort. Empty: all of the run is one stage."
    )
    time_limit_minutes: float | None = setting(
        None, "The run ends after so long, its last training included; null: no limit.", "minutes", gt=0, le=10**7
    )
    keep_checkpoints: bool = setting(False, "Keep each training's network, in `history` beside the checkpoint.")
    promotion: Literal["off", "sprt"] = setting(
        "off",
        "Who plays: each training's network (off), or the last one that a sequential test found stronger than the one "
        "before (sprt, mode cycles).",
    )
    promotion_simulations: int = setting(100, "The test's search effort.", "simulations per move", ge=1, le=100_000)
    promotion_elo0: float = setting(0.0, "Hypothesis 0: the new network is so much stronger.", "Elo", ge=-1000, le=1000)
    promotion_elo1: float = setting(50.0, "Hypothesis 1, above 0's.", "Elo", ge=-1000, le=1000)
    promotion_alpha: float = setting(
        0.05, "Chance at most to promote where hypothesis 0 holds.", "probability", gt=0, lt=0.5
    )
    promotion_beta: float = setting(
        0.05, "Chance at most not to promote where hypothesis 1 holds.", "probability", gt=0, lt=0.5
    )
    promotion_max_pairs: int = setting(
        200, "So many pairs of games at most; undecided then, the old network stays.", "pairs", ge=1, le=100_000
    )

    @property
    def checkpoint_folder(self) -> Path:
        """`checkpoint_dir` as a path, its `~` replaced."""
        return configured_path(self.checkpoint_dir)

    @property
    def log_folder(self) -> Path:
        """`log_dir` as a path, its `~` replaced."""
        return configured_path(self.log_dir)


class RecordsSettings(Section):
    """Where games and records are kept."""

    database: str = path_setting("./data/records.db", "A file, or a URL: sqlite:///... or postgresql+psycopg://...")
    busy_timeout_s: float = setting(60, "How long to wait for a locked database.", "seconds", ge=0, le=86_400)


class NetworkSettings(Section):
    """Where and how precisely the network runs."""

    device: Device = setting("auto", "What runs the network.")
    precision: Literal["auto", "fp32", "bf16", "int8"] = setting(
        "auto",
        "Numbers the network computes with: auto is bf16 where there is, else fp32; int8 is for play with OpenVINO.",
    )
    threads_per_worker: int = setting(1, "Threads of each self-play worker's network.", "threads", ge=1, le=1024)


class Config(Section):
    """The whole configuration, resolved: `config.generation.simulations` and so on."""

    game: GameSettings = setting(GameSettings(), "What is played.")
    generation: GenerationSettings = setting(GenerationSettings(), "Self-play.")
    search: SearchSettings = setting(SearchSettings(), "Monte Carlo tree search.")
    training: TrainingSettings = setting(TrainingSettings(), "Records into weights.")
    pipeline: PipelineSettings = setting(PipelineSettings(), "The schedule.")
    records: RecordsSettings = setting(RecordsSettings(), "The database.")
    network: NetworkSettings = setting(NetworkSettings(), "Where the network runs.")
    web: WebSettings = setting(WebSettings(), "The page in the browser.")
    models: dict[str, ModelSettings] = Field(
        default_factory=lambda: resolve_models({}), description="Models by name; open to your own."
    )

    @field_validator("models", mode="before")
    @classmethod
    def _resolve_models(cls, value: object) -> dict[str, ModelSettings]:
        return resolve_models(value)

    @model_validator(mode="after")
    def _check_model_types(self, info: ValidationInfo) -> "Config":
        if info.context and info.context.get("part"):
            return self
        for section, name in (("generation", self.generation.model_type), ("training", self.training.model_type)):
            if name not in self.models:
                allowed = "one of " + ", ".join(f'"{known}"' for known in sorted(self.models)) + " (keys of `models`)"
                raise RefusedError((section, "model_type"), name, allowed, nearest(name, self.models))
        return self

    @model_validator(mode="after")
    def _check_promotion(self, info: ValidationInfo) -> "Config":
        if not (info.context and info.context.get("part")):
            check_promotion(self)
        return self

    @model_validator(mode="after")
    def _check_curriculum(self, info: ValidationInfo) -> "Config":
        if not (info.context and info.context.get("part")):
            check_curriculum(self)
        return self

    def to_dict(self) -> dict[str, Any]:
        """Plain nested dictionaries, ready for JSON; `load_config` of them gives an equal configuration."""
        return self.model_dump(mode="json", by_alias=True)

    def dump_json(self) -> str:
        """The resolved configuration as the text of a JSON file."""
        return json.dumps(self.to_dict(), indent=2) + "\n"
