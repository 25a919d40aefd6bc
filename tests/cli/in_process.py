"""Runs `alphapente` in this process: a test of what a command prints saves the seconds that a new process imports for.

Signals, broken pipes, exit statuses of the system and start-up itself need a real process.
"""

import contextlib
import io
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from alphapente.cli.app import main


def alphapente(folder: Path, *words: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[str]":
    """The exit status and the output of `alphapente` with these words, in `folder`, as of a process."""
    out, err = io.StringIO(), io.StringIO()
    typed = io.TextIOWrapper(io.BytesIO(stdin), "utf-8", "surrogateescape")
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        patch.object(sys, "stdin", typed),
        pytest.raises(SystemExit) as ended,
    ):
        main(words)
    status = ended.value.code
    assert isinstance(status, int)
    return subprocess.CompletedProcess(["alphapente", *words], status, out.getvalue(), err.getvalue())
