"""`alphapente doctor`: one page on what is wrong with a run, with the evidence and the setting to change."""

import json
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from alphapente.cli.flags import ConfigArgument, ConfigFile, Overrides, one_path
from alphapente.config import Config, default_config_path, load_config

if TYPE_CHECKING:
    from alphapente.doctor import Diagnosis

WIDTH = 110


def doctor(
    config_argument: ConfigArgument = None,
    config: ConfigFile = None,
    set_: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look at the database, the logs and the checkpoint, and name what is wrong; changes nothing, takes a minute."""
    resolved = load_config(one_path(config, config_argument) or default_config_path(), set_ or ())

    from rich.console import Console

    from alphapente.cli.compilation import compile_with_progress
    from alphapente.doctor import as_values, examine

    compile_with_progress()
    with Console(stderr=True).status("examining") as status:
        diagnosis = examine(resolved, on_check_fn=lambda name: status.update(f"examining: {name}"))
    if as_json:
        print(json.dumps(as_values(diagnosis), indent=1))
    else:
        print("\n".join(page(diagnosis)))


def page(diagnosis: "Diagnosis") -> list[str]:
    """The lines of the page: findings, worst first, then what was found well, then what was not looked at."""
    found = diagnosis.findings
    lines = [*_wrapped(f"Doctor: {diagnosis.subject}", ""), ""]
    if found:
        lines.append(f"{len(found)} finding{'s' * (len(found) > 1)}, the worst first:")
        for number, (_, finding) in enumerate(found, 1):
            lines += ["", f"{number}. {finding.severity.name}: {finding.title}"]
            lines += _wrapped(finding.evidence[:1].upper() + finding.evidence[1:] + ".", "   ")
            lines += _wrapped(finding.advice, "   ")
            lines += [f"     --set {_with_present(setting, diagnosis.config)}" for setting in finding.settings]
    else:
        lines.append("Nothing wrong was found." if diagnosis.passed else "Nothing could be looked at.")
    well = [(one.check, one.evidence) for one in diagnosis.passed]
    unseen = [(one.check, one.unavailable) for one in diagnosis.unavailable]
    for title, entries in (("Looked at and found well:", well), ("Not looked at:", unseen)):
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
