"""The objects that all routes share: configuration, networks, searches. Made once for each app."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from alphapente.config import Config
from alphapente.web.engines import Engines
from alphapente.web.games import GamesReader
from alphapente.web.networks import Networks
from alphapente.web.ratings import Ratings


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one running server."""

    config: Config
    networks: Networks
    engines: Engines
    ratings: Ratings
    games: GamesReader


def parts_of(request: Request) -> Parts:
    """The parts of the app that received a request."""
    return cast(Parts, request.app.state.parts)


PartsOf = Annotated[Parts, Depends(parts_of)]
