"""The sections of the configuration: name, type, default, meaning, unit and range of each setting."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from alphapente.config.allowed import whole_number
from alphapente.config.section import Section, path_setting, setting
from alphapente.files import configured_path

Variant = Literal["pente", "keryo", "gomoku", "gpente", "poof", "boat"]
SampleStrategy = Literal["recent", "random", "top_random", "window"]
Device = Literal["auto", "cpu", "cuda", "openvino"]
Orientations = Annotated[Literal[1, 2, 4, 8], BeforeValidator(whole_number)]
BoardSize = Annotated[int, Field(ge=7, le=19)]

MAX_SEED = 2**63 - 1
MAX_COUNT = 10**9


class GameSettings(Section):
    """The game."""

    variant: Variant = setting("pente", "Rules of the game.")
    board_size: BoardSize = setting(19, "Side of the board.", "points")


class GenerationSettings(Section):
    """Self-play: how games are played, and when to stop."""

    simulations: int = setting(100, "MCTS simulations for each move.", "simulations per move", ge=1, le=100_000)
    record_limit: int = setting(1000, "Stop after this number of new records.", "records", ge=1, le=MAX_COUNT)
    mcts_random: float = setting(
        0.3, "Dirichlet epsilon: weight of Dirichlet noise in the root's priors.", "share of 1", ge=0, le=1
    )
    mcts_temperature: float = setting(
        1.0, "Policy temperature for the choice of moves in the opening; 0 plays the best move.", ge=0, le=10
    )
    model_type: str = setting("simple", "Model that plays: a name under `models`.", min_length=1)
    save_interval_games: int = setting(50, "Games between two checkpoint lines in the log.", "games", ge=1, le=10**6)
    temperature_half_life: float = setting(
        10.0, "Plies in which the policy temperature's distance to its final value halves.", "plies", gt=0, le=1000
    )
    temperature_final: float = setting(0.2, "Policy temperature late in a game.", ge=0, le=10)
    random_move_rate: float = setting(
        0.0, "Probability that a move is drawn uniformly from the legal points.", "probability", ge=0, le=1
    )
    opening_plies: int = setting(
        4, "Each game starts with 0 to this number of random plies near the stones.", "plies", ge=0, le=40
    )
    policy_opening_plies: int = setting(
        0, "Then 0 to this number of plies are drawn from the network's policy, without search.", "plies", ge=0, le=40
    )
    policy_opening_temperature: float = setting(
        1.6, "Policy temperature of these plies; above 1 flattens the policy.", gt=0, le=10
    )
    full_search_share: float = setting(
        1.0,
        "Playout cap randomization: share of full searches; cheap ones have no noise and no policy target.",
        "share of 1",
        gt=0,
        le=1,
    )
    cheap_simulations: int = setting(
        16,
        "Playout cap randomization: simulations of a cheap search, and of a full search in a decided game.",
        "simulations per move",
        ge=1,
        le=100_000,
    )
    decided_value: float = setting(
        1.0,
        "A game becomes decided as search values for the same player rise from this to 1; 1: never.",
        "value, 0 to 1",
        ge=0,
        le=1,
    )
    decided_turns: int = setting(
        3, "Number of consecutive searches that must exceed decided_value.", "searches", ge=1, le=100
    )
    decided_weight: float = setting(
        0.1, "Weight of the policy target in a fully decided game.", "share of 1", ge=0, le=1
    )
    end_when_proven: bool = setting(False, "After a search has proven the winner, the game continues without records.")
    workers: int = setting(
        0, "Worker processes, on a GPU threads; 0: one per core, on a GPU up to 4.", "workers", ge=0, le=1024
    )
    games_per_worker: int = setting(
        0, "Simultaneous games in each worker; 0: 64, on a GPU 1024.", "games", ge=0, le=4096
    )
    games: int | None = setting(
        None, "Stop after this number of games too; null: no limit.", "games", ge=1, le=MAX_COUNT
    )
    seed: int | None = setting(None, "Random seed; null: a new seed is drawn and logged.", ge=0, le=MAX_SEED)


class SearchSettings(Section):
    """Monte Carlo tree search."""

    root: Literal["gumbel", "puct"] = setting(
        "gumbel", "Selection at the root: sequential halving of Gumbel candidates, or PUCT."
    )
    considered_points: int = setting(
        16, "Gumbel root: number of candidates at the start of sequential halving.", "points", ge=2, le=361
    )
    value_scale: float = setting(0.1, "Gumbel root: c_scale, weight of completed Q against log priors.", ge=0, le=100)
    visit_offset: float = setting(
        50, "Gumbel root: c_visit, added to the largest visit count.", "visits", ge=0, le=100_000
    )
    exploration: float = setting(1.0, "PUCT: c_puct, the exploration constant, at few visits.", ge=0, le=100)
    exploration_log: float = setting(
        0.45, "PUCT: c_puct grows by this * log(1 + visits / exploration_base).", ge=0, le=100
    )
    exploration_base: float = setting(
        500, "PUCT: visits at which the growth of c_puct becomes noticeable.", "visits", ge=1, le=1_000_000_000
    )
    first_play_reduction: float = setting(
        0.2,
        "FPU, first-play urgency: a move without visits gets its parent's value minus this.",
        "value, -1 to 1",
        ge=0,
        le=2,
    )
    noise_concentration: float = setting(
        10.83, "Dirichlet alpha, in total: it is shared by the legal points.", gt=0, le=10_000
    )
    noise_shaped: float = setting(
        0.0,
        "Shaped Dirichlet noise: share of Dirichlet alpha for points with more than the usual prior.",
        "share of 1",
        ge=0,
        le=1,
    )
    root_policy_temperature: float = setting(
        1.0, "Policy temperature of the root's priors, used with noise; above 1 flattens them.", gt=0, le=10
    )
    root_policy_temperature_final: float | None = setting(
        None, "The root's policy temperature late in a game; null: constant.", gt=0, le=10
    )
    root_policy_temperature_half_life: float = setting(
        10.0, "Plies in which its distance to the final value halves.", "plies", gt=0, le=1000
    )
    forced_playouts: float = setting(
        0.0,
        "Forced playouts, at a PUCT root with noise: a visited move gets sqrt(this * prior * visits) visits; 0: none.",
        ge=0,
        le=100,
    )
    tree_reuse: bool = setting(
        True, "Tree reuse: keep the subtree of the move played; its visits count in the next search."
    )
    cached_positions: int = setting(
        16_384,
        "Cached evaluations, reused for transpositions and symmetric positions; 0: none.",
        "positions",
        ge=0,
        le=2**26,
    )
    root_solver_nodes: int = setting(
        16,
        "Solver at the root, finds VCT (fours, open threes, captures): positions per simulation, at most 5,000 in all; "
        "0: off.",
        "positions",
        ge=0,
        le=5_000,
    )
    leaf_solver_nodes: int = setting(
        16,
        "Solver at each leaf, finds VCF (fours and captures): positions at most; 0: off.",
        "positions",
        ge=0,
        le=100_000,
    )
    leaves_at_once: int = setting(
        8,
        "Single tree (play, web page, timed search): leaves that await the network at once.",
        "positions",
        ge=1,
        le=1024,
    )
    virtual_loss: float = setting(
        1, "Single tree: virtual loss, visits counted as lost while a leaf awaits the network.", "visits", ge=0, le=100
    )


class AugmentationSettings(Section):
    """Symmetries of the board in training."""

    enabled: bool = setting(True, "Transform positions by a random symmetry.")
    orientations: Orientations = setting(8, "Number of the 8 symmetries to draw from.", "symmetries")


class WindowSettings(Section):
    """The window of sample_strategy "window": it grows sublinearly, as in KataGo (Wu 2019, appendix C)."""

    records: int = setting(
        25_000, "Up to this number of records, the window contains all records.", "records", ge=1, le=MAX_COUNT
    )
    exponent: float = setting(
        0.75, "Beyond, the window grows with this power of the number of all records.", gt=0, le=1
    )
    slope: float = setting(0.4, "Beyond, initial growth of the window per new record.", ge=0, le=1)


class AuxiliarySettings(Section):
    """Loss weights of auxiliary targets; a target of weight 0 is not computed."""

    reply: float = setting(0.0, "The opponent's reply.", "weight", ge=0, le=100)
    soft_policy: float = setting(0.0, "The flattened policy target: its fourth root.", "weight", ge=0, le=100)
    captured: float = setting(0.0, "Stones captured by each player by the end of the game.", "weight", ge=0, le=100)
    plies_left: float = setting(0.0, "How close the end of the game is.", "weight", ge=0, le=100)


class TrainingSettings(Section):
    """Training of a model on records."""

    model_type: str = setting("simple", "Model to train: a name under `models`.", min_length=1)
    batch_size: int = setting(32, "Records in one optimizer step.", "records", ge=1, le=65_536)
    learning_rate: float = setting(0.001, "Learning rate of the optimizer.", gt=0, le=1)
    num_epochs: int = setting(
        50,
        "Passes over the sample; with `reuse`, only the number of parts in which a training is reported.",
        "epochs",
        ge=1,
        le=100_000,
    )
    reuse: float | None = setting(
        None,
        "Replay ratio: how often each new record is trained on, on average, with at most one training after each "
        "generation; null: given by num_epochs and the sample.",
        "times",
        gt=0,
        le=1000,
    )
    save_interval: int = setting(10, "Epochs between two checkpoints.", "epochs", ge=1, le=100_000)
    data_sample_size: int = setting(10_000, "Records sampled from the database.", "records", ge=1, le=MAX_COUNT)
    board_sizes: list[BoardSize] = setting(
        [],
        "Further board sizes to train on; each has the share of the sample that it has of the records of all of them; "
        'with sample_strategy "window", of those in their windows.',
        "points",
    )
    sample_strategy: SampleStrategy = setting("top_random", "How the records are sampled.")
    sample_top_percent: float = setting(
        0.7, "top_random: share of the sample that is the newest records.", "share of 1", ge=0, le=1
    )
    window: WindowSettings = setting(WindowSettings(), 'The window of sample_strategy "window".')
    surprise_weight: float = setting(
        0.0,
        "Surprise weighting: share of a record's weight that depends on how much its search changed the policy.",
        "share of 1",
        ge=0,
        le=1,
    )
    validation_share: float = setting(
        0.02, "Share of held-out games, which are used for validation only.", "share of 1", ge=0, le=0.5
    )
    augmentation: AugmentationSettings = setting(AugmentationSettings(), "Symmetries of the board in training.")
    auxiliary: AuxiliarySettings = setting(AuxiliarySettings(), "Auxiliary targets.")
    weight_decay: float = setting(1e-4, "Weight decay of the optimizer (AdamW).", ge=0, le=1)
    seed: int | None = setting(None, "Random seed; null: a new seed is drawn and logged.", ge=0, le=MAX_SEED)
    outcome_weight: float = setting(
        0.6, "Value target: share of the game's outcome; the rest is the search value.", "share of 1", ge=0, le=1
    )
    value_loss_weight: float = setting(1.0, "Weight of the value loss relative to the policy loss.", ge=0, le=100)
    average_decay: float = setting(
        0.99, "Decay per step of the EMA of the weights, which plays; 0: no EMA.", "share of 1", ge=0, lt=1
    )
    warmup_steps: int = setting(
        100, "Warm-up: steps in which the learning rate of a fresh optimizer rises.", "steps", ge=0, le=1_000_000
    )
    final_rate_fraction: float = setting(
        0.25, "Factor of the learning rate in the last steps.", "share of 1", gt=0, le=1
    )
    final_rate_epochs: float = setting(
        0.3, "Share of a training's steps that are the last steps.", "share of 1", ge=0, le=1
    )
    gradient_clip: float = setting(5.0, "Gradients with a larger norm are clipped to it.", "norm", gt=0, le=1_000_000)
    threads: int = setting(0, "Threads of the training; 0: all cores.", "threads", ge=0, le=1024)


class StageSettings(Section):
    """A stage of the curriculum: its settings, and when it ends (a null sets no limit)."""

    board_size: int | None = setting(None, "Side of the board; null: game.board_size.", "points", ge=7, le=19)
    simulations: int | None = setting(
        None, "Simulations per move; null: generation.simulations.", "simulations per move", ge=1, le=100_000
    )
    records: int | None = setting(
        None, "The stage ends after this number of new records.", "records", ge=1, le=MAX_COUNT
    )
    minutes: float | None = setting(None, "The stage ends after this time.", "minutes", gt=0, le=10**6)
    settings: dict[str, bool | int | float | str | None] = setting(
        {}, "Other settings by dotted key, from the sections generation, search, training and network."
    )


class PipelineSettings(Section):
    """The schedule of generations and trainings."""

    generation_cycles: int = setting(3, "Maximum number of generations.", "cycles", ge=1, le=1_000_000)
    training_cycles_per_generation: int = setting(2, "Trainings after each generation.", "trainings", ge=0, le=1000)
    total_records_target: int = setting(
        50_000, "Stop when the database has this number of records.", "records", ge=1, le=MAX_COUNT
    )
    checkpoint_dir: str = path_setting("./checkpoints", "Folder of the checkpoints, relative to the current directory.")
    log_dir: str = path_setting("./logs", "Folder of the logs, relative to the current directory.")
    mode: Literal["cycles", "async"] = setting(
        "cycles", "Generation and training in turn (cycles), or at the same time over one database (async)."
    )
    curriculum: list[StageSettings] = setting(
        [], "Curriculum: stages with their own board size, search effort and settings; empty: one stage."
    )
    repeat_from_stage: int | None = setting(
        None,
        "After the last stage of the curriculum this stage begins again (1 is the first); null: the last stage lasts "
        "until the run ends.",
        "stage",
        ge=1,
        le=1000,
    )
    time_limit_minutes: float | None = setting(
        None, "The run ends after this time, including the last training; null: no limit.", "minutes", gt=0, le=10**7
    )
    keep_checkpoints: bool = setting(
        False, "Keep the network of each training in the folder `history` beside the checkpoint."
    )
    promotion: Literal["off", "sprt"] = setting(
        "off",
        "Gating: off: each training's network plays; sprt (mode cycles): a network plays only after an SPRT found it "
        "stronger than the previous one.",
    )
    promotion_simulations: int = setting(
        100, "Simulations per move in the SPRT.", "simulations per move", ge=1, le=100_000
    )
    promotion_elo0: float = setting(
        0.0, "SPRT hypothesis 0: Elo difference of the new network.", "Elo", ge=-1000, le=1000
    )
    promotion_elo1: float = setting(
        50.0, "SPRT hypothesis 1: Elo difference, above promotion_elo0.", "Elo", ge=-1000, le=1000
    )
    promotion_alpha: float = setting(
        0.05, "SPRT: probability of a promotion if hypothesis 0 is true.", "probability", gt=0, lt=0.5
    )
    promotion_beta: float = setting(
        0.05, "SPRT: probability of no promotion if hypothesis 1 is true.", "probability", gt=0, lt=0.5
    )
    promotion_max_pairs: int = setting(
        200, "SPRT: maximum number of pairs of games; if undecided, the old network stays.", "pairs", ge=1, le=100_000
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
    """The database of games and records."""

    database: str = path_setting("./data/records.db", "A file, or a URL: sqlite:///... or postgresql+psycopg://...")
    busy_timeout_s: float = setting(60, "Time to wait for a locked database.", "seconds", ge=0, le=86_400)


class NetworkSettings(Section):
    """Device and precision of the network."""

    device: Device = setting("auto", "Device and library that run the network.")
    precision: Literal["auto", "fp32", "bf16", "int8"] = setting(
        "auto",
        "Precision of the network: auto is bf16 if supported, else fp32; int8 is for play with OpenVINO.",
    )
    threads_per_worker: int = setting(1, "Threads of the network in each self-play worker.", "threads", ge=1, le=1024)
