"""`alphapente suite FILE`: counts the positions with known right moves that a network solves, alone and with search."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphapente.cli.options import ConfigFile, Overrides, resolve, with_options
from alphapente.errors import RequestError

if TYPE_CHECKING:
    from rich.table import Table

    from alphapente.arena.suites.suite import Lost, SuiteReport, Trial

LOST_SHOWN = 40
"""Maximum number of lost positions listed; `--json` has all."""


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """The options of `alphapente suite`."""

    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A suite (JSON file), or the name of a built-in one, such as tactical."),
    ]
    simulations: Annotated[
        str, typer.Option(metavar="N,N,...", help="Budgets to compare, in simulations per move; 0 is the raw policy.")
    ] = "0,100,400,1600"
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The checkpoint to test [default: that of the model type].")
    ] = None
    model_type: Annotated[
        str | None, typer.Option(metavar="NAME", help="Test the checkpoint of this model in pipeline.checkpoint_dir.")
    ] = None
    variant: Annotated[
        str | None, typer.Option(metavar="NAME", help="Rules of positions that name none [default: game.variant].")
    ] = None
    board_size: Annotated[
        int | None, typer.Option(metavar="N", help="Board size of positions that name none [default: game.board_size].")
    ] = None
    config: ConfigFile = None
    set_: Overrides = None
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False


@with_options(SuiteOptions)
def suite(options: SuiteOptions) -> None:
    """Test a network on positions with known right moves, by the raw policy and with increasing search."""
    budgets = parse_budgets(options.simulations)
    flags = {
        "generation.model_type": options.model_type,
        "game.variant": options.variant,
        "game.board_size": options.board_size,
    }
    resolved = resolve(options.config, options.set_, flags)

    from rich.console import Console

    from alphapente.arena.suites.suite import find_suite, read_suite, run_suite
    from alphapente.cli.compilation import compile_with_progress
    from alphapente.network.device import num_cores
    from alphapente.network.load import load_network

    path = find_suite(options.file)
    puzzles = read_suite(path, resolved.game.variant, resolved.game.board_size)
    network = load_network(resolved, options.checkpoint)
    count = 1 if network.device == "cuda" else num_cores()
    compile_with_progress()
    title = f"{path.stem}: {len(puzzles)} positions"
    with Console(stderr=True).status(title) as status:
        report = run_suite(
            puzzles,
            lambda batch_size, size: network.evaluators(batch_size, size, count),
            resolved.search,
            budgets,
            on_budget_fn=lambda budget: status.update(f"{title}, {_named(budget)}"),
        )
    if options.as_json:
        print(json.dumps(report_values(report, path, network.description), indent=1))
    else:
        _print(report, f"{title}; {network.description}")


def _print(report: "SuiteReport", title: str) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.print(report_table(report, title))
    lost = report.lost()
    if lost:
        console.print(f"Lost by more simulations: {len(lost)}", markup=False)
        for one in lost[:LOST_SHOWN]:
            console.print(f"  {_lost_line(report, one)}", markup=False)
        if len(lost) > LOST_SHOWN:
            console.print(f"  ... and {len(lost) - LOST_SHOWN} more (`--json` has all)")
    elif len(report.trials) > 1:
        console.print("No position is lost by more simulations.")


def parse_budgets(text: str) -> list[int]:
    """Parses numbers such as `0,100,400`. Raises RequestError for other text."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and word.isascii() and len(word) < 10 for word in words):
        raise RequestError(
            f"--simulations is {text!r}: write whole numbers separated by commas, like 0,100,400 (0: raw policy)"
        )
    return [int(word) for word in words]


def report_table(report: "SuiteReport", title: str) -> "Table":
    """The number of solved positions of each kind, with a column for each budget."""
    from rich.table import Table

    total = len(report.puzzles)
    table = Table("solved", title=title, title_justify="left")
    table.add_column("of", justify="right")
    for trial in report.trials:
        table.add_column(f"{trial.simulations:,}" if trial.simulations else "raw policy", justify="right")
    kinds = [report.by_kind(trial) for trial in report.trials]
    if len(kinds[0]) > 1:
        for kind in kinds[0]:
            cells = (_share(*by_kind[kind]) for by_kind in kinds)
            table.add_row(kind or "(no kind)", str(kinds[0][kind][1]), *cells)
        table.add_section()
    table.add_row("all", str(total), *(_share(sum(report.solved(trial)), total) for trial in report.trials))
    table.add_row("time", "", *(f"{trial.elapsed_s:.1f} s" for trial in report.trials))
    return table


def report_values(report: "SuiteReport", path: Path, network: str) -> dict[str, Any]:
    """The report as a dictionary for JSON."""
    from alphapente.rules.notation import point_name

    results = []
    solved = [report.solved(trial) for trial in report.trials]
    for place, puzzle in enumerate(report.puzzles):
        pairs = list(zip(report.trials, solved, strict=True))
        answers = {str(trial.simulations): point_name(trial.answers[place], puzzle.board_size) for trial, _ in pairs}
        right = {str(trial.simulations): found[place] for trial, found in pairs}
        results.append(
            {"number": place + 1, "id": puzzle.id, "kind": puzzle.kind, "expected": list(puzzle.expected)}
            | {"answers": answers, "solved": right}
        )
    return {
        "suite": str(path),
        "network": network,
        "positions": len(report.puzzles),
        "budgets": [_budget_values(report, trial) for trial in report.trials],
        "lost": [
            {"number": one.place + 1, "id": report.puzzles[one.place].id}
            | {"solved_at": one.solved_at, "missed_at": one.missed_at}
            for one in report.lost()
        ],
        "results": results,
    }


def _budget_values(report: "SuiteReport", trial: "Trial") -> dict[str, Any]:
    solved = sum(report.solved(trial))
    kinds = {kind: {"solved": found, "positions": total} for kind, (found, total) in report.by_kind(trial).items()}
    return {
        "simulations": trial.simulations,
        "solved": solved,
        "share": round(solved / len(report.puzzles), 4),
        "by_kind": kinds,
        "elapsed_s": round(trial.elapsed_s, 3),
    }


def _named(budget: int) -> str:
    return f"{budget:,} simulations" if budget else "raw policy"


def _share(found: int, total: int) -> str:
    return f"{found} ({found / total:.1%})"


def _lost_line(report: "SuiteReport", one: "Lost") -> str:
    from alphapente.rules.notation import point_name

    puzzle = report.puzzles[one.place]
    trial = next(trial for trial in report.trials if trial.simulations == one.missed_at)
    played = point_name(trial.answers[one.place], puzzle.board_size)
    name = f"{one.place + 1}" if puzzle.id == str(one.place + 1) else f"{one.place + 1} ({puzzle.id})"
    solved_at = f"at {one.solved_at:,}" if one.solved_at else "by the raw policy"
    return (
        f"position {name}: solved {solved_at}, missed at {one.missed_at:,} "
        f"(played {played}, expected {', '.join(puzzle.expected)})"
    )
