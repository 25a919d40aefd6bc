"""The doctor's examinations for the page: each in a process of its own at low priority, since it takes a minute."""

import multiprocessing
import os
import threading
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from alphapente.config import Config
from alphapente.pipeline.step import NICE
from alphapente.web.errors import WebError
from alphapente.web.run_schemas import CheckView, DoctorAnswer, FindingView


@dataclass
class _Visit:
    """An examination, going on or over."""

    state: Literal["examining", "ready", "failed"] = "examining"
    at: float = field(default_factory=time.time)
    check: str = ""
    done: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    message: str = ""


class Doctor:
    """Examines runs, one at a time, and remembers the newest examination of each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._visits: dict[Path, _Visit] = {}

    def begin(self, config: Config, folder: Path) -> None:
        """Begin to examine the run of a configuration. Raises WebError where another examination goes on."""
        with self._lock:
            if any(visit.state == "examining" for visit in self._visits.values()):
                raise WebError(409, "doctor_busy", "the doctor is examining a run: wait until that is done")
            visit = self._visits[folder] = _Visit()
        threading.Thread(target=_visit, args=(config, visit), daemon=True, name="doctor").start()

    def answer(self, folder: Path) -> DoctorAnswer:
        """What is known of a run."""
        from alphapente.doctor import CHECKS

        visit = self._visits.get(folder)
        values = visit.values if visit else {}
        return DoctorAnswer(
            state=visit.state if visit else "none",
            at=visit.at if visit else None,
            check=visit.check if visit else "",
            done=visit.done if visit else 0,
            checks=len(CHECKS),
            message=visit.message if visit else "",
            subject=values.get("subject", ""),
            findings=[FindingView(**finding) for finding in values.get("findings", ())],
            well=[CheckView(check=check, text=text) for check, text in values.get("well", {}).items()],
            not_looked_at=[
                CheckView(check=check, text=text) for check, text in values.get("not_looked_at", {}).items()
            ],
        )


def _visit(config: Config, visit: _Visit) -> None:
    """Follow an examination to its end."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_examine, args=(config, theirs), daemon=True, name="doctor")
    try:
        process.start()
        theirs.close()  # else its end would not be noticed
        while visit.state == "examining":
            kind, told = ours.recv()
            if kind == "check":
                visit.check, visit.done = told, visit.done + (visit.check != "")
            else:
                visit.values, visit.message = (told, "") if kind == "ready" else ({}, told)
                visit.state, visit.at = kind, time.time()
    except (EOFError, OSError):
        visit.state, visit.message = "failed", "the examination ended before its time"
    finally:
        theirs.close()
        ours.close()
        if process.pid is not None:
            process.join()


def _examine(config: Config, connection: Connection) -> None:
    """The examination, in its own process: tells each check, then the findings."""
    os.nice(NICE)
    from alphapente.doctor import as_values, examine, present_value
    from alphapente.errors import AlphaPenteError

    try:
        diagnosis = examine(config, on_check_fn=lambda name: connection.send(("check", name)))
        values = as_values(diagnosis)
        for finding in values["findings"]:
            finding["present"] = {text: present_value(diagnosis.config, text) for text in finding["settings"]}
        connection.send(("ready", values))
    except AlphaPenteError as error:
        connection.send(("failed", str(error)))
    finally:
        connection.close()
