"""Faults in a configuration: settings by which a run learns nothing, or never reaches a stage of its curriculum.

Only faults that are certain from the configuration and the checkpoint folder. A run reports them when it starts, and so
does the doctor.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from alphapente.config import Config, in_stage
from alphapente.network.paths import checkpoint_path


@dataclass(frozen=True, slots=True)
class RunFault:
    """A fault: what is wrong, the evidence, the advice, and the settings to change, each as `key=value`."""

    title: str
    evidence: str
    advice: str
    settings: tuple[str, ...] = ()
    useless: bool = True
    """True if the run never plays with anything that it learns."""

    def __str__(self) -> str:
        changes = "".join(f" --set {setting}" for setting in self.settings)
        return f"warning: {self.title}: {self.evidence}. {self.advice}{f' ({changes.strip()})' if changes else ''}"


def run_faults(config: Config) -> list[RunFault]:
    """The faults of a run with this configuration; usually none."""
    return [fault for find in _FAULTS for fault in find(config)]


def _untrained_player(config: Config) -> Iterator[RunFault]:
    played, trained = config.generation.model_type, config.training.model_type
    if played == trained:
        return
    path = checkpoint_path(config, played)
    exists = path.exists()
    consequence = (
        f"self-play plays {path} as it is, and no training of this run changes that"
        if exists
        else f"there is no {path}, so self-play always plays a fresh network"
    )
    yield RunFault(
        "Self-play plays another model than training trains",
        f"generation.model_type is {played!r}, training.model_type is {trained!r}; {consequence}",
        "What is learned is never played: name the same model in both.",
        (f"generation.model_type={trained}",),
        useless=not exists,
    )


def _same_game(config: Config) -> Iterator[RunFault]:
    for number, stage in enumerate(_stages(config), 1):
        settings = stage.generation
        chances = (
            settings.opening_plies,
            settings.policy_opening_plies,
            settings.random_move_rate,
            settings.mcts_temperature,
            settings.mcts_random,
            1 - settings.full_search_share,
        )
        if any(chances):
            continue
        where = f" in stage {number} of pipeline.curriculum" if config.pipeline.curriculum else ""
        yield RunFault(
            f"Self-play plays the same game again and again{where}",
            "generation.opening_plies, policy_opening_plies, random_move_rate, mcts_temperature and mcts_random are 0: "
            "nothing differs from game to game",
            "Open games with random plies, or draw moves by a temperature.",
            ("generation.opening_plies=4", "generation.mcts_temperature=1.0"),
        )


def _unreachable_stages(config: Config) -> Iterator[RunFault]:
    pipeline = config.pipeline
    planned = min(pipeline.generation_cycles * config.generation.record_limit, pipeline.total_records_target)
    needed = 0
    for number, stage in enumerate(pipeline.curriculum[:-1], 1):
        if stage.records is not None and stage.minutes is None:
            needed += stage.records
        if needed >= planned:
            yield RunFault(
                f"Stage {number + 1} of pipeline.curriculum is beyond the run's end",
                f"the stages before it end after {needed:,} records, and the run is planned to make {planned:,} (the "
                "lesser of generation.record_limit in each of pipeline.generation_cycles, and "
                "pipeline.total_records_target)",
                "Let the stages end earlier, or the run make more.",
                (
                    f"pipeline.generation_cycles={-(-2 * needed // config.generation.record_limit)}",
                    f"pipeline.total_records_target={max(pipeline.total_records_target, 2 * needed)}",
                ),
                useless=False,
            )
            return


def _stages(config: Config) -> Sequence[Config]:
    """The configuration of each stage; without a curriculum there is one stage."""
    return [in_stage(config, number) for number in range(max(1, len(config.pipeline.curriculum)))]


_FAULTS: tuple[Callable[[Config], Iterator[RunFault]], ...] = (_untrained_player, _same_game, _unreachable_stages)
