"""The commands under `alphapente bench`: what this machine does, each figure beside its floor."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alphapente.cli.flags import ConfigFile, Overrides

if TYPE_CHECKING:
    from alphapente.bench.report import Result
    from alphapente.config import Config

app = typer.Typer(help="Measure this machine: ours, the floor in the same process, the ratio.", no_args_is_help=True)

Seconds = Annotated[float, typer.Option(min=0.1, max=3600, help="How long to measure, in seconds.")]
Json = Annotated[Path | None, typer.Option("--json", help="Also write the machine and the rows to this file.")]


def _config(path: Path | None, overrides: list[str] | None) -> "Config":
    from alphapente.config import default_config_path, load_config

    return load_config(path or default_config_path(), overrides or ())


def _show(measure_fn: Callable[[], "Result"], json_path: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    from alphapente.bench.report import as_json, machine

    console = Console()
    here = machine()
    console.print(f"{here['processor']}, {here['cores']} cores, {', '.join(here['instruction_sets'])}")
    console.print("python " + here["python"] + "".join(f", {k} {v}" for k, v in here["libraries"].items()))
    result = measure_fn()
    table = Table("name", "value", "unit", "floor", "ratio")
    for row in result.rows:
        floor = "" if row.floor is None else f"{row.floor:,.1f}"
        ratio = "" if row.ratio is None else f"{row.ratio:.3f}"
        table.add_row(row.name, f"{row.value:,.1f}", row.unit, floor, ratio)
    console.print(table)
    for part, share in result.breakdown.items():
        console.print(f"  {part:32s} {share:6.1%}")
    if json_path:
        json_path.write_text(json.dumps(as_json([result]), indent=2) + "\n")


@app.command()
def rules(seconds: Seconds = 12, json_path: Json = None) -> None:
    """Random moves a second by variant, on one core."""
    from alphapente.bench.rules import bench_rules

    _show(lambda: bench_rules(seconds), json_path)


@app.command()
def network(seconds: Seconds = 40, json_path: Json = None, config: ConfigFile = None, set_: Overrides = None) -> None:
    """Positions a second of the bare network."""
    from alphapente.bench.network import bench_network

    _show(lambda: bench_network(_config(config, set_), seconds), json_path)


@app.command()
def search(seconds: Seconds = 10, json_path: Json = None, config: ConfigFile = None, set_: Overrides = None) -> None:
    """The tree's own cost for a simulation, and where it goes."""
    from alphapente.bench.search import bench_search

    _show(lambda: bench_search(_config(config, set_), seconds), json_path)


@app.command()
def generate(seconds: Seconds = 60, json_path: Json = None, config: ConfigFile = None, set_: Overrides = None) -> None:
    """Self-play by one worker against the bare network in the same process."""
    from alphapente.bench.generate import bench_generate

    _show(lambda: bench_generate(_config(config, set_), seconds), json_path)


@app.command()
def train(seconds: Seconds = 60, json_path: Json = None, config: ConfigFile = None, set_: Overrides = None) -> None:
    """Training samples a second against a plain fp32 loop."""
    from alphapente.bench.train import bench_train

    _show(lambda: bench_train(_config(config, set_), seconds), json_path)


@app.command()
def sample(
    seconds: Seconds = 20,
    rows: Annotated[int, typer.Option(min=100_000, help="Records in the large database.")] = 10_000_000,
    json_path: Json = None,
) -> None:
    """Writing of records, and sampling of 100,000 of them from as many and from millions (3 GB of disk)."""
    from alphapente.bench.sample import bench_sample

    _show(lambda: bench_sample(seconds, rows), json_path)


@app.command()
def start(laps: Annotated[int, typer.Option(min=1, max=20, help="How often.")] = 3, json_path: Json = None) -> None:
    """Seconds from `alphapente run` to its first simulation, warm."""
    from alphapente.bench.start import bench_start

    _show(lambda: bench_start(laps), json_path)
