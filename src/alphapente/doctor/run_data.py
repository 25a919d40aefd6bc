"""The data of a run that the doctor checks: games, records, checkpoint and curves. Each is loaded on first use.

Missing data raises NotAvailableError with the reason: the check that needs it is then reported as not available.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alphapente.config import Config, in_stage, stage_sizes
from alphapente.doctor.findings import NotAvailableError
from alphapente.errors import AlphaPenteError, RequestError
from alphapente.network.paths import checkpoint_path, promoted_path
from alphapente.pipeline.run_view import Job, view_run
from alphapente.pipeline.state import STATE_NAME, State, load_state
from alphapente.records.model import PoolStats, RecordBatch, StoredGame, StoreStats
from alphapente.records.store import Store

if TYPE_CHECKING:
    from alphapente.network.checkpoint import Checkpoint
    from alphapente.network.evaluator import Evaluator
    from alphapente.network.load import PlayableNetwork
    from alphapente.training.batches import Batch

NEWEST_GAMES = 500
NEWEST_RECORDS = 4000
NEWEST_JOBS = 60
"""Generations and trainings whose curves are examined."""
PREDICTED_RECORDS = 512
"""Records that the network evaluates at most."""
BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """n records and the network's predictions for them."""

    value: NDArray[np.float32]  # [n] the network's, of the player to move
    outcome: NDArray[np.int8]  # [n] 1 win, 0 draw, -1 loss
    no_random_moves: NDArray[np.bool_]  # [n] no later move of the game was drawn at random
    cross_entropy: NDArray[np.float32]  # [n] of the policy against the targets, over the legal points, in nats
    target_entropy: NDArray[np.float32]  # [n] in nats
    policy_weight: NDArray[np.float32]  # [n] weight of the policy target in training; not all 0
    num_legal: NDArray[np.int64]  # [n]

    def policy_mean(self, numbers: NDArray[Any]) -> float:
        """The mean of float[n], weighted by `policy_weight`."""
        return float(np.average(numbers, weights=self.policy_weight))


