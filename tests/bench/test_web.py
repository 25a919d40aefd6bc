"""The benchmark of the page: a real server, all its files requested, the rows of its visitors."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from alphapente.bench import web
from alphapente.bench.targets import TARGETS
from alphapente.config import load_config
from alphapente.errors import FailureError

FILES = {
    "/": '<link rel="stylesheet" href="/css/a.css"><script type="module" src="js/main.js"></script><a href="#top">',
    "/css/a.css": "body {}",
    "/js/main.js": 'import { a } from "./run/a.js";\nimport "./b.js";\nimport x from "../vendor/x.js";',
    "/js/run/a.js": 'import { b } from "../b.js";',
    "/js/b.js": "",
    "/vendor/x.js": "",
}
"""A small page whose files refer to each other in all the ways of the real files."""
REQUESTED: list[str] = []


class Page(BaseHTTPRequestHandler):
    """Serves the page, and an empty list for every API request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        REQUESTED.append(self.path)
        content = "[]" if self.path.startswith("/api/") else FILES.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or "")))
        self.end_headers()
        self.wfile.write((content or "").encode())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_arguments: object) -> None:
        """Prints nothing."""


@pytest.fixture
def visitor() -> Iterator[web._Visitor]:
    REQUESTED.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield web._Visitor.at(server.server_address[1])
        server.shutdown()


def test_a_page_is_loaded_with_all_its_files_once(visitor: web._Visitor) -> None:
    assert web._load_page(visitor) > 0
    assert sorted(path for path in REQUESTED if not path.startswith("/api/")) == sorted(FILES)


def test_a_missing_file_ends_the_benchmark(visitor: web._Visitor) -> None:
    with pytest.raises(FailureError, match=r"/nothing\.js was answered with 404"):
        visitor.request("/nothing.js")


def test_a_connection_that_was_closed_meanwhile_is_opened_again(visitor: web._Visitor) -> None:
    visitor.request("/")
    assert visitor.connection.sock is not None
    visitor.connection.sock.shutdown(socket.SHUT_RDWR)
    assert visitor.request("/js/b.js") == b""


@pytest.mark.slow
def test_every_row_comes_from_a_real_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "LAPS", 1)
    monkeypatch.setattr(web, "CLICKS", 2)
    monkeypatch.setattr(web, "VISITORS", 2)
    monkeypatch.setattr(web, "SIMULATIONS", 16)
    config = load_config(None, ["models.resnet.channels=8", "models.resnet.blocks=1"])
    rows = {row.name: row for row in web.bench_web(config, 2.0).rows}
    assert {name for name in TARGETS if name.startswith("web.")} <= set(rows)
    assert all(row.value > 0 for row in rows.values())
    assert rows["web.visitors.fairness"].value <= 1
    assert rows["web.search.resnet"].floor is not None
