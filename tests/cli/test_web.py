"""`alphapente web` as a real process: address, access and end; and its errors."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.in_process import alphapente

WORDS = [sys.executable, "-m", "alphapente", "web"]
WAIT_S = 120.0


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A server in its own folder, and the address that it prints."""
    command = [*WORDS, "--port", "0", *words]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found is not None
            yield process, found[0]
        finally:
            if process.poll() is None:
                process.kill()


def refused(folder: Path, *words: str) -> tuple[int, str]:
    """(exit status, standard error) of a server that does not start."""
    done = alphapente(folder, "web", *words)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_the_page_is_served_until_it_is_asked_to_end(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, address), httpx.Client(base_url=address, timeout=WAIT_S) as client:
        assert "<title>" in client.get("/").text
        with client.stream("GET", "/api/v1/run/events") as stream:
            assert next(stream.iter_lines()) == "event: run"
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        assert process.returncode in (0, -signal.SIGTERM)
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert list(tmp_path.iterdir()) == [], "opening the page creates no files"


def test_a_port_in_use_is_reported_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, error = refused(tmp_path, "--port", str(port))
    assert status == 1
    assert error.count("\n") == 1
    assert f"cannot serve at 127.0.0.1, port {port}: Address already in use" in error


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--host", "no.such.host.invalid"], 1, "cannot serve at no.such.host.invalid"),
        (["--host", "x" * 70 + ".example"], 1, "cannot serve at xxx"),
        (["--port", "70000"], 2, "web.port"),
        (["--token", "short"], 2, "--token has 5 characters"),
        (["--config", "nowhere.json"], 2, "nowhere.json"),
    ],
)
def test_what_cannot_be_served(tmp_path: Path, words: list[str], status: int, message: str) -> None:
    found, error = refused(tmp_path, *words)
    assert (found, error.count("\n")) == (status, 1)
    assert message in error


def test_other_machines_need_the_printed_token(tmp_path: Path) -> None:
    with serving(tmp_path, "--host", "0.0.0.0") as (_, address):
        url = httpx.URL(address)
        assert url.host == socket.gethostname()
        base = f"http://127.0.0.1:{url.port}"
        assert httpx.get(f"{base}/api/v1/meta", timeout=WAIT_S).status_code == 401
        with httpx.Client(base_url=base, timeout=WAIT_S) as browser:
            assert browser.get("/", params={"token": url.params["token"]}).status_code == 200
            assert browser.get("/api/v1/meta").status_code == 200


def test_a_token_of_ones_own(tmp_path: Path) -> None:
    with serving(tmp_path, "--token", "open & sesame") as (_, address):
        assert address.endswith("/?token=open%20%26%20sesame")
        url = httpx.URL(address).copy_with(path="/api/v1/meta", query=None)
        assert httpx.get(url, timeout=WAIT_S).status_code == 401
        assert httpx.get(url, headers={"Authorization": "Bearer open & sesame"}, timeout=WAIT_S).status_code == 200
