"""A real server on a free port, in a thread of the test's own process, and streams read to their end."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
import uvicorn
from fastapi import FastAPI

from alphapente.config import Config, load_config
from alphapente.web.app import create_app
from alphapente.web.security import Access

GAME_TEXT = (
    "1. K10 M9 2. N10 M7 3. M8 O7 4. L10 J10 5. M10 O10 6. L9 N7 7. L7 P7 8. Q7 L11 "
    "9. L8 L6 10. K8 J9 11. J11 H12 12. J8 N8 13. H8"
)
"""A real game: one capture, by J8; five by H8."""
REAL_GAME = [word for word in GAME_TEXT.split() if not word.endswith(".")]
WAIT_S = 120.0
"""Longer than any kernel takes to compile."""


class Event(NamedTuple):
    """One server-sent event."""

    name: str
    data: Any


def quiet_config(folder: Any, *overrides: str) -> Config:
    """A configuration that uses nothing of this machine: everything is in `folder`."""
    return load_config(
        None,
        [
            f"records.database={folder}/records.db",
            f"pipeline.checkpoint_dir={folder}/checkpoints",
            f"pipeline.log_dir={folder}/logs",
            *overrides,
        ],
    )


@contextmanager
def serving(config: Config, access: Access | None = None) -> Iterator[tuple[httpx.Client, FastAPI]]:
    """A client of a running server, and the app behind it."""
    app = create_app(config, access)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=1, lifespan="on")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=address, timeout=WAIT_S, trust_env=False) as client:
            yield client, app
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
        assert not thread.is_alive()


def events_of(client: httpx.Client, path: str, **body: Any) -> list[Event]:
    """All events of a stream, whose status must be 200."""
    with client.stream("POST", path, json=body) as answer:
        if answer.status_code != 200:
            raise AssertionError(answer.read().decode())
        assert answer.headers["content-type"].startswith("text/event-stream")
        return list(read_events(answer))


def read_events(answer: httpx.Response) -> Iterator[Event]:
    """The events of a stream as they arrive, without comments."""
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield Event(name, json.loads(line.removeprefix("data: ")))


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """(status, code, message) of a response that must be an error in our format."""
    error = answer.json()["error"]
    assert set(error) == {"code", "message"}
    assert "\n" not in error["message"]
    return answer.status_code, error["code"], error["message"]


def wait_until(condition: Any, seconds: float = 30.0) -> None:
    """Waits until a condition holds that another thread changes; fails after a time limit."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not hold in time"
        time.sleep(0.01)
