"""The database of the whole trainings."""

from pathlib import Path

import pytest

from alphapente.records.store import Store
from tests.records.samples import random_game


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("records") / "records.db"
    with Store(path) as store:
        for seed in range(6):
            store.add_game(random_game(seed, size=7, max_records=20))
    return path
