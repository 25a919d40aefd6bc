"""The commands `alphapente records ...`: statistics, export, import, check and plot."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from alphapente.cli.options import ConfigFile, Overrides, resolve

if TYPE_CHECKING:
    from rich.table import Table

    from alphapente.records.exchange import Remark
    from alphapente.records.model import PoolStats, StoreStats
    from alphapente.records.store import Store

app = typer.Typer(
    help="Show, export, import and check the database of games and records.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_MAX_FINDINGS_SHOWN = 50
_MAX_NOTES_SHOWN = 20


def _open(config_path: Path | None, overrides: list[str] | None, read_only: bool = True) -> "Store":
    from alphapente.records.store import Store

    config = resolve(config_path, overrides)
    return Store(config.records.database, config.records.busy_timeout_s, read_only=read_only)


@app.command()
def stats(config: ConfigFile = None, set_: Overrides = None) -> None:
    """Show statistics: records and games by variant and board size, wins, size on disk."""
    from rich.console import Console

    with _open(config, set_) as store:
        report = store.stats()
    console = Console(highlight=False)
    if report.pools:
        console.print(stats_table(report))
    console.print(summary_line(report), soft_wrap=True)


def summary_line(report: "StoreStats") -> str:
    """The database's name and size in one line."""
    per_record = f" ({report.size_bytes / report.records:,.0f} per record)" if report.records else ""
    counts = f"{report.records:,} records, {report.games:,} games" if report.pools else "no games yet"
    if report.matches:
        counts += f", {report.matches:,} matches of {report.match_games:,} games"
    return (
        f"{report.database}: {counts}, {report.size_bytes:,} bytes{per_record}, schema version {report.schema_version}"
    )


def stats_table(report: "StoreStats") -> "Table":
    """The statistics as a table with a column for each pool (at least one)."""
    from rich.table import Table

    table = Table("")
    for pool in report.pools:
        table.add_column(f"{pool.variant} {pool.board_size}x{pool.board_size}", justify="right")
    for label, cells in zip(_ROW_LABELS, zip(*map(_pool_cells, report.pools), strict=True), strict=True):
        table.add_row(label, *cells)
    return table


_ROW_LABELS = (
    "records",
    "games",
    "  imported",
    "  unfinished, to be resumed",
    "plies per game",
    "won by player 1",
    "won by player 2",
    "won by five",
    "won by captures",
    "draws",
    "unfinished",
    "network steps",
    "newest game (UTC)",
)


def _pool_cells(pool: "PoolStats") -> list[str]:
    from datetime import UTC, datetime

    def share(count: int) -> str:
        return f"{count:,} ({count / pool.games:.0%})" if pool.games else "0"

    newest = (
        "-" if pool.newest_game_at is None else f"{datetime.fromtimestamp(pool.newest_game_at, UTC):%Y-%m-%d %H:%M}"
    )
    return [
        f"{pool.records:,}",
        f"{pool.games:,}",
        f"{pool.imported_games:,}",
        f"{pool.parked_games:,}",
        f"{pool.mean_plies:.1f}",
        share(pool.wins_by_player["1"]),
        share(pool.wins_by_player["2"]),
        share(pool.won_by["five"]),
        share(pool.won_by["captures"]),
        share(pool.wins_by_player["draw"]),
        share(pool.won_by.get("unfinished", 0)),
        ", ".join(f"{name} {step:,}" for name, step in pool.newest_step.items()) or "-",
        newest,
    ]


