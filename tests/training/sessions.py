"""Small trainings on a database of six random games."""

from pathlib import Path
from typing import Any

from alphapente.config import Config
from alphapente.events import Event, Note
from alphapente.records.store import Store
from tests.records.samples import random_game


def config_of(database: Path, folder: Path, **training: Any) -> Config:
    small = {"channels": 8}
    return Config.model_validate(
        {
            "game": {"board_size": 7},
            "training": {
                "batch_size": 16,
                "num_epochs": 4,
                "save_interval": 2,
                "data_sample_size": 64,
                "warmup_steps": 0,
                "seed": 5,
                "threads": 1,
                "validation_share": 0.0,
                **training,
            },
            "pipeline": {"checkpoint_dir": str(folder)},
            "records": {"database": str(database)},
            "models": {"simple": {**small, "layers": 2}, "resnet": {**small, "blocks": 1}},
            "network": {"precision": "fp32"},
        }
    )


def notes(events: list[Event]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Note))


class StopAfter:
    """Requests a stop at the n-th step."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def grown(database: Path, folder: Path, games: int, first_seed: int = 100) -> Path:
    """A copy of the database with more games."""
    copy = folder / "records.db"
    if not copy.exists():
        with Store(database) as source, Store(copy) as store:
            assert source.num_records("pente", 7) == 120
            for seed in range(6):
                store.add_game(random_game(seed, size=7, max_records=20))
    with Store(copy) as store:
        for seed in range(first_seed, first_seed + games):
            store.add_game(random_game(seed, size=7, max_records=20))
    return copy
