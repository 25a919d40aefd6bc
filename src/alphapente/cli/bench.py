"""The commands `alphapente bench ...`: speed of this machine, each figure with a reference value (floor)."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alphapente.bench.suite import ALL_SECONDS, BENCHMARKS, Benchmark
from alphapente.cli.options import ConfigFile, Overrides, resolve
from alphapente.files import check_writable, write_text

if TYPE_CHECKING:
    from rich.console import Console

    from alphapente.bench.report import Result
    from alphapente.config import Config

app = typer.Typer(
    help="Measure this machine: our speed, the floor in the same process, and the ratio.", no_args_is_help=True
)

Seconds = Annotated[float, typer.Option(min=0.1, max=3600, help="Duration of the measurement in seconds.")]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Also write the machine and the rows to this file.")
]
Results = Annotated[
    Path | None,
    typer.Option(
        "--results", metavar="FILE", help="Also write them into this machine's section of benchmarks/RESULTS.md."
    ),
]
Minutes = Annotated[
    float, typer.Option(min=0, max=1440, help="Also watch a worker's memory for this time, in minutes.")
]

Jobs = dict[str, Callable[["Config"], "Result"]]


def _run(
    jobs: Jobs, json_path: Path | None, results_path: Path | None, config: Path | None, set_: list[str] | None
) -> None:
    """Runs the benchmarks in turn and prints each result; writes the files at the end."""
    for path in (json_path, results_path):
        if path is not None:
            check_writable(path)
    import datetime

    from rich.console import Console

    from alphapente.bench.report import as_json, machine, processor_line, versions_line
    from alphapente.bench.results import write_results

    loaded = resolve(config, set_)
    console, here = Console(), machine()
    console.print(f"{processor_line(here)}, {here['memory_gib']} GiB\n{versions_line(here)}", highlight=False)
    results: dict[str, Result] = {}
    for name, job in jobs.items():
        with console.status(f"{name}: measuring"):
            results[name] = job(loaded)
        _show(console, results[name])
    if json_path:
        write_text(json_path, json.dumps(as_json(here, list(results.values())), indent=2) + "\n")
    if results_path:
        write_results(results_path, here, results, datetime.date.today().isoformat())


def _show(console: "Console", result: "Result") -> None:
    from rich import box
    from rich.table import Table

    from alphapente.bench.results import cells

    table = Table("name", "value", "unit", "floor", "ratio", "reach", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for column in table.columns:
        column.no_wrap, column.overflow = column.header != "name", "fold"  # a narrow terminal folds long names
        column.justify = "right" if column.header in ("value", "floor", "ratio") else "left"
    for row in result.rows:
        table.add_row(*cells(row))
    console.print(table)
    for line in result.breakdown_lines():
        console.print(f"  {line}", highlight=False, markup=False)


def _measure(benchmark: Benchmark, seconds: float, config: "Config") -> "Result":
    return benchmark.measure(config, seconds)


def _command(name: str) -> Callable[..., None]:
    default_s = BENCHMARKS[name].seconds

    def command(
        seconds: Seconds = default_s,
        json_path: Json = None,
        results_path: Results = None,
        config: ConfigFile = None,
        set_: Overrides = None,
    ) -> None:
        _run({name: partial(_measure, BENCHMARKS[name], seconds)}, json_path, results_path, config, set_)

    return command


for _name in BENCHMARKS:
    if _name not in ("generate", "sample"):
        app.command(_name, help=BENCHMARKS[_name].summary)(_command(_name))


@app.command(help=BENCHMARKS["generate"].summary)
def generate(
    seconds: Seconds = BENCHMARKS["generate"].seconds,
    minutes: Minutes = 0,
    json_path: Json = None,
    results_path: Results = None,
    config: ConfigFile = None,
    set_: Overrides = None,
) -> None:
    """Self-play with one and more workers, compared with the network alone."""

    def job(loaded: "Config") -> "Result":
        from alphapente.bench.generate import bench_generate

        return bench_generate(loaded, seconds, memory_minutes=minutes)

    _run({"generate": job}, json_path, results_path, config, set_)


@app.command(help=BENCHMARKS["sample"].summary)
def sample(
    seconds: Seconds = BENCHMARKS["sample"].seconds,
    rows: Annotated[int, typer.Option(min=100_000, help="Records in the large database.")] = 10_000_000,
    json_path: Json = None,
    results_path: Results = None,
) -> None:
    """Writing of records, and sampling from small and large databases."""

    def job(_config: "Config") -> "Result":
        from alphapente.bench.sample import bench_sample

        return bench_sample(seconds, rows)

    _run({"sample": job}, json_path, results_path, None, None)


@app.command("all")
def all_(
    seconds: Seconds = ALL_SECONDS,
    json_path: Json = None,
    results_path: Results = None,
    config: ConfigFile = None,
    set_: Overrides = None,
) -> None:
    """Run all benchmarks in turn; the seconds are divided in proportion to their defaults."""
    share = seconds / ALL_SECONDS
    jobs: Jobs = {name: partial(_measure, one, one.seconds * share) for name, one in BENCHMARKS.items()}
    _run(jobs, json_path, results_path, config, set_)
