"""Response times of the page in the browser: a real server, accessed over the loopback address.

The server is a separate process, started by `alphapente web`. The browser's own work, mostly drawing, is not included;
the page's tests measure it.
"""

import contextlib
import http.client
import json
import math
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphapente.bench.report import Result, Row, median
from alphapente.config import Config, load_config
from alphapente.errors import FailureError
from alphapente.network import checkpoint
from alphapente.network.load import load_network
from alphapente.network.models import build_model, spec_of
from alphapente.network.paths import checkpoint_path
from alphapente.network.planes import NUM_PLANES

VISITORS = 20
SIMULATIONS = 400
LAPS = 5
CLICKS = 40
GAME = "K10 M9 N10 M7 M8 O7 L10 J10 M10 O10 L9 N7 L7 P7 Q7".split()  # noqa: SIM905 - in the usual notation
"""A game in play; its first QUIET_PLIES plies leave nothing forced."""
QUIET_PLIES = 6
_STARTS_S = 120.0
_LINKS = re.compile(r"""(?:src|href)="([^"#?:]+\.(?:js|css))"|from\s+["'](\.[^"']+)["']|import\s+["'](\.[^"']+)["']""")


def bench_web(config: Config, seconds: float) -> Result:
    """Loading the page, clicks, searches of 400 simulations, and 20 visitors at once for about `seconds` / 2.

    Networks: `resnet` as configured, with fresh weights, and the network included in the package.
    """
    with tempfile.TemporaryDirectory(prefix="alphapente-") as folder:
        own = load_config(None, [*_settings(folder), *_model(config)])
        _save_fresh(own)
        with _serving(folder, [*_settings(folder), *_model(config)]) as visitor:
            rows = [Row("web.page", median([_load_page(visitor) for _ in range(LAPS)]), "seconds")]
            rows.append(Row("web.click", median([_click(visitor) for _ in range(CLICKS)]), "seconds"))
            floor = _bare_seconds(own)
            for name, network in (("web.search.resnet", "checkpoint:resnet"), ("web.search.shipped", "shipped")):
                taken = median([_search(visitor, network) for _ in range(LAPS)])
                bare = floor if network != "shipped" else None
                rows.append(Row(name, taken, "seconds", bare, taken / bare if bare else None))
            rows += _crowd(visitor, seconds / 2)
    return Result(rows)


def _settings(folder: str) -> list[str]:
    return [
        f"records.database={folder}/records.db",
        f"pipeline.checkpoint_dir={folder}/checkpoints",
        f"pipeline.log_dir={folder}/logs",
        "generation.model_type=resnet",
        f"web.max_searches={2 * VISITORS}",
    ]


def _model(config: Config) -> list[str]:
    """The sizes of the configured `resnet`, and its device and precision."""
    sizes = config.models["resnet"].sizes
    return [f"models.resnet.{name}={json.dumps(value)}" for name, value in sizes.items()] + [
        f"network.device={config.network.device}",
        f"network.precision={config.network.precision}",
    ]


def _save_fresh(config: Config) -> None:
    model, spec = build_model(config, "resnet", 0), spec_of(config, "resnet")
    weights = dict(model.state_dict())
    made = checkpoint.Checkpoint("resnet", spec.class_path, spec.sizes, NUM_PLANES, weights, weights)
    checkpoint.save(checkpoint_path(config, "resnet"), made)


def _bare_seconds(config: Config) -> float:
    """Seconds of the network alone for one position per simulation of a search."""
    leaves = config.search.leaves_at_once
    evaluator = load_network(config, checkpoint_path(config, "resnet")).evaluator(leaves, config.game.board_size)
    found = []
    for _ in range(LAPS):
        begin = time.perf_counter()
        for _ in range(math.ceil(SIMULATIONS / leaves)):
            evaluator.evaluate(evaluator.input)
        found.append(time.perf_counter() - begin)
    return min(found)


