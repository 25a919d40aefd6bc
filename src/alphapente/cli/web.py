"""`alphapente web`: serves the web page to this machine, or to other machines with a token."""

import socket
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from alphapente.cli.options import ConfigFile, Overrides, resolve
from alphapente.config import default_config_path
from alphapente.errors import FailureError, RequestError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from alphapente.web.security import Access

SHORTEST_TOKEN = 12
"""Characters."""


def web(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to serve at; other addresses than loopback need a token.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(metavar="N", help="Port; 0: any free port [default: web.port].")] = None,
    token: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Token that visitors need [default: a new one if needed].")
    ] = None,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = False,
    config: ConfigFile = None,
    set_: Overrides = None,
) -> None:
    """Serve the web page: play against the engine, review games, start and watch runs. Ctrl-C stops the server."""
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise RequestError(f"--token has {len(token)} characters: choose {SHORTEST_TOKEN} or more, or omit it")

    resolved = resolve(config, set_, {"web.port": port})

    from alphapente.web.app import create_app
    from alphapente.web.run.configs import own_configuration
    from alphapente.web.security import Access, is_loopback, new_token

    access = Access(host, token or ("" if is_loopback(host) else new_token()))
    listener = _listen(host, resolved.web.port)
    app = create_app(resolved, access, own=own_configuration(config or default_config_path(), set_ or ()), warm=True)
    _serve(app, listener, _address(access, listener.getsockname()[1]), open_)


def _serve(app: "FastAPI", listener: socket.socket, address: str, open_page: bool) -> None:
    import uvicorn

    from alphapente.selfplay.compilation import NOTICE, is_compiled

    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
            lifespan="on",
        )
    )
    typer.echo(f"AlphaPente is at {address} (Ctrl-C stops it)")
    if not is_compiled():
        typer.echo(f"{NOTICE}; the first search waits for it")
    if open_page:
        typer.launch(address)
    server.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket, so that the address is known. Raises FailureError if it cannot be bound."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except (OSError, UnicodeError) as error:  # UnicodeError for an invalid name
        why = getattr(error, "strerror", None) or error
        raise FailureError(
            f"cannot serve at {host}, port {port}: {why}; choose others with --host and --port"
        ) from error
    return listener


def _address(access: "Access", port: int) -> str:
    """The URL for a browser; with the machine's name if all its addresses are served."""
    host = socket.gethostname() if access.host in ("", "0.0.0.0", "::") else access.host
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/" + (f"?token={quote(access.token)}" if access.token else "")
