"""Checks the settings of promotion."""

from alphapente.config.refusal import RefusedError
from alphapente.config.settings import GenerationSettings, PipelineSettings, TrainingSettings


def check_promotion(generation: GenerationSettings, training: TrainingSettings, pipeline: PipelineSettings) -> None:
    """Raises RefusedError for promotion with mode async, two different models, or hypotheses in the wrong order."""
    if pipeline.promotion == "off":
        return
    if pipeline.mode != "cycles":
        allowed = (
            '"off" with pipeline.mode "async", in which games continue while a network trains; "sprt" with "cycles"'
        )
        raise RefusedError(("pipeline", "promotion"), pipeline.promotion, allowed)
    if generation.model_type != training.model_type:
        allowed = f'"off" if generation.model_type differs from training.model_type, "{training.model_type}"'
        raise RefusedError(("pipeline", "promotion"), pipeline.promotion, allowed)
    if pipeline.promotion_elo1 <= pipeline.promotion_elo0:
        allowed = f"numbers above pipeline.promotion_elo0, which is {pipeline.promotion_elo0:g}"
        raise RefusedError(("pipeline", "promotion_elo1"), pipeline.promotion_elo1, allowed)
