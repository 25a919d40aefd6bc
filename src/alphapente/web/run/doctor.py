"""The doctor's examinations for the page. Each takes a minute in a process of its own at low priority."""

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
from alphapente.web.run.schemas import CheckView, DoctorAnswer, FindingView


@dataclass
class _Examination:
    """An examination, active or finished."""

    state: Literal["examining", "ready", "failed"] = "examining"
    at: float = field(default_factory=time.time)
    check: str = ""
    done: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    message: str = ""


class Doctor:
    """Examines runs, one at a time, and keeps the newest examination of each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._examinations: dict[Path, _Examination] = {}

    def begin(self, config: Config, folder: Path) -> None:
        """Starts to examine the run of a configuration. Raises WebError if another examination is active."""
        with self._lock:
            if any(examination.state == "examining" for examination in self._examinations.values()):
                raise WebError(409, "doctor_busy", "the doctor is examining a run: wait until that is done")
            examination = self._examinations[folder] = _Examination()
        threading.Thread(target=_follow, args=(config, examination), daemon=True, name="doctor").start()

    def answer(self, folder: Path) -> DoctorAnswer:
        """The newest examination of a run, or its progress."""
        from alphapente.doctor import CHECKS

        examination = self._examinations.get(folder)
        values = examination.values if examination else {}
        return DoctorAnswer(
            state=examination.state if examination else "none",
            at=examination.at if examination else None,
            check=examination.check if examination else "",
            done=examination.done if examination else 0,
            checks=len(CHECKS),
            message=examination.message if examination else "",
            subject=values.get("subject", ""),
            findings=[FindingView(**finding) for finding in values.get("findings", ())],
            well=[CheckView(check=check, text=text) for check, text in values.get("well", {}).items()],
            not_looked_at=[
                CheckView(check=check, text=text) for check, text in values.get("not_looked_at", {}).items()
            ],
        )


def _follow(config: Config, examination: _Examination) -> None:
    """Starts an examination and follows it to its end."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_examine, args=(config, theirs), daemon=True, name="doctor")
    try:
        process.start()
        theirs.close()  # else the end of the process would not be noticed
        while examination.state == "examining":
            kind, content = ours.recv()
            if kind == "check":
                examination.check, examination.done = content, examination.done + (examination.check != "")
            else:
                examination.values, examination.message = (content, "") if kind == "ready" else ({}, content)
                examination.state, examination.at = kind, time.time()
    except (EOFError, OSError):
        examination.state, examination.message = "failed", "the examination ended unexpectedly"
    finally:
        theirs.close()
        ours.close()
        if process.pid is not None:
            process.join()


def _examine(config: Config, connection: Connection) -> None:
    """The examination, in its own process: sends each check's name, then the findings."""
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
