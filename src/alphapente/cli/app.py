"""The command `alphapente`: finds the subcommand asked for, runs it, and tells an error in one line.

How a subcommand gets in: one line in `COMMANDS` names its module and what to take from it. Only the module of the
subcommand that was asked for is imported; the others are listed from their line here, so that `alphapente --help`
imports nothing. What is taken may be a function (a plain command), a `typer.Typer` (a group of commands) or a
`FlagCommand` (a command whose flags are settings, see `flags.py`). Whatever is heavy (torch, numba, a database) a
command imports inside its function, so that its own `--help` is quick too.
"""

import importlib
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from alphapente import __version__
from alphapente.cli import streams
from alphapente.errors import AlphaPenteError


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: its name, where it is, and the line that stands for it in `alphapente --help`."""

    name: str
    module: str
    attribute: str
    help: str


COMMANDS = (
    Command("generate", "alphapente.cli.jobs", "generate", "Play games against itself and store the records."),
    Command("train", "alphapente.cli.jobs", "train", "Train a model on records and save its checkpoint."),
    Command("promote", "alphapente.cli.jobs", "promote", "Let the newest network play if a test finds it stronger."),
    Command("run", "alphapente.cli.jobs", "run", "Alternate generation and training until the target."),
    Command("config", "alphapente.cli.configuration", "app", "Show the configuration in force."),
    Command("records", "alphapente.cli.records", "app", "Statistics, export, import and check of the records."),
    Command("play", "alphapente.cli.play", "play", "Play a game against a checkpoint."),
    Command("web", "alphapente.cli.web", "web", "Play, review games and watch runs, in the browser."),
    Command("arena", "alphapente.cli.arena", "arena", "Play a match between two players, with intervals."),
    Command("gtp", "alphapente.cli.gtp", "gtp", "Let other programs play ours, by the Go Text Protocol."),
    Command("suite", "alphapente.cli.suite", "suite", "Try a network on positions with known right moves."),
    Command("doctor", "alphapente.cli.doctor", "doctor", "Name what is wrong with a run, and the setting to change."),
    Command("rate", "alphapente.cli.rate", "rate", "Ratings of all players from their matches, with intervals."),
    Command("bench", "alphapente.cli.bench", "app", "Measure the speed of rules, search, generation, training."),
    Command("checkpoint", "alphapente.cli.checkpoint", "app", "What a checkpoint holds."),
)

BROKEN_PIPE_STATUS = 128 + signal.SIGPIPE if hasattr(signal, "SIGPIPE") else 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `alphapente` with these arguments (by default the process's own). Ends by SystemExit with the status.

    How output that cannot be written is treated: see `streams.py`.
    """
    output = streams.guard()
    words = list(sys.argv[1:] if arguments is None else arguments)
    status = _run(words)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = status or BROKEN_PIPE_STATUS
    if output.problem:
        print(f"error: standard output is incomplete: it cannot be written ({output.problem})", file=sys.stderr)
        status = status or 1
    sys.exit(status)


def _run(words: list[str]) -> int:
    """Run the subcommand; returns the exit status."""
    try:
        build(words)(words, prog_name="alphapente")
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            return BROKEN_PIPE_STATUS
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except AlphaPenteError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return BROKEN_PIPE_STATUS
    return 0


def build(words: Sequence[str]) -> typer.Typer:
    """The command line for these words: the subcommand that they name is real, the others stand for `--help`."""
    app = typer.Typer(
        help="Learns to play Pente from nothing but the rules: self-play, records, training, play.",
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    chosen = next((word for word in words if not word.startswith("-")), None)
    for command in COMMANDS:
        if command.name == chosen:
            _register(app, command, words)
        else:
            app.command(command.name, help=command.help)(_elsewhere)
    return app


def _register(app: typer.Typer, command: Command, words: Sequence[str]) -> None:
    from alphapente.cli.flags import FlagCommand  # the configuration's models, which `alphapente --help` needs not

    target = getattr(importlib.import_module(command.module), command.attribute)
    if isinstance(target, typer.Typer):
        app.add_typer(target, name=command.name, help=command.help)
    elif isinstance(target, FlagCommand):
        app.command(command.name, epilog=target.epilog(words))(target.function(words))
    else:
        app.command(command.name)(target)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"alphapente {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Take the options that stand before the subcommand."""


def _elsewhere() -> None:
    """Stand for a subcommand that was not asked for."""