class RunData:
    """The records, logs and checkpoint (of `training.model_type`) of a configuration.

    `configured` is the whole configuration, `config` the one in force: with a curriculum that of the current stage.
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
        """The current stage, from 0; 0 if no run has begun or its state cannot be read (`state` raises)."""
        try:
            return min(self.state.stage, self.num_stages - 1)
        except (NotAvailableError, AlphaPenteError):
            return 0

    @cached_property
    def state(self) -> State:
        """The state of the pipeline's run. Raises FailureError if it cannot be read."""
        found = load_state(self.state_path)
        if found is None:
            raise NotAvailableError(f"no run of the pipeline has saved its state in {self.state_path}")
        return found

    @property
    def pool_name(self) -> str:
        """ "pente 19x19"."""
        size = self.config.game.board_size
        return f"{self.config.game.variant} {size}x{size}"

    # --- the database ---

    @cached_property
    def store(self) -> Store:
        """The database, read-only. Raises NotAvailableError if it does not exist, DatabaseError if it is damaged."""
        try:
            return Store(self.config.records.database, self.config.records.busy_timeout_s, read_only=True)
        except RequestError as error:
            raise NotAvailableError(f"no database: {error}") from error

    @cached_property
    def stats(self) -> StoreStats:
        """The database's statistics."""
        return self.store.stats()

    @cached_property
    def pool(self) -> PoolStats:
        """The pool of the configured variant and board size."""
        game = self.config.game
        for pool in self.stats.pools:
            if (pool.variant, pool.board_size) == (game.variant, game.board_size) and pool.records:
                return pool
        raise NotAvailableError("no records yet")

    @property
    def run_records(self) -> int:
        """Records of the variant on all board sizes of the run, as its target counts them; at least one."""
        variant, sizes = self.config.game.variant, stage_sizes(self.configured)
        count = sum(pool.records for pool in self.stats.pools if pool.variant == variant and pool.board_size in sizes)
        if not count:
            raise NotAvailableError("no records yet")
        return count

    @cached_property
    def games(self) -> list[StoredGame]:
        """The newest games of self-play, oldest first; at least one."""
        found = self.store.newest_games(*self._pool_key, NEWEST_GAMES) if self.pool else []
        if not found:
            raise NotAvailableError("no games of self-play yet")
        return found

    @cached_property
    def oldest_games(self) -> list[StoredGame]:
        """The pool's first games of self-play: at most NEWEST_GAMES, and none of `games`."""
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
        """Up to `count` records from number first_seq. Raises NotAvailableError if there are none."""
        batches = list(self.store.record_batches(*self._pool_key, first_seq, count))
        if not batches:
            raise NotAvailableError("no such records")
        return batches[0]

    # --- the checkpoint ---

    @cached_property
    def checkpoint(self) -> "Checkpoint":
        """The checkpoint of `training.model_type`. Raises CheckpointError if it cannot be used."""
        if not self.checkpoint_path.exists():
            raise NotAvailableError(f"no checkpoint {self.checkpoint_path} yet")

        from alphapente.network import checkpoint  # imports torch
        from alphapente.network.models import spec_of

        found = checkpoint.read(self.checkpoint_path)
        checkpoint.require_spec(self.checkpoint_path, found, spec_of(self.config, self.model_type))
        return found

    @cached_property
    def promoted(self) -> tuple[int, float]:
        """(step of the promoted network, time of its promotion in seconds since 1970).

        Raises NotAvailableError if there is none, CheckpointError if it cannot be read.
        """
        path = promoted_path(self.config, self.model_type)
        if not path.exists():
            raise NotAvailableError(f"no network was promoted yet: there is no {path}")

        from alphapente.network import checkpoint  # imports torch

        return checkpoint.read(path).step, path.stat().st_mtime

    @property
    def checkpoint_at(self) -> int:
        """The time at which the checkpoint was saved, in seconds since 1970."""
        try:
            return int(datetime.fromisoformat(self.checkpoint.created).timestamp())
        except ValueError as error:
            raise NotAvailableError("the checkpoint has no time of saving") from error

    @property
    def trained_with(self) -> dict[str, Any]:
        """The section `training` that the checkpoint was trained with; empty if the checkpoint lacks it."""
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
    def network(self) -> "PlayableNetwork":
        """The checkpoint's network, in the precision that plays (int8 excepted: it needs calibration)."""
        from alphapente.network import checkpoint
        from alphapente.network.load import playable

        return playable(checkpoint.restore(self.checkpoint_path, self.checkpoint, self.config), self.config)

    @cached_property
    def _evaluator(self) -> "Evaluator":
        return self.network.evaluator(BATCH, self.config.game.board_size)

    @cached_property
    def predictions(self) -> Predictions:
        """The network's predictions for some of the newest records."""
        return self.predict(self.records)

    def predict(self, records: RecordBatch) -> Predictions:
        """The network's predictions for up to PREDICTED_RECORDS of these records, spread evenly over them.

        Raises NotAvailableError if none of them has a policy target.
        """
        from alphapente.records.positions import positions_of
        from alphapente.training.labels import settled

        evaluator, positions = self._evaluator, positions_of(records)
        count = min(PREDICTED_RECORDS, len(records))
        chosen = np.unique(np.linspace(0, len(records) - 1, count).astype(np.int64))
        if not records.policy_weight[chosen].any():
            raise NotAvailableError("these records are all from cheap searches, which have no policy target")
        parts: list[tuple[NDArray[np.float32], ...]] = []
        for some, batch in batches_of(records, chosen):
            logits, value = evaluator.evaluate(positions[some])
            parts.append((value.copy(), _cross_entropy(logits, batch), target_entropy(batch), batch.legal.sum(1)))
        value, cross, entropy, legal = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        weights = records.policy_weight[chosen]
        return Predictions(
            value, records.outcome[chosen], settled(records)[chosen], cross, entropy, weights, legal.astype(np.int64)
        )

    # --- the logs ---

    @cached_property
    def generations(self) -> list[Job]:
        """The newest generations, oldest first; at least one."""
        return self._jobs("generation")

    @cached_property
    def trainings(self) -> list[Job]:
        """The newest trainings of the model, oldest first; at least one."""
        return self._jobs(f"training-{self.model_type}")

    def _jobs(self, kind: str) -> list[Job]:
        if not (jobs := view_run(self.configured).jobs.get(kind, [])[-NEWEST_JOBS:]):
            folder = self.configured.pipeline.checkpoint_folder
            raise NotAvailableError(f"no curves of a {kind.partition('-')[0]} in the event log of {folder}")
        return jobs

    def close(self) -> None:
        """Closes the database if it was opened."""
        if "store" in self.__dict__:
            self.store.close()


def batches_of(
    records: RecordBatch, chosen: NDArray[np.int64] | None = None
) -> Iterator[tuple[NDArray[np.int64], "Batch"]]:
    """The records `chosen` (default: all) as training batches, each with its records' indices."""
    from alphapente.training.batches import make_batch, samples_of

    indices, samples = np.arange(len(records)) if chosen is None else chosen, samples_of(records, outcome_weight=1.0)
    for first in range(0, len(indices), BATCH):
        some = indices[first : first + BATCH]
        yield some, make_batch(samples, some, np.zeros(len(some), np.int64))


def target_entropy(batch: "Batch") -> NDArray[np.float32]:
    """float32[B]: the entropy of each policy target, in nats."""
    from scipy.special import entr

    entropy: NDArray[np.float32] = entr(batch.policy).sum(1)
    return entropy


def _cross_entropy(logits: NDArray[np.float32], batch: "Batch") -> NDArray[np.float32]:
    """float32[B]: the cross-entropy of the policy and its target, in nats."""
    from scipy.special import log_softmax

    log_policy = log_softmax(np.where(batch.legal > 0, logits, -np.inf), axis=1)
    cross: NDArray[np.float32] = -(batch.policy * np.where(batch.legal > 0, log_policy, 0)).sum(1)
    return cross
