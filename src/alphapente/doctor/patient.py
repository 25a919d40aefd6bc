"""What the doctor looks at: the games, the records, the checkpoint, the curves; each is fetched when it is asked for.

What is not there raises NotSeenError with the reason, so that a check that needs it is told as "not looked at".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alphapente.config import Config, in_stage, stage_sizes
from alphapente.doctor.curves import JobCurves, read_jobs
from alphapente.doctor.findings import NotSeenError
from alphapente.errors import AlphaPenteError, RequestError
from alphapente.network.paths import checkpoint_path, promoted_path
from alphapente.pipeline.state import STATE_NAME, State, load_state
from alphapente.records.model import PoolStats, RecordBatch, StoredGame, StoreStats
from alphapente.records.store import Store

if TYPE_CHECKING:
    from alphapente.network.checkpoint import Checkpoint
    from alphapente.network.evaluator import Evaluator
    from alphapente.network.load import Source
    from alphapente.training.batches import Batch

NEWEST_GAMES = 500
NEWEST_RECORDS = 4000
JUDGED_RECORDS = 512
"""The network is asked about so many records at most."""
BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """n records and what the network says of them."""

    value: NDArray[np.float32]  # [n] the network's, the player to move's
    outcome: NDArray[np.float32]  # [n] 1 win, 0 draw, -1 loss of the game
    settled: NDArray[np.bool_]  # [n] whether that came by moves that were chosen, none of them drawn at random
    cross_entropy: NDArray[np.float32]  # [n] of its policy against the targets, over the legal points, in nats
    target_entropy: NDArray[np.float32]  # [n]
    policy_weight: NDArray[np.float32]  # [n] how much the target counts in training; not 0 for all
    num_legal: NDArray[np.int64]  # [n]

    def of_policy(self, numbers: NDArray[Any]) -> float:
        """The mean of float[n], each weighed as its policy target is."""
        return float(np.average(numbers, weights=self.policy_weight))


class Patient:
    """A configuration's pool of records, its log folder, and the checkpoint of `training.model_type`.

    `configured` is the whole configuration, `config` what is in force of it: where a run with a curriculum has begun,
    that of its present stage.
    """

    def __init__(self, config: Config) -> None:
        self.state_path = config.pipeline.checkpoint_folder / STATE_NAME
        self.configured = config
        self.num_stages = len(config.pipeline.curriculum)
        self.config = in_stage(config, self._stage) if self.num_stages else config
        self.model_type = config.training.model_type
        self.checkpoint_path = checkpoint_path(config, self.model_type)

    @property
    def _stage(self) -> int:
        """The present stage, from 0; the first where no run has begun or its state cannot be read (`state` tells)."""
        try:
            return min(self.state.stage, self.num_stages - 1)
        except (NotSeenError, AlphaPenteError):
            return 0

    @cached_property
    def state(self) -> State:
        """Where the run of the pipeline stands. Raises FailureError for a state that cannot be read."""
        found = load_state(self.state_path)
        if found is None:
            raise NotSeenError(f"no run of the pipeline has left its state in {self.state_path}")
        return found

    @property
    def pool_name(self) -> str:
        """ "pente 19x19"."""
        size = self.config.game.board_size
        return f"{self.config.game.variant} {size}x{size}"

    # --- the database ---

    @cached_property
    def store(self) -> Store:
        """The database, to be read. Raises NotSeenError where there is none yet, DatabaseError for a damaged one."""
        try:
            return Store(self.config.records.database, self.config.records.busy_timeout_s, read_only=True)
        except RequestError as error:
            raise NotSeenError(f"no database: {error}") from error

    @cached_property
    def stats(self) -> StoreStats:
        """What the database holds."""
        return self.store.stats()

    @cached_property
    def pool(self) -> PoolStats:
        """The pool of the configured variant and board size."""
        game = self.config.game
        for pool in self.stats.pools:
            if (pool.variant, pool.board_size) == (game.variant, game.board_size) and pool.records:
                return pool
        raise NotSeenError("no records yet")

    @property
    def run_records(self) -> int:
        """Records of the variant on all boards of the run, as its target counts them; at least one."""
        variant, sizes = self.config.game.variant, stage_sizes(self.configured)
        count = sum(pool.records for pool in self.stats.pools if pool.variant == variant and pool.board_size in sizes)
        if not count:
            raise NotSeenError("no records yet")
        return count

    @cached_property
    def games(self) -> list[StoredGame]:
        """The newest games of self-play, oldest of them first; at least one."""
        found = self.store.newest_games(*self._pool_key, NEWEST_GAMES) if self.pool else []
        if not found:
            raise NotSeenError("no games of self-play yet")
        return found

    @cached_property
    def oldest_games(self) -> list[StoredGame]:
        """The pool's first games of self-play, fewer than `games` and none of those: a quarter of what came before."""
        count = min(NEWEST_GAMES, self.pool.games - len(self.games))
        found: list[StoredGame] = []
        for game in self.store.games(*self._pool_key):
            if len(found) >= count or game.game_id >= self.games[0].game_id:
                break
            if game.source == "selfplay":
                found.append(game)
        return found

    @cached_property
    def records(self) -> RecordBatch:
        """The newest records."""
        _ = self.pool
        return self.store.sample("recent", NEWEST_RECORDS, np.random.default_rng(0), *self._pool_key)

    @property
    def _pool_key(self) -> tuple[str, int]:
        return self.config.game.variant, self.config.game.board_size

    def records_of(self, first_seq: int, count: int) -> RecordBatch:
        """The records numbered first_seq and on; NotSeenError where there is none."""
        batches = list(self.store.record_batches(*self._pool_key, first_seq, count))
        if not batches:
            raise NotSeenError("no such records")
        return batches[0]

    # --- the checkpoint ---

    @cached_property
    def checkpoint(self) -> "Checkpoint":
        """The checkpoint of `training.model_type`. Raises CheckpointError for one that cannot be used."""
        if not self.checkpoint_path.exists():
            raise NotSeenError(f"no checkpoint {self.checkpoint_path} yet")

        from alphapente.network import checkpoint  # imports torch
        from alphapente.network.models import spec_of

        found = checkpoint.read(self.checkpoint_path)
        checkpoint.require_spec(self.checkpoint_path, found, spec_of(self.config, self.model_type))
        return found

    @cached_property
    def promoted(self) -> tuple[int, float]:
        """The step of the promoted network, and when it was promoted, in seconds since 1970.

        Raises NotSeenError where there is none, CheckpointError for one that cannot be read.
        """
        path = promoted_path(self.config, self.model_type)
        if not path.exists():
            raise NotSeenError(f"no network was promoted yet: there is no {path}")

        from alphapente.network import checkpoint  # imports torch

        return checkpoint.read(path).step, path.stat().st_mtime

    @property
    def checkpoint_at(self) -> int:
        """When the checkpoint was saved, in seconds since 1970."""
        try:
            return int(datetime.fromisoformat(self.checkpoint.created).timestamp())
        except ValueError as error:
            raise NotSeenError("the checkpoint does not tell when it was saved") from error

    @property
    def trained_with(self) -> dict[str, Any]:
        """The section `training` that the checkpoint was trained with; empty where it does not tell."""
        try:
            section = json.loads(self.checkpoint.config)["training"]
        except (ValueError, KeyError, TypeError):
            return {}
        return section if isinstance(section, dict) else {}

    @property
    def steps_per_training(self) -> int:
        """Optimizer steps of the training that made the checkpoint, at least 1."""
        start = self.checkpoint.training.get("start_step", 0)
        return max(1, self.checkpoint.step - start) if isinstance(start, int) else 1

    @cached_property
    def network(self) -> "Source":
        """The network that plays, ready to make evaluators of."""
        from alphapente.network import checkpoint
        from alphapente.network.device import choose_device
        from alphapente.network.load import prepare

        model = checkpoint.restore(self.checkpoint_path, self.checkpoint, self.config)
        return prepare(model, self.config, choose_device(self.config.network.device).device)

    def evaluators(self, batch_size: int, board_size: int, count: int = 1) -> "Sequence[Evaluator]":
        """Evaluators of the checkpoint's network, in the precision that plays (int8 aside: see calibration)."""
        from alphapente.network.device import choose_device
        from alphapente.network.load import load_evaluators

        device = choose_device(self.config.network.device).device
        return load_evaluators(self.network, self.config, batch_size, board_size, device, count)

    @cached_property
    def _evaluator(self) -> "Evaluator":
        return self.evaluators(BATCH, self.config.game.board_size)[0]

    @cached_property
    def judged(self) -> Judged:
        """The network's opinion of some of the newest records."""
        return self.judge(self.records)

    def judge(self, records: RecordBatch) -> Judged:
        """The network's opinion of up to JUDGED_RECORDS of these records, spread evenly over them.

        Raises NotSeenError where the policy of none of them is taught.
        """
        from alphapente.records.positions import positions_of
        from alphapente.training.batches import make_batch, samples_of

        evaluator = self._evaluator
        positions, samples = positions_of(records), samples_of(records, self.config.training.outcome_weight)
        settled = np.isnan(records.random_value)
        count = min(JUDGED_RECORDS, len(records))
        chosen = np.unique(np.linspace(0, len(records) - 1, count).astype(np.int64))
        if not records.policy_weight[chosen].any():
            raise NotSeenError("these records' searches were too cheap to teach a policy")
        parts: list[tuple[NDArray[np.float32], ...]] = []
        for first in range(0, len(chosen), BATCH):
            some = chosen[first : first + BATCH]
            batch = make_batch(samples, some, np.zeros(len(some), np.int64))
            logits, value = evaluator.evaluate(positions[some])
            parts.append((value.copy(), *_entropies(logits, batch), batch.legal.sum(1)))
        value, cross, entropy, legal = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        weights = records.policy_weight[chosen]
        return Judged(value, records.outcome[chosen], settled[chosen], cross, entropy, weights, legal.astype(np.int64))

    # --- the logs ---

    @cached_property
    def generations(self) -> list[JobCurves]:
        """The curves of past generations, oldest first; at least one."""
        return self._jobs("generation")

    @cached_property
    def trainings(self) -> list[JobCurves]:
        """The curves of past trainings of the model, oldest first; at least one."""
        return self._jobs(f"training-{self.model_type}")

    def _jobs(self, name: str) -> list[JobCurves]:
        log_dir = self.config.pipeline.log_folder
        jobs = read_jobs(log_dir, name)
        if not jobs:
            raise NotSeenError(f"no curves of a {name.partition('-')[0]} under {log_dir}")
        return jobs

    def close(self) -> None:
        """Closes the database, if it was opened."""
        if "store" in self.__dict__:
            self.store.close()


def _entropies(logits: NDArray[np.float32], batch: "Batch") -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cross-entropy of the policy against its target, and the target's own entropy, for each position, in nats."""
    masked = np.where(batch.legal > 0, logits, -np.inf)
    masked = masked - masked.max(1, keepdims=True)
    log_policy = masked - np.log(np.exp(masked).sum(1, keepdims=True))
    target = batch.policy
    cross = -(target * np.where(batch.legal > 0, log_policy, 0)).sum(1)
    entropy = -(target * np.log(np.maximum(target, 1e-30))).sum(1)
    return cross.astype(np.float32), entropy.astype(np.float32)
