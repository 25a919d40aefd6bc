"""The app: the API under /api/v1, the page under everything else, and the guard around both."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from alphapente import __version__
from alphapente.config import Config
from alphapente.web.errors import answer_errors
from alphapente.web.games import GamesRoom
from alphapente.web.networks import Networks
from alphapente.web.parts import Parts
from alphapente.web.ratings import Ratings
from alphapente.web.routes import games, networks, position, run
from alphapente.web.run_room import RunRoom
from alphapente.web.schemas import ErrorAnswer
from alphapente.web.security import Access, Guard

API = "/api/v1"
STATIC = Path(__file__).with_name("static")
_ROUTERS = (position.router, networks.router, games.router, run.router)
_FAILURES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorAnswer, "description": "A wrong request: what was found, what is allowed."},
    "5XX": {"model": ErrorAnswer, "description": "The server could not do it."},
}


def create_app(config: Config, access: Access | None = None) -> FastAPI:
    """The app for a configuration, served to whom `access` says (default: this machine, without a token)."""
    parts = Parts(config=config, networks=Networks(config), ratings=Ratings(config), games=GamesRoom(config))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    app = FastAPI(
        title="AlphaPente",
        version=__version__,
        description="Positions, searches, reviews, games, networks and runs of AlphaPente. docs/web.md tells more.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # its page would be fetched from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        responses=_FAILURES,
    )
    app.state.parts = parts
    app.state.run_room = RunRoom()
    answer_errors(app)
    for router in _ROUTERS:
        app.include_router(router, prefix=API)
    app.mount("/", StaticFiles(directory=STATIC, html=True), name="page")
    app.add_middleware(Guard, access=access or Access(), max_body_bytes=config.web.max_body_bytes)
    return app
