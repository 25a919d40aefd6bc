"""Terminals, pipes and disks that fail: the command does its work, and its exit status reports the failure."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alphapente.events import Event, Lost
from alphapente.pipeline.lines import LogFile
from alphapente.pipeline.run_view import view_folder
from alphapente.pipeline.state import Locks
from alphapente.pipeline.step import Step
from tests.pipeline.runs import FULL_ORDER, run_here, steps
from tests.test_files import largest_file

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full and a POSIX shell")

NO_LETTERS = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
INCOMPLETE = "error: standard output is incomplete: it cannot be written (No space left on device)\n"

# A job that reports characters that old encodings lack, and saves a file at its end.
JOB = """
import sys
import time
from pathlib import Path
from alphapente.cli import app, jobs
from alphapente.events import Lost, Note

def job(config, report, stop):
    for count in range(2000):
        report(Note(f"{count}: straße ▁█ · \\udcff"))
        if stop():
            break
    if "lost" in sys.argv:
        for count in range(5):
            report(Lost(f"the log {count // 2 * 2}", "disk full"))
    Path(sys.argv[1]).write_text("saved")

jobs.generate = jobs.FlagCommand("A job.", {}, lambda config, events: jobs.run_job(job, config, events))
app.main(["generate", *sys.argv[3:]])
"""


def shell(command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a shell command, in which `$A` is `alphapente`."""
    environment = os.environ | {"A": f"{sys.executable} -m alphapente", "COLUMNS": "80"} | environment
    return subprocess.run(["sh", "-c", command], cwd=cwd, env=environment, capture_output=True, check=False)


def job(redirections: str, folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    (folder / "job.py").write_text(JOB)
    line = f"{sys.executable} job.py saved {' '.join(words) or 'all'} {redirections}"
    return shell(line, folder, **environment)


@pytest.mark.parametrize(
    ("line", "status", "error"),
    [
        ("$A config show >/dev/full", 1, INCOMPLETE),
        ("$A --help >/dev/full", 1, INCOMPLETE),
        ("$A config show >&-", 0, ""),
        ("$A config show 2>&-", 0, ""),
        ("$A config show <&- >&- 2>&-", 0, ""),
        ("$A config show --set no.key=1 2>/dev/full", 2, ""),
        ("$A config show --set no.key=1 2>&-", 2, ""),
        ("$A config no_command 2>/dev/full", 2, ""),
        ("$A gtp --checkpoint random <&-", 0, ""),
    ],
)
def test_streams_that_are_full_or_closed(tmp_path: Path, line: str, status: int, error: str) -> None:
    done = shell(line, tmp_path)
    assert (done.returncode, done.stderr.decode()) == (status, error)


def test_a_broken_pipe_ends_a_command_quietly(tmp_path: Path) -> None:
    done = shell("{ $A config show --explain; echo $? >status; } | true; cat status", tmp_path)
    assert (done.stdout, done.stderr) == (b"141\n", b"")


@pytest.mark.parametrize(
    ("locale", "redirections"),
    [
        ({"PYTHONIOENCODING": "ascii"}, ""),
        ({"PYTHONIOENCODING": "latin-1"}, "2>/dev/full"),
        (NO_LETTERS, "<&- 2>&-"),
        (NO_LETTERS, "<&- >&- 2>&-"),
    ],
)
def test_a_job_ends_and_saves_whatever_can_be_shown(tmp_path: Path, locale: dict[str, str], redirections: str) -> None:
    done = job(redirections, tmp_path, **locale)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "saved").read_text() == "saved"
    if " >&-" not in redirections:
        letter, dot = (b"\xdf", b"\xb7") if locale.get("PYTHONIOENCODING") == "latin-1" else (b"\\xdf", b"-")
        assert done.stdout.splitlines()[-1][20:] == b"1999: stra" + letter + b"e 18 " + dot + b" \xff"


def test_a_job_with_full_output_saves_and_reports_it(tmp_path: Path) -> None:
    done = job(">/dev/full", tmp_path)
    assert (done.returncode, done.stderr.decode()) == (1, INCOMPLETE)
    assert (tmp_path / "saved").read_text() == "saved"


def test_a_broken_pipe_ends_a_job_after_saving(tmp_path: Path) -> None:
    done = job(" | head -n1", tmp_path)
    assert done.stderr == b""
    assert (tmp_path / "saved").read_text() == "saved"


def test_logs_that_are_lost_are_in_the_last_line_and_the_status(tmp_path: Path) -> None:
    done = job(">/dev/null", tmp_path, "lost")
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "error: the work is done and saved, but this could not be written: "
        "the log 0 (disk full); the log 2 (disk full); the log 4 (disk full)\n"
    )
    assert (tmp_path / "saved").read_text() == "saved"
    assert job(">/dev/null", tmp_path, "lost", "--events", "<&0").returncode in (0, 143)


def test_a_log_on_a_full_disk_is_reported_once_and_resumes_with_space(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "job.log"
    lost: list[Event] = []
    log = LogFile(path, lost.append)
    log.write("first \udcff \ud800")
    with largest_file(1000):
        for _ in range(100):
            log.write("x" * 100)
    log.write("last")
    log.close()
    assert lost == [Lost(f"the log {path}", "File too large")]
    lines = path.read_bytes().splitlines()
    assert lines[0][20:] == b"first \\udcff \\ud800"
    assert lines[-1].endswith(b"last")
    LogFile(path / "below", lost.append).write("nowhere")
    assert lost[1:] == [Lost(f"the log {path / 'below'}", "File exists")]


def test_a_run_continues_without_a_log_and_without_the_curves_of_its_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alphapente.pipeline.run_context.timestamp", lambda: "now")
    monkeypatch.setenv("STAND_IN", "lost")
    blocked = tmp_path / "logs" / "training_1_1_now.log"
    blocked.mkdir(parents=True)
    events = run_here(tmp_path)
    assert steps(events) == FULL_ORDER
    lost = [event for event in events if isinstance(event, Lost)]
    assert lost.count(Lost("the curves", "No space left on device")) == len(FULL_ORDER)
    assert Lost(f"the log {blocked}", "Is a directory") in lost
    status = view_folder(tmp_path).status
    assert status is not None
    assert status.outcome == "finished"
    assert any("warning: the curves cannot be written" in text for _, text in status.notes)
    (log,) = (tmp_path / "logs").glob("pipeline_*.log")
    assert f"warning: the log {blocked} cannot be written (Is a directory)" in log.read_text()


def test_what_a_step_says_reaches_its_log_in_any_locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NO_LETTERS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    locks = Locks(tmp_path)
    code = "import sys; print('stra\\xdfe'); print('gr\\xfc\\xdfe', file=sys.stderr)"
    step = Step("Training 1.1", [sys.executable, "-c", code], LogFile(tmp_path / "log", print), locks.steps)
    while not step.ended():
        time.sleep(0.02)
    step.close()
    locks.close()
    text = (tmp_path / "log").read_text(encoding="utf-8")
    assert "straße\n" in text
    assert "grüße\n" in text


def test_a_name_typed_where_the_locale_lacks_its_letters_is_that_name(tmp_path: Path) -> None:
    done = shell("$A config show --set pipeline.log_dir=straße", tmp_path, **NO_LETTERS)
    assert json.loads(done.stdout)["pipeline"]["log_dir"] == "straße"
    done = shell("$A config show --config straße.json", tmp_path, **NO_LETTERS)
    assert done.stderr.decode() == "error: straße.json: no such file; give the path of a JSON configuration\n"
