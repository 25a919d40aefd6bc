"""A run's logs: their list and their last lines, and no other files."""

from pathlib import Path

import httpx
import pytest

from alphapente.web.errors import WebError
from alphapente.web.run.logs import logs
from tests.web.run_folder import run_context, write_config
from tests.web.server import quiet_config, refusal


def write_log(folder: Path, name: str, text: str) -> None:
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "logs" / name).write_text(text)


def test_the_schedulers_log_is_shown_first(tmp_path: Path) -> None:
    write_log(tmp_path, "pipeline_1.log", "one\ntwo\nthree\n")
    write_log(tmp_path, "generation_1.log", "later\n")
    found = logs(quiet_config(tmp_path), None, 2)
    assert (found.name, found.lines) == ("pipeline_1.log", ["two", "three"])
    assert {file.name for file in found.files} == {"pipeline_1.log", "generation_1.log"}
    assert logs(quiet_config(tmp_path), "generation_1.log", 5).lines == ["later"]


def test_without_logs_there_is_nothing(tmp_path: Path) -> None:
    found = logs(quiet_config(tmp_path), None, 10)
    assert (found.files, found.name, found.lines) == ([], None, [])


def test_of_a_long_log_the_end_is_read_and_no_half_line(tmp_path: Path) -> None:
    write_log(tmp_path, "pipeline_1.log", "".join(f"line {n} {'x' * 90}\n" for n in range(5_000)))
    found = logs(quiet_config(tmp_path), None, 3)
    assert [line.split()[1] for line in found.lines] == ["4997", "4998", "4999"]
    write_log(tmp_path, "pipeline_1.log", "y" * 10_000 + "\nlast\n")
    assert logs(quiet_config(tmp_path), None, 3).lines == ["last"]
    (tmp_path / "logs" / "pipeline_1.log").write_bytes(b"\xff\xfe bytes\n")
    assert logs(quiet_config(tmp_path), None, 3).lines == ["\ufffd\ufffd bytes"]


@pytest.mark.parametrize("name", ["../records.db", "/etc/passwd", "secret.txt", ""])
def test_only_names_of_the_list_are_logs(tmp_path: Path, name: str) -> None:
    write_log(tmp_path, "pipeline_1.log", "one\n")
    write_log(tmp_path, "secret.txt", "no log")
    with pytest.raises(WebError, match="no log"):
        logs(quiet_config(tmp_path), name, 10)


def test_the_route(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with run_context(tmp_path, monkeypatch) as (client, _):
        write_config()
        write_log(tmp_path, "pipeline_1.log", "hello\n")
        assert ask(client).json()["lines"] == ["hello"]
        assert refusal(ask(client, name="../config/tiny.json"))[:2] == (404, "no_log")
        assert refusal(ask(client, lines=0))[:2] == (422, "malformed")
        assert refusal(ask(client, lines=10**9))[:2] == (422, "malformed")


def ask(client: httpx.Client, **query: str | int) -> httpx.Response:
    return client.get("/api/v1/run/logs", params={"config": "tiny", **query})
