"""The first games in play, for viewers: a small file, written every second."""

import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from alphapente.config import Config
from alphapente.errors import FailureError
from alphapente.files import write_text
from alphapente.selfplay.game import GameInPlay

NAME = "live_games.json"
SHOWN_GAMES = 8
EVERY_S = 1.0
STALE_S = 10.0
"""A file older than this belongs to a run that has ended."""


@dataclass(frozen=True, slots=True)
class LiveBoard:
    """One game in play: its seed, which identifies it, and its moves as points."""

    seed: int
    moves: list[int]


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """Some of the games in play at one moment (seconds since 1970, UTC), and the network that plays them."""

    updated_at: float
    variant: str
    board_size: int
    model_type: str
    step: int
    games: list[LiveBoard]


def live_path(config: Config) -> Path:
    """The file of the games in play, beside the logs."""
    return config.pipeline.log_folder / NAME


def read_live(config: Config, now: float | None = None) -> LiveSnapshot | None:
    """The games in play; None if nothing is played or the file is not a snapshot."""
    now = time.time() if now is None else now
    try:
        values = json.loads(live_path(config).read_text(encoding="utf-8"))
        values["games"] = [LiveBoard(**game) for game in values["games"]]
        found = LiveSnapshot(**values)
        return found if abs(now - found.updated_at) < STALE_S else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


class LiveGames:
    """Writes snapshots of one worker's games. Without a log folder, or on a full disk, it writes nothing."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._path = live_path(config)
        self._written_at = float("-inf")

    def publish(self, games: Sequence[GameInPlay | None], step: int) -> None:
        """Writes the first games, at most every EVERY_S seconds; `step` counts their network's training steps."""
        now = time.monotonic()
        if now - self._written_at < EVERY_S or not self._path.parent.is_dir():
            return
        self._written_at = now
        config = self._config
        snapshot = LiveSnapshot(
            updated_at=time.time(),
            variant=config.game.variant,
            board_size=config.game.board_size,
            model_type=config.generation.model_type,
            step=step,
            games=[LiveBoard(one.seed, list(one.moves)) for one in games if one is not None][:SHOWN_GAMES],
        )
        with contextlib.suppress(FailureError):
            write_text(self._path, json.dumps(asdict(snapshot)), durable=False)

    def end(self) -> None:
        """Removes the file: play has ended."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