@dataclass(slots=True)
class _Visitor:
    """A visitor of the page, with one persistent connection."""

    port: int
    connection: http.client.HTTPConnection

    @classmethod
    def at(cls, port: int) -> "_Visitor":
        return cls(port, http.client.HTTPConnection("127.0.0.1", port, timeout=_STARTS_S))

    def request(self, path: str, body: Any = None) -> bytes:
        """The body of a response. Raises FailureError for a status other than 200."""
        response = self.open(path, body)
        content = response.read()
        if response.status != 200:
            raise FailureError(f"{path} was answered with {response.status}: {content[:200]!r}")
        return content

    def open(self, path: str, body: Any = None) -> http.client.HTTPResponse:
        """Sends a request and returns the response; reconnects if the server has closed the idle connection."""
        try:
            return self._request(path, body)
        except ConnectionError:
            self.connection.close()
            return self._request(path, body)

    def _request(self, path: str, body: Any) -> http.client.HTTPResponse:
        if body is None:
            self.connection.request("GET", path)
        else:
            self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        return self.connection.getresponse()


@contextmanager
def _serving(folder: str, overrides: list[str]) -> Iterator[_Visitor]:
    """A visitor of a new server with all networks loaded."""
    command = [sys.executable, "-m", "alphapente", "web", "--port", "0"]
    for override in overrides:
        command += ["--set", override]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            visitor = _Visitor.at(_printed_port(process))
            for network in ("checkpoint:resnet", "shipped"):
                _search(visitor, network)  # waits until all is loaded
            yield visitor
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=30)
            process.kill()


def _printed_port(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
            return int(match[1])
    raise FailureError("alphapente web ended before it printed its address: run it by hand to see why")


def _load_page(visitor: _Visitor) -> float:
    """Seconds for the page with all its scripts and styles, and for its first API requests."""
    begin = time.perf_counter()
    waiting, seen = ["/"], {"/"}
    while waiting:
        path = waiting.pop()
        text = visitor.request(path).decode()
        for link in (part for found in _LINKS.findall(text) for part in found if part):
            target = str(Path("/", Path(path).parent, link)) if link.startswith(".") else "/" + link.lstrip("/")
            target = re.sub(r"/\./|/[^/]+/\.\./", "/", target)
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    for resource in ("/api/v1/meta", "/api/v1/networks"):
        visitor.request(resource)
    visitor.request("/api/v1/position", {"moves": []})
    return time.perf_counter() - begin


def _click(visitor: _Visitor) -> float:
    """Seconds until the position after a move is returned."""
    begin = time.perf_counter()
    visitor.request("/api/v1/position", {"moves": GAME})
    return time.perf_counter() - begin


def _search(visitor: _Visitor, network: str) -> float:
    """Seconds until a move is chosen."""
    begin = time.perf_counter()
    visitor.request(
        "/api/v1/analysis",
        {"moves": GAME[:QUIET_PLIES], "network": network, "simulations": SIMULATIONS, "purpose": "play"},
    )
    return time.perf_counter() - begin


def _crowd(visitor: _Visitor, seconds: float) -> list[Row]:
    """20 visitors that analyse at once, each a different game, while one more clicks now and then."""
    alone = _analysed(visitor.port, 0, min(seconds, 5.0))
    made: list[float] = [0.0] * VISITORS

    def analyse(number: int) -> None:
        made[number] = _analysed(visitor.port, number, seconds)

    threads = [threading.Thread(target=analyse, args=(number,)) for number in range(VISITORS)]
    for thread in threads:
        thread.start()
    end, clicks = time.perf_counter() + seconds, []
    while time.perf_counter() < end:
        clicks.append(_click(visitor))
        time.sleep(0.1)
    for thread in threads:
        thread.join()
    total = sum(made) / seconds
    alone_rate = alone / min(seconds, 5.0)
    return [
        Row("web.visitors.simulations", total, "simulations/s", alone_rate, total / alone_rate),
        Row("web.visitors.fairness", min(made) / max(made), "fewest/most simulations"),
        Row("web.visitors.click", median(clicks), "seconds"),
        Row("web.visitors.slowest_click", max(clicks), "seconds"),
    ]


def _analysed(port: int, number: int, seconds: float) -> float:
    """Simulations of an analysis of `seconds`; `number` selects the position."""
    moves = [*GAME[:QUIET_PLIES], f"{'ABCDEFGHJKLMNOPQRST'[number % 19]}{1 + number // 19}"]
    body = {"moves": moves, "network": "checkpoint:resnet", "seconds": seconds, "every_ms": 1000}
    lines = _Visitor.at(port).request("/api/v1/analysis", body).decode().splitlines()
    reports = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    return float(reports[-1]["simulations"])
