"""Writes benchmarks/RESULTS.md: a section for each machine, with the newest run of each benchmark.

A machine's section is named by `processor_line` and has a subsection for each benchmark; a run replaces the subsections
that it measured and keeps the others. Everything else in the file (other machines, and text before the first section
or under other headings) stays unchanged, byte for byte.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import alphapente
from alphapente.bench.report import Result, Row, number, processor_line, versions_line
from alphapente.bench.targets import reach
from alphapente.errors import FailureError
from alphapente.files import StrPath, write_text

TITLE = """# Benchmarks

`alphapente bench all --results benchmarks/RESULTS.md` writes this file, a section for each machine.
"""

MACHINE_HEADING = re.compile(r"## .+, \d+ cores?(, \d+ threads)?( \([a-z0-9_, ]+\))?(, .+)?")
"""The first line of a machine's section: see `processor_line`."""


def write_results(path: StrPath, here: dict[str, Any], results: Mapping[str, Result], date: str) -> None:
    """Writes the results (by benchmark) of the machine `here` into the file, which is created if necessary.

    Raises FailureError if the file cannot be read or written; it is unchanged then.
    """
    path = Path(path)
    entries = {name: subsection(name, result, f"{date}, {source_version()}", here) for name, result in results.items()}
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() else TITLE
    except (OSError, UnicodeDecodeError) as error:
        raise FailureError(f"cannot add the results to {path} ({error}): name another file") from error
    write_text(path, merged(text, here, entries))


def merged(text: str, here: dict[str, Any], entries: Mapping[str, str]) -> str:
    """The text of the file with the subsections `entries` (by benchmark) in the section of the machine `here`.

    A new machine follows the other machines. The benchmarks of a section keep their order; new ones are last.
    """
    pieces = re.split(r"(?m)^(?=## )", text)  # the first is the text before all sections
    heading = f"## {processor_line(here)}"
    own = next((place for place, one in enumerate(pieces) if place and _first_line(one) == heading), None)
    if own is None:
        machines = [place for place, one in enumerate(pieces) if MACHINE_HEADING.fullmatch(_first_line(one))]
        own = machines[-1] + 1 if machines else 1
        while pieces[own - 1] and not pieces[own - 1].endswith("\n\n"):
            pieces[own - 1] += "\n"
        pieces.insert(own, heading)
    parts = {_first_line(part)[4:]: part for part in re.split(r"(?m)^(?=### )", pieces[own])[1:]} | dict(entries)
    about = f"{heading}\n\n{here['system']}, {here['memory_gib']} GiB of memory."
    body = "\n\n".join([about, *(part.strip("\n") for part in parts.values())])
    pieces[own] = body + ("\n\n" if pieces[own + 1 :] else "\n")
    return "".join(pieces)


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0].rstrip()


def subsection(name: str, result: Result, made: str, here: dict[str, Any]) -> str:
    """One benchmark's results; `made` is the date and the source version."""
    lines = [f"### {name}", "", f"{made}; {versions_line(here)}.", ""]
    lines += ["| name | value | unit | floor | ratio | reach |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [f"| `{row.name}` | {' | '.join(cells(row)[1:])} |" for row in result.rows]
    breakdown = result.breakdown_lines()
    if breakdown:
        lines += ["", "Where the time went:", "", *(f"- {line}" for line in breakdown)]
    return "\n".join(lines)


def cells(row: Row) -> list[str]:
    """A row as text: name, value, unit, floor, ratio, reach."""
    floor = "" if row.floor is None else number(row.floor)
    ratio = "" if row.ratio is None else f"{row.ratio:.3f}"
    return [row.name, number(row.value), row.unit, floor, ratio, reach(row)]


def source_version() -> str:
    """The source version: "commit 15b1a3c", "commit 15b1a3c, modified", or "version 0.1.0" outside a repository."""
    package = Path(alphapente.__file__).parent
    try:
        # The package may lie in the repository of another project.
        _git(package, "ls-files", "--error-unmatch", "__init__.py")
        commit = _git(package, "rev-parse", "--short=7", "HEAD")
        modified = ", modified" if _git(package, "status", "--porcelain", "--", ".") else ""
    except (OSError, subprocess.CalledProcessError):
        return f"version {alphapente.__version__}"
    return f"commit {commit}{modified}"


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()
