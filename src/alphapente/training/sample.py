"""The sample of a training: records of one or several board sizes, the held-out games, and the order of the rest.

One network can learn all board sizes (Wu 2019, "Accelerating Self-Play Learning in Go", appendix A); each of its
batches has one size.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from alphapente.config import Config
from alphapente.records.model import RecordBatch
from alphapente.records.sampling import Window
from alphapente.records.store import Store
from alphapente.training.batches import Samples, samples_of
from alphapente.training.order import SampleOrder, surprise_weights
from alphapente.training.validation import HeldOut, held_out


@dataclass(frozen=True, slots=True)
class Sample:
    """The records of a training. Records are numbered through all parts, in their order."""

    parts: list[Samples]
    """The records of each board size, by rising size."""
    held_out: HeldOut
    """The held-out records of game.board_size, which may have none yet."""
    order: SampleOrder
    """The other records in random order."""
    num_records: int
    """The number of records, including those held out."""
    available: int
    """The number of records of these board sizes in the database."""

    @classmethod
    def draw(cls, config: Config, seeds: list[int]) -> Self:
        """Draws the records as the configuration requests. Raises RequestError if there are none."""
        settings = config.training
        batches = _read(config, np.random.default_rng(seeds))
        parts = [samples_of(records, settings.outcome_weight) for records in batches]
        out = [held_out(records, settings.validation_share) for records in batches]
        sizes = [records.board_size for records in batches]
        own = sizes.index(config.game.board_size) if config.game.board_size in sizes else 0
        weights = [surprise_weights(records, settings.surprise_weight) for records in batches]
        chosen = ~np.concatenate(out)
        joined = None
        if any(each is not None for each in weights):
            filled = [
                np.ones(len(records), np.float32) if each is None else each
                for records, each in zip(batches, weights, strict=True)
            ]
            joined = np.concatenate(filled)[chosen]
        return cls(
            parts,
            HeldOut(batches[own], parts[own], out[own] & (sizes[own] == config.game.board_size)),
            SampleOrder(np.flatnonzero(chosen), seeds, joined),
            sum(map(len, batches)),
            sum(records.available for records in batches),
        )


def pool_name(config: Config) -> str:
    """The records that a training may draw, for messages and for the account of its samples: "pente 9x9, 19x19"."""
    return f"{config.game.variant} " + ", ".join(f"{size}x{size}" for size in _sizes(config))


def _sizes(config: Config) -> list[int]:
    return sorted({config.game.board_size, *config.training.board_sizes})


def _read(config: Config, rng: np.random.Generator) -> list[RecordBatch]:
    """The records of each board size that has any, in proportion to the number that may be drawn of it."""
    variant, settings = config.game.variant, config.training
    window = Window(settings.window.records, settings.window.exponent, settings.window.slope)
    with Store(config.records.database, config.records.busy_timeout_s, read_only=True) as store:
        counts = {size: store.num_records(variant, size) for size in _sizes(config)}
        if settings.sample_strategy == "window":
            counts = {size: window.reach(count) for size, count in counts.items()}
        # Without any record the store is still asked: its refusal names the records that it has.
        counts = {size: count for size, count in counts.items() if count} or {config.game.board_size: 1}
        total = sum(counts.values())
        return [
            store.sample(
                settings.sample_strategy,
                max(1, round(settings.data_sample_size * count / total)),
                rng,
                variant,
                size,
                settings.sample_top_percent,
                window,
            )
            for size, count in counts.items()
        ]
