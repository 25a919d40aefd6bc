"""The app: the API under /api/v1, the page under all other paths, and the guard around both."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from alphapente import __version__
from alphapente.config import Config
from alphapente.errors import AlphaPenteError
from alphapente.web.engines import Engines
from alphapente.web.errors import LOG, answer_errors
from alphapente.web.games import GamesReader
from alphapente.web.networks import Networks
from alphapente.web.parts import Parts
from alphapente.web.ratings import Ratings
from alphapente.web.routes import analysis, games, position, review, run
from alphapente.web.routes import networks as networks_route
from alphapente.web.run.configs import Configs, Named
from alphapente.web.run.context import RunContext
from alphapente.web.schemas import ErrorAnswer
from alphapente.web.security import Access, Guard
from alphapente.web.warming import warm_up

API = "/api/v1"
STATIC = Path(__file__).with_name("static")
_ROUTERS = (position.router, networks_route.router, analysis.router, review.router, games.router, run.router)
_FAILURES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorAnswer, "description": "A wrong request: what was found, what is allowed."},
    "5XX": {"model": ErrorAnswer, "description": "The server failed."},
}


def create_app(
    config: Config, access: Access | None = None, *, own: Named | None = None, warm: bool = False
) -> FastAPI:
    """The app for a configuration, for the clients that `access` admits (default: this machine, without a token).

    `own`: the source of that configuration, which the Run room shows first.
    `warm`: load networks and kernels before the first request, which would otherwise wait for them.
    """
    networks = Networks(config)
    engines = Engines(config, networks)
    parts = Parts(config, networks, engines, Ratings(config), GamesReader(config))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if warm:
            threading.Thread(target=_warm_up, args=(parts,), name="warm-up", daemon=True).start()
        yield
        engines.close()

    app = FastAPI(
        title="AlphaPente",
        version=__version__,
        description="Positions, searches, reviews, games, networks and runs of AlphaPente. See docs/web.md.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # its page loads files from another server
        redoc_url=None,
        lifespan=lifespan,
        responses=_FAILURES,
    )
    app.state.parts = parts
    app.state.run_context = RunContext(Configs(own))
    answer_errors(app)
    for router in _ROUTERS:
        app.include_router(router, prefix=API)
    # Not mounted: a mount at the root would also catch requests that the API answers with 405.
    app.router.default = StaticFiles(directory=STATIC, html=True)
    app.add_middleware(Guard, access=access or Access(), max_body_bytes=config.web.max_body_bytes)
    return app


def _warm_up(parts: Parts) -> None:
    try:
        warm_up(parts)
    except AlphaPenteError as error:  # a request for that network reports the same error
        LOG.warning("%s", error)