@app.command()
def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write; an existing one is replaced.")],
    format: Annotated[
        Literal["text", "parquet"] | None,
        typer.Option(
            "--format", help="Games as text, or records as Parquet [default: by the extension of OUT, else text]."
        ),
    ] = None,
    config: ConfigFile = None,
    set_: Overrides = None,
) -> None:
    """Write all games as game text (the format of pente.org), or all records as a Parquet file."""
    from rich.console import Console

    from alphapente.files import is_regular
    from alphapente.records.exchange import export_games, export_records

    parquet = format == "parquet" or (format is None and out.suffix == ".parquet")
    console = Console(highlight=False, stderr=not is_regular(out))  # the games may go to standard output
    with _open(config, set_) as store:
        report = export_records(store, out) if parquet else export_games(store, out)
    what = f"{report.records:,} records" if parquet else f"{report.games:,} games"
    console.print(f"Wrote {what} to {report.path} ({report.size_bytes:,} bytes).", soft_wrap=True)


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Game text: any number of games, with or without headers.")
    ],
    config: ConfigFile = None,
    set_: Overrides = None,
    variant: Annotated[str, typer.Option(help="Variant of games without this header.")] = "pente",
    board_size: Annotated[int, typer.Option(help="Board size, in points, of games without this header.")] = 19,
    strict: Annotated[bool, typer.Option("--strict", help="Store nothing if a game is rejected.")] = False,
) -> None:
    """Store the games of a game text file, without records. Exits with status 1 if a game is rejected."""
    from alphapente.errors import FailureError
    from alphapente.records.exchange import import_games

    with _open(config, set_, read_only=False) as store:
        report = import_games(store, file, variant, board_size, strict=strict)
        name = store.name
    _print_remarks(file, report.notes[:_MAX_NOTES_SHOWN])
    if (hidden := len(report.notes) - _MAX_NOTES_SHOWN) > 0:
        typer.echo(f"{file}: {hidden:,} more notes", err=True)
    _print_remarks(file, report.rejected)
    if report.games:
        pools = ", ".join(f"{count:,} of {variant} {size}x{size}" for (variant, size), count in report.by_pool.items())
        typer.echo(f"Stored {report.games:,} games ({pools}; {report.plies:,} plies) in {name}.")
    if report.rejected:
        outcome = "the others were stored: correct these and import them from another file"
        if not report.games:
            outcome = "nothing was stored" + (", because of --strict" if strict else "")
        raise FailureError(f"{file}: {len(report.rejected):,} of {report.found:,} games were rejected; {outcome}")


def _print_remarks(file: Path, remarks: "Sequence[Remark]") -> None:
    for remark in remarks:
        typer.echo(f"{file}:{remark.line}: game {remark.game}: {remark.text}", err=True)


@app.command()
def check(config: ConfigFile = None, set_: Overrides = None) -> None:
    """Replay every game by the rules and compare every record; exits with status 1 if anything is wrong."""
    from rich.console import Console
    from rich.table import Table

    from alphapente.errors import FailureError
    from alphapente.records.check import check as check_store

    console = Console(highlight=False)
    with _open(config, set_) as store, console.status(f"Replaying the games of {store.name}") as status:
        report = check_store(
            store, lambda done, total: status.update(f"Replaying the games of {store.name}: {done:,} of {total:,}")
        )
    if not report.findings:
        console.print(
            f"{report.database}: {report.games:,} games and {report.records:,} records agree with the rules.",
            soft_wrap=True,
        )
        return
    table = Table("game", "ply", "what is wrong", title=report.database)
    for finding in report.findings[:_MAX_FINDINGS_SHOWN]:
        table.add_row(
            *("-" if value is None else str(value) for value in (finding.game_id, finding.ply)), finding.problem
        )
    console.print(table)
    hidden = len(report.findings) - _MAX_FINDINGS_SHOWN
    more = f" ({hidden:,} more are not shown)" if hidden > 0 else ""
    wrong = "1 thing is" if len(report.findings) == 1 else f"{len(report.findings):,} things are"
    raise FailureError(
        f"{report.database}: {wrong} wrong in {report.games:,} games{more}: "
        "restore a copy, or use another database with --set records.database=FILE"
    )


@app.command()
def plot(
    out: Annotated[Path, typer.Argument(help="The file to write: .png, .svg or .pdf.", show_default=False)],
    config: ConfigFile = None,
    set_: Overrides = None,
) -> None:
    """Plot the progress of a run: losses, game lengths, kinds of win."""
    from alphapente.pipeline.picture import draw
    from alphapente.pipeline.picture_target import check_target

    check_target(out)
    draw(resolve(config, set_), out)
    typer.echo(f"wrote {out}")
