"""Access checks: hosts, tokens, origins, content types, sizes; and the security headers of responses."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from alphapente.web.routes import position
from alphapente.web.security import HEADERS, Access, is_loopback, new_token
from tests.web.server import quiet_config, refusal, serving

TOKEN = "a-token-of-the-test"
POSITION = "/api/v1/position"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    config = quiet_config(tmp_path_factory.mktemp("open"), "web.max_body_bytes=2000")
    with serving(config) as (client, _):
        yield client


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(quiet_config(tmp_path_factory.mktemp("guarded")), Access("127.0.0.1", TOKEN)) as (client, _):
        yield client


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.7", "", "a@b:c", "[", "[::1"])
def test_foreign_hosts_are_refused(client: httpx.Client, host: str) -> None:
    assert refusal(client.get("/", headers={"host": host}))[:2] == (421, "wrong_host")


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1", "[::1]:8717"])
def test_names_of_this_machine_are_served_whatever_the_port(client: httpx.Client, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


def test_hosts_of_a_server_that_others_reach() -> None:
    access = Access("0.0.0.0", TOKEN)
    assert access.serves("192.168.1.7")
    assert access.serves("localhost")
    assert not access.serves("evil.example")
    assert TOKEN not in repr(access)


@pytest.mark.parametrize(("host", "own"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)])
def test_which_addresses_are_this_machines_own(host: str, own: bool) -> None:
    assert is_loopback(host) is own


@pytest.mark.parametrize("path", ["/", "/api/v1/meta", "/api/v1/nothing", "/no/such/page"])
def test_every_answer_has_the_headers(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_pages_are_revalidated_and_answers_are_not_cached(client: httpx.Client) -> None:
    assert client.get("/").headers["cache-control"] == "no-cache"
    assert client.get("/api/v1/meta").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_only_json_may_be_posted(client: httpx.Client, kind: str) -> None:
    answer = client.post(POSITION, content="{}", headers={"content-type": kind})
    assert refusal(answer)[:2] == (415, "not_json")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://["])
def test_foreign_pages_may_not_post(client: httpx.Client, origin: str) -> None:
    assert refusal(client.post(POSITION, json={}, headers={"origin": origin}))[:2] == (403, "foreign_origin")


def test_our_own_page_may(client: httpx.Client) -> None:
    origin = str(client.base_url).rstrip("/")
    assert client.post(POSITION, json={}, headers={"origin": origin}).status_code == 200


def test_large_bodies_are_refused(client: httpx.Client) -> None:
    assert refusal(client.post(POSITION, json={"variant": "x" * 3000}))[:2] == (413, "too_large")


def test_large_bodies_are_refused_without_a_content_length(client: httpx.Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.base_url.port or 0, timeout=30)
    parts = (b"x" * 1000 for _ in range(5))
    connection.request("POST", POSITION, body=parts, headers={"content-type": "application/json"}, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["error"]["code"]) == (413, "too_large")
    connection.close()


def test_a_length_that_no_body_has_is_refused(client: httpx.Client) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.base_url.port or 0, timeout=30)
    headers = {"content-type": "application/json", "content-length": "9" * 19}
    connection.request("POST", POSITION, headers=headers)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["error"]["code"]) == (413, "too_large")
    connection.close()


@pytest.mark.parametrize(
    "body",
    ["", "{", "[1, 2", "\xff\xfe", '"text"', "[" * 1500, "null", '{"moves": "K10"}', f'{{"board_size": {"9" * 1900}}}'],
    ids=lambda body: body[:6],
)
def test_invalid_requests_get_a_json_error(client: httpx.Client, body: str) -> None:
    answer = client.post(POSITION, content=body.encode("latin-1"), headers={"content-type": "application/json"})
    assert refusal(answer)[:2] == (422, "malformed")


def test_an_unexpected_error_reveals_no_internals(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("a secret of the server")

    monkeypatch.setattr(position, "view_position", broken)
    answer = client.post(POSITION, json={})
    assert refusal(answer) == (500, "internal", "internal error; the server's terminal shows details")
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "a secret of the server" in caplog.text


def test_unknown_addresses_and_methods_get_a_json_error(client: httpx.Client) -> None:
    assert refusal(client.get("/api/v1/nothing"))[:2] == (404, "not_found")
    assert refusal(client.get(POSITION))[:2] == (405, "method_not_allowed")
    assert refusal(client.delete("/api/v1/meta", headers={"content-type": "application/json"}))[0] == 405


@pytest.mark.parametrize("path", ["/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "//etc/passwd", "/static/../app.py"])
def test_nothing_but_the_page_is_served(client: httpx.Client, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.base_url.port or 0, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 404
    assert b"def create_app" not in answer.read()
    connection.close()


def test_without_the_token_nothing_is_served(guarded: httpx.Client) -> None:
    for path in ("/", "/api/v1/meta", "/?token=wrong", "/api/v1/openapi.json"):
        assert refusal(guarded.get(path))[:2] == (401, "no_token")
    for given in ("Bearer wrong", "Basic x", "Bearer", f"Basic {TOKEN}"):
        assert refusal(guarded.get("/", headers={"authorization": given}))[0] == 401


def test_programs_show_the_token_as_a_bearer(guarded: httpx.Client) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    assert guarded.get("/api/v1/meta", headers=headers).status_code == 200
    assert guarded.post(POSITION, json={}, headers=headers).status_code == 200


def test_browsers_get_a_cookie_for_it(guarded: httpx.Client) -> None:
    with httpx.Client(base_url=guarded.base_url, trust_env=False) as browser:
        entered = browser.get("/", params={"token": TOKEN})
        assert entered.status_code == 200
        cookie = entered.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "url=/" in entered.text
        assert browser.get("/api/v1/meta").status_code == 200
    wrong = guarded.get("/", headers={"cookie": "alphapente_token=wrong"})
    assert refusal(wrong)[0] == 401


def test_tokens_differ_and_are_long() -> None:
    assert len({new_token() for _ in range(100)}) == 100
    assert min(len(new_token()) for _ in range(100)) >= 20


def test_the_page_is_packaged() -> None:
    import alphapente.web

    assert (Path(alphapente.web.__file__).parent / "static" / "index.html").is_file()
