"""Replaces `alphapente generate`, `train` and `promote`: a real process with their protocol that works fast.

The pool is a file with a byte for each record; games have 5 records. The environment variable `STAND_IN` contains
words: "fail:JOB" (or "fail:Training 1.2") fails, "hang:JOB" works until stopped, "late:JOB" ends 0.5 s after the stop,
"deaf:JOB" does not stop, "mute:JOB" reports no result, "slow" works slowly, "lost" reports lost curves.
"""

import itertools
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from alphapente.event_log import EventLog, Source
from alphapente.events import (
    EpochProgress,
    EpochReport,
    Event,
    GenerationProgress,
    GenerationSummary,
    Lost,
    Note,
    PromotionSummary,
    TrainingSummary,
)
from alphapente.files import configured_path
from alphapente.pipeline.lines import describe

RECORDS_A_GAME = 5
stopped = threading.Event()
logs: list[EventLog] = []
"""The run's event log, once its folder is known."""


def emit(event: Event) -> None:
    logs[0](event)
    if text := describe(event):
        print(text, flush=True)


def on_term(number: int, frame: FrameType | None) -> None:
    stopped.set()


def watch_parent() -> None:
    while os.read(0, 100):
        pass
    stopped.set()


def options(words: list[str]) -> dict[str, str]:
    """Flags and overrides by name."""
    pairs = dict(zip(words[::2], words[1::2], strict=False)) if len(words) % 2 == 0 else {}
    overrides = [value for flag, value in itertools.pairwise(words) if flag == "--set"]
    return pairs | dict(override.split("=", 1) for override in overrides)


def generate(folder: Path, given: dict[str, str], mode: str) -> None:
    limit = int(given["generation.record_limit"])
    records, began = 0, time.monotonic()
    pool = folder / "pool"
    while (records < limit or mode in ("hang", "late")) and not stopped.is_set():
        time.sleep(0.05 if "slow" in os.environ.get("STAND_IN", "") else 0.01)
        if mode in ("hang", "late") and records >= limit // 2:
            stopped.wait(0.05)
            continue
        with pool.open("ab") as file:
            file.write(b"r" * RECORDS_A_GAME)
        records += RECORDS_A_GAME
        elapsed = time.monotonic() - began
        emit(
            GenerationProgress(records, limit, records // RECORDS_A_GAME, elapsed, records / elapsed, 100.0, 90.0, 1.0)
        )
    games = records // RECORDS_A_GAME
    wins = {"1": games, "2": 0, "draw": 0}
    emit(GenerationSummary(games, records, records, wins, {"five": games, "captures": 0, "draw": 0}, 1.0, 9, 9))


def train(given: dict[str, str], mode: str, folder: Path) -> None:
    """Finished epochs are saved under the step's name, as the real training saves them in its checkpoint."""
    key = given["--step"]
    kept = folder / "epochs.json"
    done = json.loads(kept.read_text()) if kept.exists() else {}
    for epoch in range(done.get(key, 0) + 1, 4):
        if stopped.is_set():
            return
        time.sleep(0.01)
        while mode == "hang" and epoch == 2 and not stopped.is_set():
            time.sleep(0.01)
        emit(EpochProgress(epoch, 3, 1, 2, 2.0, 0.5, 100.0))
        emit(EpochReport(epoch, 3, epoch * 2, 2.0, 0.5, 2.5 / epoch, 1.0, 0.5, 0.001, 100.0))
        kept.write_text(json.dumps({**done, key: epoch}))
        emit(Note(f"{key} epoch {epoch}"))
    if mode != "mute":
        emit(TrainingSummary("simple", "simple_model.pt", 10, 3, 6, 2.0, 0.5, 0.1, 100.0))


def main() -> int:
    job, words = sys.argv[1], sys.argv[2:]
    given = options(words)
    run, _, step = given["--step"].partition(" ")
    logs.append(EventLog(Path(given["--event-log"]), Source(job, run, step), print))
    config = json.loads(Path(given["--config"]).read_text())
    folder = configured_path(config["pipeline"]["checkpoint_dir"])
    if "lost" in os.environ.get("STAND_IN", ""):
        emit(Lost("the curves", "No space left on device"))
    signal.signal(signal.SIGTERM, on_term)
    threading.Thread(target=watch_parent, daemon=True).start()
    with (folder / "commands").open("a") as file:
        file.write(json.dumps([os.getpid(), job, *words]) + "\n")
    mode = ""
    for word in os.environ.get("STAND_IN", "").split(","):
        kind, _, place = word.partition(":")
        if place and (place == job or given["--step"].endswith(place)):
            mode = kind
    print(f"{job} warms up", file=sys.stderr, flush=True)
    if mode == "fail":
        print("a line from a library")
        print("error: no room for weights", file=sys.stderr)
        return 1
    if mode == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    if job == "generate":
        generate(folder, given, mode)
    elif job == "promote":
        emit(PromotionSummary(True, "accept", 7, 3, 20, 10, 2, 3.0, -2.94, 2.94, 1.0))
    else:
        train(given, mode, folder)
    if mode == "late":
        time.sleep(0.5)
    return 143 if stopped.is_set() else 0


if __name__ == "__main__":
    sys.exit(main())
