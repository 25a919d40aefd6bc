"""The networks to choose from, with their ratings where matches were stored."""

from fastapi import APIRouter

from alphapente.web.parts import PartsOf
from alphapente.web.schemas import NetworkInfo

router = APIRouter(tags=["networks"])


@router.get("/networks")
def networks(parts: PartsOf) -> list[NetworkInfo]:
    """The included network, the newest of each model type, and those kept by runs, newest first."""
    default = parts.networks.default_id()
    return [
        NetworkInfo(
            id=one.id,
            title=one.title,
            kind=one.kind,
            model_type=one.model_type,
            step=one.step,
            rating=parts.ratings.of(one),
            default=one.id == default,
        )
        for one in parts.networks.entries()
    ]
