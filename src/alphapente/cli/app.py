"""The command `alphapente`: runs a subcommand and prints an error in one line.

To add a subcommand, add a line to `COMMANDS` with its module and attribute. Only the module of the requested subcommand
is imported; `alphapente --help` lists the others from these lines. The attribute is a function (a plain command; with
many options, they are a dataclass, see `options.py`), a `typer.Typer` (a group of commands) or a `FlagCommand` (a
command whose flags are settings, see `flags.py`). Commands import heavy modules (torch, numba, the database) inside
their functions, so that their `--help` is fast too.
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
    """A subcommand: its name, its module and attribute, and its line in `alphapente --help`."""

    name: str
    module: str
    attribute: str
    help: str


COMMANDS = (
    Command("generate", "alphapente.cli.jobs", "generate", "Self-play: play games and store the records."),
    Command("train", "alphapente.cli.jobs", "train", "Train a model on records and save its checkpoint."),
    Command("promote", "alphapente.cli.jobs", "promote", "Promote the newest network if an SPRT finds it stronger."),
    Command("run", "alphapente.cli.jobs", "run", "Alternate generation and training until the target."),
    Command("config", "alphapente.cli.configuration", "app", "Show the configuration in force."),
    Command("records", "alphapente.cli.records", "app", "Show, export, import and check the records."),
    Command("play", "alphapente.cli.play", "play", "Play a game against a checkpoint."),
    Command("web", "alphapente.cli.web", "web", "Serve the web page: play, review games, watch runs."),
    Command("arena", "alphapente.cli.arena", "arena", "Play a match between two players, with 95% intervals."),
    Command("gtp", "alphapente.cli.gtp", "gtp", "Run a player as a GTP engine for other programs."),
    Command("suite", "alphapente.cli.suite", "suite", "Test a network on positions with known right moves."),
    Command("doctor", "alphapente.cli.doctor", "doctor", "Find problems of a run, and the settings to change."),
    Command("rate", "alphapente.cli.rate", "rate", "Rate all players by their matches, with 95% intervals."),
    Command("bench", "alphapente.cli.bench", "app", "Measure the speed of rules, search, generation, training."),
    Command("checkpoint", "alphapente.cli.checkpoint", "app", "Show or pack a checkpoint."),
)

BROKEN_PIPE_STATUS = 128 + signal.SIGPIPE if hasattr(signal, "SIGPIPE") else 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs `alphapente` with these arguments, by default those of the process. Raises SystemExit with the status.

    For output that cannot be written, see `streams.py`.
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
    """Runs the subcommand and returns the exit status."""
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
    """The Typer app for these words: the subcommand that they name, and placeholders of the others for `--help`."""
    app = typer.Typer(
        help="Learns to play Pente from the rules alone: self-play, records, training, play.",
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
            app.command(command.name, help=command.help)(_placeholder)
    return app


def _register(app: typer.Typer, command: Command, words: Sequence[str]) -> None:
    from alphapente.cli.flags import FlagCommand  # imports the configuration, which `alphapente --help` does not need

    target = getattr(importlib.import_module(command.module), command.attribute)
    if isinstance(target, typer.Typer):
        app.add_typer(target, name=command.name, help=command.help)
    elif isinstance(target, FlagCommand):
        app.command(command.name, epilog=target.epilog(words))(target.function(words))
    else:
        app.command(command.name)(target)


def _print_version(requested: bool) -> None:
    if requested:
        print(f"alphapente {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Takes the options before the subcommand."""


def _placeholder() -> None:
    """Placeholder of a subcommand that was not requested."""
