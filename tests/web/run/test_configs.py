"""Configurations for the page: by name, never by path; key by key; checked by the same code as everywhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from alphapente.config import keys, load_config
from alphapente.web.run.configs import BUILT_IN, Configs, Named, differences, own_configuration
from tests.web.run_folder import run_context, write_config
from tests.web.server import refusal


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    with run_context(tmp_path, monkeypatch) as (client, _):
        yield client


def listed(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/v1/configs").json()
    return found


def check(client: httpx.Client, config: str, *overrides: str) -> dict[str, Any]:
    body = {"config": config, "overrides": list(overrides)}
    found: dict[str, Any] = client.post("/api/v1/configs/check", json=body).json()
    return found


def test_the_built_in_defaults_are_offered_until_there_is_a_file_of_defaults(client: httpx.Client) -> None:
    write_config("tiny")
    assert [(one["name"], one["path"]) for one in listed(client)] == [(BUILT_IN, None), ("tiny", "config/tiny.json")]
    write_config("pipeline")
    assert [one["name"] for one in listed(client)] == ["pipeline", "tiny"]


def test_only_plain_names_of_files_in_the_folder_are_offered(client: httpx.Client) -> None:
    write_config("tiny")
    Path("config", ".hidden.json").write_text("{}")
    Path("config", "a name.json").write_text("{}")
    Path("config", "folder.json").mkdir()
    Path("config", "notes.txt").write_text("{}")
    assert [one["name"] for one in listed(client)] == [BUILT_IN, "tiny"]
    for name in ("..%2Ftiny", ".hidden", "a name", "x" * 64):
        assert refusal(client.get(f"/api/v1/configs/{name}"))[0] == 404
    assert refusal(client.get(f"/api/v1/configs/{'x' * 65}"))[:2] == (422, "malformed")


def test_an_invalid_one_is_listed_with_its_problem(client: httpx.Client) -> None:
    write_config("bad", generation={"simulations": "many"})
    Path("config", "worse.json").write_text("{")
    problems = {one["name"]: one["problem"] for one in listed(client)}
    assert "generation.simulations" in problems["bad"]
    assert "worse.json" in problems["worse"]
    assert refusal(client.get("/api/v1/configs/bad"))[:2] == (400, "bad_setting")
    assert refusal(client.get("/api/v1/run", params={"config": "bad"}))[:2] == (400, "bad_setting")
    assert check(client, "bad")["errors"][0]["key"] == "generation.simulations"


def test_every_setting_is_shown_with_its_meaning(client: httpx.Client) -> None:
    write_config("tiny")
    view = client.get("/api/v1/configs/tiny").json()
    by_path = {one["path"]: one for one in view["settings"]}
    assert set(keys()) <= set(by_path)
    limit = by_path["generation.record_limit"]
    assert (limit["value"], limit["source"], limit["changeable"]) == (50, "config/tiny.json", True)
    assert limit["meaning"]
    assert by_path["game.variant"]["source"] == "built-in default"
    assert "keryo" in by_path["game.variant"]["choices"]
    fixed = {path for path, one in by_path.items() if not one["changeable"]}
    assert {"records.database", "pipeline.checkpoint_dir", "pipeline.log_dir", "models.simple.class"} <= fixed


def test_all_errors_are_reported_at_once(client: httpx.Client) -> None:
    write_config("tiny")
    answer = check(client, "tiny", "generation.simulations=0", "training.epochs=-1", "generation.seed=7")
    assert not answer["ok"]
    assert answer["resolved"] is None
    assert [error["key"] for error in answer["errors"]] == ["generation.simulations", "training.epochs"]
    assert all(error["allowed"] and error["message"] for error in answer["errors"])


def test_a_valid_configuration_is_resolved_as_everywhere(client: httpx.Client) -> None:
    path = write_config("tiny")
    answer = check(client, "tiny", "generation.simulations=64")
    assert (answer["ok"], answer["errors"]) == (True, [])
    assert answer["resolved"] == load_config(path, ["generation.simulations=64"]).to_dict()


def test_the_servers_own_configuration_is_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = write_config("own")
    write_config("pipeline")
    elsewhere = own.rename("my own.json")
    configs = Configs(own_configuration(elsewhere, ["generation.simulations=64"]))
    assert [one.name for one in configs.all()] == ["my_own", "pipeline"]
    assert configs.default().load().config.generation.simulations == 64
    assert configs.named("pipeline") == Named("pipeline", Path("config/pipeline.json"))
    assert own_configuration(None, []) == Named(BUILT_IN, None)


def test_the_differences_make_one_configuration_of_the_other(tmp_path: Path) -> None:
    plain = load_config(None, [])
    other = load_config(
        None, ["generation.simulations=9", "game.variant=keryo", "models.simple.channels=8", "records.database=x.db"]
    )
    changes = differences(plain, other)
    assert "records.database" not in json.dumps(changes), "paths are set only in the file"
    back = load_config(None, changes).to_dict()
    assert back | {"records": other.to_dict()["records"]} == other.to_dict()
