"""Runs `alphapente` in this process, which saves the import time of a new process.

Tests of signals, broken pipes, exit statuses of the system and start-up need a real process.
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
    """The exit status and output of `alphapente` with these words in `folder`, as of a process."""
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
