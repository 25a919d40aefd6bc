"""`alphapente web`: the page in the browser, served to this machine, or to others who have the token."""

import socket
from typing import TYPE_CHECKING, Annotated

import typer

from alphapente.cli.flags import ConfigFile, Overrides
from alphapente.config import default_config_path, load_config
from alphapente.errors import FailureError, RequestError

if TYPE_CHECKING:
    from alphapente.config import Config
    from alphapente.web.security import Access


def web(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to serve at; any but this machine's own needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(metavar="N", help="Port; 0 takes a free one [default: web.port].")] = None,
    token: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What visitors must show [default: a new one where needed].")
    ] = None,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = False,
    config: ConfigFile = None,
    set_: Overrides = None,
) -> None:
    """Serve the page: play against the engine, review games, start and watch runs. Ctrl-C ends it."""
    flags: dict[str, object] = {} if port is None else {"web.port": port}
    resolved = load_config(config or default_config_path(), set_ or (), flags)
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise RequestError(f"--token has {len(token)} characters: choose {SHORTEST_TOKEN} or more, or leave it out")

    from alphapente.web.security import Access, is_loopback, new_token

    access = Access(host, token or ("" if is_loopback(host) else new_token()))
    _serve(resolved, access, open_)


SHORTEST_TOKEN = 12
"""Characters."""


def _serve(config: "Config", access: "Access", open_page: bool) -> None:
    import uvicorn

    from alphapente.compiled import is_cold
    from alphapente.web.app import create_app

    listener = _listen(access.host, config.web.port)
    address = _address(access, listener.getsockname()[1])
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(config, access, warm=True),
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
            lifespan="on",
        )
    )
    typer.echo(f"AlphaPente is at {address} (Ctrl-C ends it)")
    if is_cold("root.keep_subtree"):
        typer.echo("compiling the search for this machine: a minute or so, this once; the first search waits for it")
    if open_page:
        typer.launch(address)
    server.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """A socket that is bound, so that the address can be told. Raises FailureError where it cannot be."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        raise FailureError(
            f"cannot serve at {host}, port {port}: {error.strerror or error}; choose others by --host and --port"
        ) from error
    return listener


def _address(access: "Access", port: int) -> str:
    host = f"[{access.host}]" if ":" in access.host else access.host
    return f"http://{host}:{port}/" + (f"?token={access.token}" if access.token else "")
