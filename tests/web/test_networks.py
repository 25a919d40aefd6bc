"""The list of networks, and which of them are in memory."""

from pathlib import Path

import numpy as np
import pytest
import torch

from alphapente.config import Config
from alphapente.event_log import EventLog, Source
from alphapente.events import KeptNetwork
from alphapente.network import checkpoint
from alphapente.network.models import build_model, spec_of
from alphapente.network.paths import checkpoint_path, history_folder
from alphapente.network.planes import NUM_PLANES
from alphapente.records.model import Match, MatchGame, PlayerIdentity
from alphapente.records.store import Store
from alphapente.web.errors import WebError
from alphapente.web.networks import SHIPPED_ID, Networks
from tests.web.server import quiet_config, refusal, serving

SIZE = 7


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return quiet_config(tmp_path, "models.simple.channels=8", "web.max_networks=2", f"game.board_size={SIZE}")


def save(config: Config, path: Path, step: int, seed: int = 0) -> checkpoint.Checkpoint:
    """A checkpoint of a simple network that gives other outputs for each seed, as fresh ones do not."""
    model, spec = build_model(config, "simple", seed), spec_of(config, "simple")
    generator = torch.Generator().manual_seed(seed)
    weights = {
        name: tensor + torch.rand(tensor.shape, generator=generator) if tensor.is_floating_point() else tensor
        for name, tensor in model.state_dict().items()
    }
    made = checkpoint.Checkpoint("simple", spec.class_path, spec.sizes, NUM_PLANES, weights, weights, step=step)
    checkpoint.save(path, made)
    return made


def keep(config: Config, name: str, step: int) -> None:
    """A network of the history, with its entry in the log."""
    save(config, history_folder(config) / name, step)
    log_kept(config, name, step)


def log_kept(config: Config, name: str, step: int) -> None:
    kept = KeptNetwork(name, "simple", step, 1, 100, 1.0, SIZE, 1.0, 1.0)
    EventLog(config.pipeline.checkpoint_folder, Source("run"), print)(kept)


def test_without_own_networks_there_is_the_included_one(config: Config) -> None:
    networks = Networks(config)
    (only,) = networks.entries()
    assert (only.id, only.kind) == (SHIPPED_ID, "shipped")
    assert only.step > 0
    assert networks.find(None) == only


def test_own_networks_are_listed_with_their_steps_and_are_the_default(config: Config) -> None:
    save(config, checkpoint_path(config, "simple"), 300)
    keep(config, "simple_00000100.pt", 100)
    keep(config, "simple_00000200.pt", 200)
    networks = Networks(config)
    assert [(one.id, one.kind, one.step) for one in networks.entries()[1:]] == [
        ("checkpoint:simple", "checkpoint", 300),
        ("history:simple_00000200.pt", "history", 200),
        ("history:simple_00000100.pt", "history", 100),
    ]
    assert networks.default_id() == "checkpoint:simple"


def test_names_with_paths_are_no_networks(config: Config) -> None:
    save(config, history_folder(config).parent / "outside.pt", 1)
    log_kept(config, "../outside.pt", 1)
    networks = Networks(config)
    assert [one.id for one in networks.entries()] == [SHIPPED_ID]
    for wanted in ("history:../outside.pt", "../outside.pt", "/etc/passwd", str(checkpoint_path(config, "simple"))):
        with pytest.raises(WebError, match="choose an id"):
            networks.find(wanted)


def test_a_damaged_checkpoint_is_omitted(config: Config) -> None:
    path = checkpoint_path(config, "simple")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no checkpoint")
    assert [one.id for one in Networks(config).entries()] == [SHIPPED_ID]


def test_evaluators_are_borrowed_exclusively_and_returned(config: Config) -> None:
    save(config, checkpoint_path(config, "simple"), 1)
    networks = Networks(config)
    loaded = networks.load(networks.find("checkpoint:simple"))
    with networks.borrow(loaded, SIZE) as first, networks.borrow(loaded, SIZE) as second:
        assert first is not second
        assert (first.batch_size, first.board_size) == (8, SIZE)
        logits, values = first.evaluate(first.input[:1])
        assert logits.shape == (1, SIZE * SIZE)
        assert values.shape == (1,)
    with networks.borrow(loaded, SIZE) as again:
        assert again in (first, second)


def test_evaluators_are_kept_for_the_board_sizes_used_last(config: Config) -> None:
    save(config, checkpoint_path(config, "simple"), 1)
    networks = Networks(config)
    loaded = networks.load(networks.find("checkpoint:simple"))
    for size in (7, 8, 9, 7, 10):
        with networks.borrow(loaded, size) as evaluator:
            assert evaluator.board_size == size
    assert list(loaded.free) == [9, 7, 10]
    assert all(len(free) == 1 for free in loaded.free.values())


def test_the_number_of_networks_in_memory_is_limited(config: Config) -> None:
    for number in range(3):
        keep(config, f"simple_{number}.pt", number)
    networks = Networks(config)
    loaded = [networks.load(networks.find(f"history:simple_{number}.pt")) for number in range(3)]
    assert networks.num_loaded() == 2
    assert networks.load(networks.find("history:simple_2.pt")) is loaded[2]
    assert networks.load(networks.find("history:simple_0.pt")) is not loaded[0], "the longest unused one was freed"
    with networks.borrow(loaded[0], SIZE) as evaluator:
        assert evaluator.board_size == SIZE, "a search that had it may still use it"
    networks.free_idle(0.0)
    assert networks.num_loaded() == 0


def test_a_checkpoint_that_was_replaced_is_loaded_again(config: Config) -> None:
    path = checkpoint_path(config, "simple")
    save(config, path, 1)
    networks = Networks(config)
    before = networks.load(networks.find("checkpoint:simple"))
    save(config, path, 2, seed=5)
    after = networks.load(networks.find("checkpoint:simple"))
    assert before is not after
    with networks.borrow(before, SIZE) as old, networks.borrow(after, SIZE) as new:
        assert not np.allclose(old.evaluate(old.input)[0], new.evaluate(new.input)[0])


def test_the_list_has_ratings_if_matches_were_played(config: Config) -> None:
    stored = save(config, checkpoint_path(config, "simple"), 300)
    ours = PlayerIdentity("simple step 300 @50", "checkpoint", checkpoint.weights_digest(stored), "", "simple", 300, 50)
    games = tuple(
        MatchGame("a" if number % 2 else "b", (24, number), 0, 1 + (number % 3 == 0), "five") for number in range(12)
    )
    with Store(config.records.database) as store:
        store.add_match(Match(ours, PlayerIdentity("tactical", "reference"), "pente", SIZE, 1, "arena", games))
    with serving(config) as (client, _):
        listed = {one["id"]: one for one in client.get("/api/v1/networks").json()}
        assert refusal(client.post("/api/v1/analysis", json={"network": "no such"}))[:2] == (404, "no_network")
    assert listed[SHIPPED_ID]["rating"] is None
    rating = listed["checkpoint:simple"]["rating"]
    assert rating["low"] < rating["elo"] < rating["high"]
    assert rating["simulations"] == 50
    assert [one["id"] for one in listed.values() if one["default"]] == ["checkpoint:simple"]
