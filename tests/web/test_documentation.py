"""docs/web.md against the server: every route, every code of an error and every example in it."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator

import httpx
import pytest

from alphapente.web.app import API
from tests.web.run_folder import ROOT, run_context

PAGE = (ROOT / "docs" / "web.md").read_text(encoding="utf-8")
EXAMPLES = [line for line in PAGE.splitlines() if line.startswith("curl ")]
SOURCES = sorted((ROOT / "src" / "alphapente" / "web").rglob("*.py"))
CODE = re.compile(r'WebError\(\s*\d+,\s*"(\w+)"|response\(\s*\d+,\s*"(\w+)"|Error, "(\w+)"\)|return \d+, "(\w+)"')


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("web")
    shutil.copytree(ROOT / "config", folder / "config")
    with pytest.MonkeyPatch.context() as patch, run_context(folder, patch) as (client, _):
        yield client


def test_every_route_has_an_example(client: httpx.Client) -> None:
    paths = client.get(f"{API}/openapi.json").json()["paths"]
    asked = {_request(example)[:2] for example in EXAMPLES}
    for path, methods in paths.items():
        short = path.removeprefix(API)
        for method in methods:
            pattern = re.compile(re.sub(r"\{\w+\}", r"[^/]+", short))
            shown = any(method == kind and pattern.fullmatch(url.partition("?")[0]) for kind, url in asked)
            assert shown or f"`{method.upper()} {short}`" in PAGE, f"{method} {path}"


def test_every_code_of_an_error_is_listed() -> None:
    codes = {code for path in SOURCES for found in CODE.findall(path.read_text(encoding="utf-8")) for code in found}
    assert len(codes) > 20
    table = PAGE[PAGE.index("| status | codes |") : PAGE.index("In a stream that has begun")]
    assert codes - {""} == set(re.findall(r"`(\w+)`", table))


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_answered(client: httpx.Client, example: str) -> None:
    method, url, body = _request(example)
    with client.stream(method.upper(), API + url, json=body) as answer:
        lines = answer.iter_lines()
        if "run/events" in url:
            assert next(lines) == "event: run"
            return
        text = "\n".join(lines)
    assert answer.status_code in (200, 202) or json.loads(text)["error"]["code"] in ("not_at_work", "nothing_to_stop")
    assert "event: error" not in text
    assert ("event: done" in text) == ("-sN" in example)


def _request(example: str) -> tuple[str, str, object]:
    """(method, path under the API with its query, body) of an example."""
    words = shlex.split(example, comments=True)
    url = next(word for word in words if word.startswith("$API")).removeprefix("$API")
    body = json.loads(words[words.index("--json") + 1]) if "--json" in words else None
    return "get" if body is None else "post", url, body
