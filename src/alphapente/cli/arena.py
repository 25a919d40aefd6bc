"""`alphapente arena A B`: a match between two players over varied openings, colours swapped, with intervals."""

import json
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphapente.cli.flags import ConfigFile, Overrides
from alphapente.config import Config, default_config_path, load_config
from alphapente.errors import RequestError
from alphapente.files import write_text

if TYPE_CHECKING:
    from rich.table import Table

    from alphapente.arena.match import MatchReport

MOST_PROCESSES = 256
MOST_TIMEOUT_S = 86_400.0
PLAYER = (
    "A checkpoint, `policy:FILE` (a network without search), `gtp:COMMAND` (a foreign engine), or a reference: "
    "`random`, `tactical` (looks two plies ahead), `rollouts` (tree search with random playouts), `heuristic` (tree "
    "search by hand-made rules), `fresh` (a network that has learned nothing). After it, `@200` or `@0.1s`: its "
    "simulations or seconds a move; before a checkpoint `fp32:`, `bf16:` or `int8:`: what its network computes in."
)


def arena(
    player_a: Annotated[str, typer.Argument(metavar="A", help=PLAYER)],
    player_b: Annotated[
        str | None, typer.Argument(metavar="[B]", help="The other player, named in the same ways, or --engine.")
    ] = None,
    games: Annotated[int, typer.Option(metavar="N", help="Games, an even number: each opening is played twice.")] = 100,
    engine: Annotated[
        str | None, typer.Option(metavar="COMMAND", help="Player B: a foreign engine that speaks GTP.")
    ] = None,
    engine_processes: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Games side by side of players that think about one at a time: a process for each of an engine, a "
            "thread for each by the clock.",
        ),
    ] = 1,
    engine_timeout: Annotated[
        float, typer.Option(metavar="S", help="Seconds after which an engine without an answer has lost its game.")
    ] = 60.0,
    simulations: Annotated[
        int | None,
        typer.Option(metavar="N", help="Simulations of players without @ [default: generation.simulations]."),
    ] = None,
    variant: Annotated[str | None, typer.Option(metavar="NAME", help="The rules [default: game.variant].")] = None,
    board_size: Annotated[
        int | None, typer.Option(metavar="N", help="Side of the board in points [default: game.board_size].")
    ] = None,
    opening_plies: Annotated[
        str | None,
        typer.Option(
            metavar="LEAST-MOST",
            help="Open each game with so many random plies near the stones [default: the balanced openings that come "
            "with AlphaPente; 2-6 where there are none].",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the openings and of chance.")] = 0,
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the games as text.")] = None,
    store: Annotated[
        bool | None,
        typer.Option(
            "--store/--no-store",
            show_default=False,
            help="Keep the match in records.database for `rate` [default: if that database is there].",
        ),
    ] = None,
    config: ConfigFile = None,
    set_: Overrides = None,
    a_set: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="As --set, for player A alone; repeatable.")
    ] = None,
    b_set: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="As --set, for player B alone; repeatable.")
    ] = None,
) -> None:
    """Play a match between two players: who is stronger, how surely, by which colour and by which kind of win."""
    if seed < 0:
        raise RequestError(f"--seed is {seed}: choose a whole number from 0")
    if engine_processes < 1 or engine_processes > MOST_PROCESSES:
        raise RequestError(f"--engine-processes is {engine_processes}: choose 1 to {MOST_PROCESSES}")
    if not 0 < engine_timeout <= MOST_TIMEOUT_S:
        raise RequestError(f"--engine-timeout is {engine_timeout:g}: choose seconds above 0, up to {MOST_TIMEOUT_S:g}")
    if (player_b is None) == (engine is None):
        found = "neither was" if engine is None else "both were"
        raise RequestError(f"player B is named by a word or by --engine, and {found} given: write one of them")
    flags: dict[str, Any] = {
        "generation.simulations": simulations,
        "game.variant": variant,
        "game.board_size": board_size,
    }
    given = [f"{key}={json.dumps(value)}" for key, value in flags.items() if value is not None]
    shared = [*(set_ or ()), *given]
    resolved = load_config(config or default_config_path(), shared)
    configs = [_own_config(config, shared, own or (), resolved) for own in (a_set, b_set)]
    words = (player_a, player_b if player_b is not None else f"gtp:{engine}")
    plies = None if opening_plies is None else _plies(opening_plies)

    from rich.console import Console

    from alphapente.arena.games import PlayedGame
    from alphapente.arena.lineup import Terms, games_at_once, make_player
    from alphapente.arena.match import play_match
    from alphapente.records.connect import database_exists

    console = Console(highlight=False, soft_wrap=True)

    def tell_forfeit(index: int, game: PlayedGame) -> None:
        if game.note:
            loser = "AB"[game.won_letter == "a"]
            console.print(f"game {index + 1}: {loser} lost after {len(game.moves)} plies: {game.note}", markup=False)

    at_once = games_at_once(words, games, engine_processes)
    with ExitStack() as stack:
        players = []
        for word, own, changes in zip(words, configs, (a_set, b_set), strict=True):
            terms = Terms(at_once, seed, engine_timeout, ", ".join(changes or ()))
            players.append(stack.enter_context(closing(make_player(word, own, terms))))
        one, two = players
        status = stack.enter_context(console.status(f"{one.name} against {two.name}"))
        report = play_match(
            one,
            two,
            games,
            variant=resolved.game.variant,
            size=resolved.game.board_size,
            seed=seed,
            opening_plies=plies,
            on_game_fn=lambda done, tally: status.update(
                f"{one.name} against {two.name}: {done} of {games} games, {tally.wins} won, {tally.losses} lost"
            ),
            on_played_fn=tell_forfeit,
        )
    console.print(report_table(report))
    if store or (store is None and database_exists(resolved.records.database)):
        _store(report, words, configs, resolved)
    elif store is None:
        console.print(f"Not stored: there is no {resolved.records.database} (--store makes it).")
    if save is not None:
        _save(save, report)
        console.print(f"Wrote {len(report.games)} games to {save}.", soft_wrap=True)


