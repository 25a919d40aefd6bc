"""The names of a run's logs, and their last lines."""

import os
from pathlib import Path

from alphapente.config import Config
from alphapente.web.errors import WebError
from alphapente.web.run.schemas import LogFileView, LogsAnswer

MOST_FILES = 60
MOST_LINES = 1_000
_BYTES_A_LINE = 400
_COORDINATION = "pipeline_"


def logs(config: Config, name: str | None, lines: int) -> LogsAnswer:
    """The newest logs, and the last lines of the log `name`. Raises WebError for an unknown name."""
    folder = config.pipeline.log_folder
    files = sorted((_seen(path) for path in folder.glob("*.log")), key=lambda file: -file.modified_at)
    by_name = {file.name: file for file in files}
    if name is not None and name not in by_name:
        raise WebError(404, "no_log", f"no log {name[:80]!r} in {folder}: choose one of the list")
    coordination = next((file.name for file in files if file.name.startswith(_COORDINATION)), None)
    chosen = name or coordination or (files[0].name if files else None)
    last_lines = [] if chosen is None else _last_lines(folder / chosen, lines)
    return LogsAnswer(files=files[:MOST_FILES], name=chosen, lines=last_lines)


def _seen(path: Path) -> LogFileView:
    try:
        stat = path.stat()
    except OSError:  # deleted meanwhile
        return LogFileView(name=path.name, bytes=0, modified_at=0.0)
    return LogFileView(name=path.name, bytes=stat.st_size, modified_at=stat.st_mtime)


def _last_lines(path: Path, count: int) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - count * _BYTES_A_LINE)
            file.seek(start)
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    found = text.splitlines()
    return found[1 if start else 0 :][-count:]
