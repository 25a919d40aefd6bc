"""The resolved configuration: all sections, the checks between them, and the stages of the curriculum."""

import json
from typing import Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from alphapente.config.key_list import keys_of
from alphapente.config.model_settings import ModelSettings, resolve_models
from alphapente.config.promotion import check_promotion
from alphapente.config.refusal import RefusedError, nearest
from alphapente.config.section import Section, setting, value_at
from alphapente.config.settings import (
    GameSettings,
    GenerationSettings,
    NetworkSettings,
    PipelineSettings,
    RecordsSettings,
    SearchSettings,
    TrainingSettings,
)
from alphapente.config.web_settings import WebSettings

_STAGE_SECTIONS = ("generation.", "search.", "training.", "network.")
_NOT_IN_STAGES = ("generation.record_limit", "generation.model_type", "training.model_type", "generation.simulations")


class Config(Section):
    """The resolved configuration: `config.generation.simulations` and so on. Read-only."""

    game: GameSettings = setting(GameSettings(), "The game.")
    generation: GenerationSettings = setting(GenerationSettings(), "Self-play.")
    search: SearchSettings = setting(SearchSettings(), "Monte Carlo tree search.")
    training: TrainingSettings = setting(TrainingSettings(), "Training of a model on records.")
    pipeline: PipelineSettings = setting(PipelineSettings(), "The schedule of generations and trainings.")
    records: RecordsSettings = setting(RecordsSettings(), "The database.")
    network: NetworkSettings = setting(NetworkSettings(), "Device and precision of the network.")
    web: WebSettings = setting(WebSettings(), "The web page.")
    models: dict[str, ModelSettings] = Field(
        default_factory=lambda: resolve_models({}), description="Models by name, including your own."
    )

    @field_validator("models", mode="before")
    @classmethod
    def _resolve_models(cls, value: object) -> dict[str, ModelSettings]:
        return resolve_models(value)

    @model_validator(mode="after")
    def _check_model_types(self, info: ValidationInfo) -> "Config":
        if info.context and info.context.get("part"):
            return self
        for section, name in (("generation", self.generation.model_type), ("training", self.training.model_type)):
            if name not in self.models:
                allowed = "one of " + ", ".join(f'"{known}"' for known in sorted(self.models)) + " (keys of `models`)"
                raise RefusedError((section, "model_type"), name, allowed, nearest(name, self.models))
        return self

    @model_validator(mode="after")
    def _check_promotion(self, info: ValidationInfo) -> "Config":
        if not (info.context and info.context.get("part")):
            check_promotion(self.generation, self.training, self.pipeline)
        return self

    @model_validator(mode="after")
    def _check_curriculum(self, info: ValidationInfo) -> "Config":
        if not (info.context and info.context.get("part")):
            _check_stages(self)
        return self

    def to_dict(self) -> dict[str, Any]:
        """Nested dictionaries for JSON; `load_config` of them gives an equal configuration."""
        return self.model_dump(mode="json", by_alias=True)

    def value_at(self, key: str, missing: Any = None) -> Any:
        """The value of a dotted key, as in `to_dict`; `missing` if there is no such key."""
        return value_at(self.to_dict(), key.split("."), missing)

    def dump_json(self) -> str:
        """The resolved configuration as the text of a JSON file."""
        return json.dumps(self.to_dict(), indent=2) + "\n"


def stage_overrides(config: Config, stage: int) -> dict[str, object]:
    """The settings of a stage (0 is the first) by dotted key; empty without a curriculum."""
    if not config.pipeline.curriculum:
        return {}
    found = config.pipeline.curriculum[stage]
    own = {"game.board_size": found.board_size, "generation.simulations": found.simulations}
    named: dict[str, object] = {key: value for key, value in own.items() if value is not None}
    return {**named, **found.settings}


def in_stage(config: Config, stage: int) -> Config:
    """The configuration in force in a stage. Raises ValidationError for settings that are not allowed."""
    values = config.to_dict()
    for key, value in stage_overrides(config, stage).items():
        *path, last = key.split(".")
        value_at(values, path)[last] = value
    values["pipeline"] |= {"curriculum": [], "repeat_from_stage": None}
    return type(config).model_validate(values)


def stage_sizes(config: Config) -> list[int]:
    """The board sizes of a run, ascending."""
    stages = config.pipeline.curriculum
    sizes = {config.game.board_size if stage.board_size is None else stage.board_size for stage in stages}
    return sorted(sizes or {config.game.board_size})


def _check_stages(config: Config) -> None:
    """Raises RefusedError for a stage without an end before another stage, or with settings that are not allowed."""
    stages, repeat_from = config.pipeline.curriculum, config.pipeline.repeat_from_stage
    if repeat_from is not None and repeat_from > len(stages):
        allowed = f"a stage of pipeline.curriculum (there are {len(stages)}), or null"
        raise RefusedError(("pipeline", "repeat_from_stage"), repeat_from, allowed)
    for number, stage in enumerate(stages):
        path = ("pipeline", "curriculum", str(number))
        endless = stage.records is None and stage.minutes is None
        if endless and (number + 1 < len(stages) or repeat_from is not None):
            found = stage.model_dump(exclude_defaults=True)
            only = "only the last stage may lack it, if pipeline.repeat_from_stage is null"
            raise RefusedError(path, found, f'an end, "records" or "minutes"; {only}')
        for key, value in stage.settings.items():
            _check_stage_key((*path, "settings", key), key, value)
        try:
            in_stage(config, number)
        except ValidationError as error:
            key = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise RefusedError(
                (*path, "settings", key), stage.settings.get(key), keys_of(Config)[key].allowed
            ) from error


def _check_stage_key(path: tuple[str, ...], key: str, value: object) -> None:
    """Raises RefusedError for a key that does not exist or must be the same in all stages."""
    known = keys_of(Config)
    allowed = [name for name in known if name.startswith(_STAGE_SECTIONS) and name not in _NOT_IN_STAGES]
    if key not in allowed:
        text = f"keys that begin with {', '.join(_STAGE_SECTIONS)}, except {', '.join(_NOT_IN_STAGES)}"
        raise RefusedError(path, value, text, nearest(key, allowed), unknown=key not in known)
