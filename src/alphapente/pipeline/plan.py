"""The command line of each step of a run, with the settings that differ for the step."""

import json
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alphapente.config import Config, stage_overrides
from alphapente.network.device import num_cores
from alphapente.network.paths import promoted_dir

COMMAND = (sys.executable, "-m", "alphapente")


@dataclass(frozen=True, slots=True)
class Planner:
    """Builds the steps' command lines. `config_file` holds the resolved configuration, `run` is the run's name."""

    config: Config
    config_file: Path
    run: str
    command: Sequence[str] = COMMAND

    def generation(self, stage: int, name: str, record_limit: int) -> list[str]:
        """The command that adds `record_limit` records to the pool of a stage of the curriculum."""
        settings = [*self._of_stage(stage), f"generation.record_limit={record_limit}"]
        if self.config.pipeline.promotion != "off":
            settings.append(f"pipeline.checkpoint_dir={json.dumps(promoted_dir(self.config))}")
        return self._command("generate", name, settings)

    def training(self, stage: int, name: str, beside_generation: bool) -> list[str]:
        """The command of a training in a stage; with the same name, an interrupted training resumes."""
        settings = self._of_stage(stage)
        if self.config.training.seed is not None:
            # With the same seed, every training would draw the same records in the same order.
            settings.append(f"training.seed={zlib.crc32(f'{self.config.training.seed} {name}'.encode())}")
        if beside_generation and self.config.training.threads == 0:
            # Self-play uses all cores at low priority, so that none is idle between trainings; training uses half.
            settings.append(f"training.threads={max(1, num_cores() // 2)}")
        return self._command("train", name, settings)

    def promotion(self, stage: int, name: str) -> list[str]:
        """The command that tests a training's network against the one that plays."""
        return self._command("promote", name, self._of_stage(stage))

    def _of_stage(self, stage: int) -> list[str]:
        return [f"{key}={json.dumps(value)}" for key, value in stage_overrides(self.config, stage).items()]

    def _command(self, job: str, name: str, settings: list[str]) -> list[str]:
        overrides = [word for setting in settings for word in ("--set", setting)]
        reports_to = ("--event-log", str(self.config.pipeline.checkpoint_folder), "--step", f"{self.run} {name}")
        return [*self.command, job, "--config", str(self.config_file), *reports_to, *overrides]
