"""The promotion of networks: which settings of it go together."""

from typing import TYPE_CHECKING

from alphapente.config.refusal import RefusedError

if TYPE_CHECKING:
    from alphapente.config.settings import Config


def check_promotion(config: "Config") -> None:
    """Raises RefusedError where promotion is asked for and cannot be: another mode, two models, no hypotheses."""
    pipeline = config.pipeline
    if pipeline.promotion == "off":
        return
    if pipeline.mode != "cycles":
        allowed = '"off" with pipeline.mode "async", where games go on while a network trains; "sprt" with "cycles"'
        raise RefusedError(("pipeline", "promotion"), pipeline.promotion, allowed)
    if config.generation.model_type != config.training.model_type:
        trained = config.training.model_type
        allowed = f'"off" where generation.model_type is not what is trained, "{trained}": nobody to be promoted'
        raise RefusedError(("pipeline", "promotion"), pipeline.promotion, allowed)
    if pipeline.promotion_elo1 <= pipeline.promotion_elo0:
        allowed = f"numbers above pipeline.promotion_elo0, which is {pipeline.promotion_elo0:g}"
        raise RefusedError(("pipeline", "promotion_elo1"), pipeline.promotion_elo1, allowed)