def _own_config(path: Path | None, shared: Sequence[str], own: Sequence[str], resolved: Config) -> Config:
    """The configuration of one player. Raises ConfigError for a wrong setting, RequestError for another game."""
    config = load_config(path or default_config_path(), [*shared, *own]) if own else resolved
    if config.game != resolved.game:
        raise RequestError("--a-set and --b-set cannot change the game, which both play: use --set for game.*")
    return config


def _store(report: "MatchReport", words: tuple[str, str], configs: Sequence[Config], config: Config) -> None:
    from alphapente.arena.results import identify, store_match
    from alphapente.records.store import Store

    one, two = (identify(word, own, report.seed) for word, own in zip(words, configs, strict=True))
    with Store(config.records.database, config.records.busy_timeout_s) as database:
        store_match(database, report, (one, two), "arena", database.settings_id(config.dump_json()))


def report_table(report: "MatchReport") -> "Table":
    """The report as a table, as player A sees it."""
    from rich.table import Table

    from alphapente.arena.games import FORFEIT

    first = f"A: {report.name_a}"
    caption = (
        f"{report.distinct_openings} different openings, "
        f"{report.distinct_games} different games ({report.distinct_share:.0%}), "
        f"{report.mean_plies:.1f} plies on average, {report.elapsed_s:.1f} s, seed {report.seed}"
    )
    table = Table(
        "", "games", "won", "lost", "drawn", "score", "95% interval",
        title=f"{first}\nB: {report.name_b}\n{report.variant} {report.size}x{report.size}", caption=caption,
    )  # fmt: skip
    rows = (("A in all", report.total), ("A as player 1", report.as_first), ("A as player 2", report.as_second))
    for label, tally in rows:
        low, high = tally.interval
        counts = (str(count) for count in (tally.games, tally.wins, tally.losses, tally.draws))
        table.add_row(label, *counts, f"{tally.score:.1%}", f"{low:.1%} to {high:.1%}")
    for label, ways in (("A won by", report.won_by_a), ("B won by", report.won_by_b)):
        forfeits = f"forfeit {ways[FORFEIT]}" if ways[FORFEIT] else ""
        table.add_row(label, "", f"five {ways['five']}", f"captures {ways['captures']}", forfeits)
    for label, times in (("A's moves", report.times_a), ("B's moves", report.times_b)):
        table.add_row(label, str(times.moves), f"{times.mean_s:.4f} s", f"longest {times.longest_s:.2f} s")
    return table


def _plies(text: str) -> tuple[int, int]:
    least, _, most = text.partition("-")
    if not least.isdecimal() or not (most or least).isdecimal():
        raise RequestError(f"--opening-plies is {text!r}: write LEAST-MOST, like 2-6")
    return int(least), int(most or least)


def _save(path: Path, report: "MatchReport") -> None:
    from alphapente.rules.gametext import GameText, write_game

    texts = []
    for game in report.games:
        names = (report.name_a, report.name_b) if game.first == "a" else (report.name_b, report.name_a)
        headers = {"Player 1 Name": names[0], "Player 2 Name": names[1]}
        result = {0: "1/2-1/2", 1: "1-0", 2: "0-1"}[game.winner]
        texts.append(write_game(GameText(headers, list(game.moves), result, report.variant, report.size)))
    write_text(path, "\n".join(texts))
