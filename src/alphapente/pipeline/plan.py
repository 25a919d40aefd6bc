"""What each step of a run is told: its command line, and how the configuration differs for it."""

import os
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alphapente.config import Config

COMMAND = (sys.executable, "-m", "alphapente")


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes the steps' command lines. `config_file` is the resolved configuration, saved; `run` the run's name."""

    config: Config
    config_file: Path
    run: str
    command: Sequence[str] = COMMAND

    def generation(self, cycle: int, record_limit: int, records: int, beside_training: bool) -> list[str]:
        """The command that adds `record_limit` records to a pool of `records`."""
        settings = [f"generation.record_limit={record_limit}"]
        if self.config.generation.seed is not None:
            # The same seed again would play the same games again, after an interruption as in the next cycle.
            settings.append(f"generation.seed={_seed(self.config.generation.seed, f'generation {cycle} {records}')}")
        if beside_training and self.config.generation.workers == 0:
            settings.append(f"generation.workers={max(1, _num_cores() - 1)}")
        return self._command("generate", settings)

    def training(self, name: str, beside_generation: bool) -> list[str]:
        """The command of a training; under the same name it goes on where it was interrupted."""
        settings = []
        if self.config.training.seed is not None:
            settings.append(f"training.seed={_seed(self.config.training.seed, name)}")
        if beside_generation and self.config.training.threads == 0:
            settings.append("training.threads=1")
        return [*self._command("train", settings), "--resume-key", f"{self.run} {name}"]

    def _command(self, job: str, settings: list[str]) -> list[str]:
        overrides = [word for setting in settings for word in ("--set", setting)]
        return [*self.command, job, "--config", str(self.config_file), "--events", *overrides]


def _seed(seed: int, step: str) -> int:
    return zlib.crc32(f"{seed} {step}".encode())


def _num_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
