"""The curriculum: stages of a run that differ in a few settings, such as small boards first."""

from typing import TYPE_CHECKING

from pydantic import ValidationError

from alphapente.config.refusal import RefusedError, nearest

if TYPE_CHECKING:
    from alphapente.config.settings import Config

_SECTIONS = ("generation.", "search.", "training.", "network.")
_NOT_IN_STAGES = ("generation.record_limit", "generation.model_type", "training.model_type", "generation.simulations")
_PATH = ("pipeline", "curriculum")


def stage_overrides(config: "Config", stage: int) -> dict[str, object]:
    """What the stage (0 is the first) sets, by dotted key; nothing where there is no curriculum."""
    if not config.pipeline.curriculum:
        return {}
    found = config.pipeline.curriculum[stage]
    own = {"game.board_size": found.board_size, "generation.simulations": found.simulations}
    named: dict[str, object] = {key: value for key, value in own.items() if value is not None}
    return {**named, **found.settings}


def in_stage(config: "Config", stage: int) -> "Config":
    """The configuration as it is in force in the stage. Raises ValidationError for settings that cannot be."""
    values = config.to_dict()
    for key, value in stage_overrides(config, stage).items():
        section = values
        *path, last = key.split(".")
        for name in path:
            section = section[name]
        section[last] = value
    values["pipeline"]["curriculum"] = []
    return type(config).model_validate(values)


def stage_sizes(config: "Config") -> list[int]:
    """The board sizes that a run plays on, the smallest first."""
    stages = config.pipeline.curriculum
    sizes = {config.game.board_size if stage.board_size is None else stage.board_size for stage in stages}
    return sorted(sizes or {config.game.board_size})


def check_curriculum(config: "Config") -> None:
    """Raises RefusedError for a stage that never ends before another, or whose settings cannot be."""
    stages = config.pipeline.curriculum
    for number, stage in enumerate(stages):
        path = (*_PATH, str(number))
        if stage.records is None and stage.minutes is None and number + 1 < len(stages):
            found = stage.model_dump(exclude_defaults=True)
            raise RefusedError(path, found, 'an end, "records" or "minutes"; only the last stage may do without')
        for key, value in stage.settings.items():
            _check_key((*path, "settings", key), key, value)
        try:
            in_stage(config, number)
        except ValidationError as error:
            key = ".".join(str(part) for part in error.errors()[0]["loc"])
            from alphapente.config.catalogue import keys

            raise RefusedError((*path, "settings", key), stage.settings.get(key), keys()[key].allowed) from error


def _check_key(path: tuple[str, ...], key: str, value: object) -> None:
    """Raises RefusedError for a key that is none, or that must not differ from stage to stage."""
    from alphapente.config.catalogue import keys  # which is made from the settings that this module checks

    allowed = [known for known in keys() if known.startswith(_SECTIONS) and known not in _NOT_IN_STAGES]
    if key not in allowed:
        near = nearest(key, allowed)
        words = f"keys that begin with {', '.join(_SECTIONS)}, but for {', '.join(_NOT_IN_STAGES)}"
        raise RefusedError(path, value, words, near, unknown=key not in keys())
