"""`alphapente doctor`: prints the problems of a run, with evidence and the settings to change."""

import json
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from alphapente.cli.options import ConfigArgument, ConfigFile, Overrides, one_path, resolve
from alphapente.config import Config

if TYPE_CHECKING:
    from alphapente.doctor import Diagnosis

WIDTH = 110


def doctor(
    config_argument: ConfigArgument = None,
    config: ConfigFile = None,
    set_: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check the database, logs and checkpoint of a run and report problems; changes nothing, takes a minute."""
    resolved = resolve(one_path(config, config_argument), set_)

    from rich.console import Console

    from alphapente.cli.compilation import compile_with_progress
    from alphapente.doctor import as_values, examine

    compile_with_progress()
    with Console(stderr=True).status("checking") as status:
        diagnosis = examine(resolved, on_check_fn=lambda name: status.update(f"checking: {name}"))
    if as_json:
        print(json.dumps(as_values(diagnosis), indent=1))
    else:
        print("\n".join(page(diagnosis)))


def page(diagnosis: "Diagnosis") -> list[str]:
    """The lines of the report: findings, worst first, then passed checks, then checks that are not available."""
    found = diagnosis.findings
    lines = [*_wrapped(f"Doctor: {diagnosis.subject}", ""), ""]
    if found:
        lines.append(f"{len(found)} finding{'s' * (len(found) > 1)}, worst first:")
        for number, (_, finding) in enumerate(found, 1):
            lines += ["", f"{number}. {finding.severity.name}: {finding.title}"]
            lines += _wrapped(finding.evidence[:1].upper() + finding.evidence[1:] + ".", "   ")
            lines += _wrapped(finding.advice, "   ")
            lines += [f"     --set {_with_present(setting, diagnosis.config)}" for setting in finding.settings]
    else:
        lines.append("No problems found." if diagnosis.passed else "No data to check.")
    passed = [(one.check, one.evidence) for one in diagnosis.passed]
    unavailable = [(one.check, one.unavailable) for one in diagnosis.unavailable]
    for title, entries in (("Passed:", passed), ("Not available:", unavailable)):
        if entries:
            lines += ["", title]
            width = max(len(check) for check, _ in entries) + 2
            for check, text in entries:
                lines += textwrap.wrap(
                    text, WIDTH, initial_indent=f"   {check:<{width}}", subsequent_indent=" " * (width + 3)
                )
    return lines


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _with_present(setting: str, config: Config) -> str:
    from alphapente.doctor import present_value

    now = present_value(config, setting)
    return f"{setting}   (now {now})" if now else setting
