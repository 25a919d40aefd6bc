"""`alphapente arena A B`: a match between two players; each opening is played twice with colours swapped."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from alphapente.cli.flags import ConfigFile, Overrides
from alphapente.config import Config, default_config_path, load_config
from alphapente.errors import RequestError

MAX_SEED = 2**63 - 1
MOST_PROCESSES = 256
MOST_TIMEOUT_S = 86_400.0
PLAYER = (
    "A checkpoint, `policy:FILE` (a network without search), `gtp:COMMAND` (another engine), or a reference "
    "player: `random`, `tactical` (searches two plies), `rollouts` (MCTS with random playouts), `heuristic` (MCTS with "
    "hand-made evaluation), `fresh` (an untrained network). The suffix `@200` or `@0.1s` sets its simulations or "
    "seconds per move; before a checkpoint, `fp32:`, `bf16:` or `int8:` sets the precision of its network."
)


def arena(
    player_a: Annotated[str, typer.Argument(metavar="A", help=PLAYER)],
    player_b: Annotated[
        str | None, typer.Argument(metavar="[B]", help="The other player, in the same form; or --engine.")
    ] = None,
    games: Annotated[int, typer.Option(metavar="N", help="Games, an even number: each opening is played twice.")] = 100,
    engine: Annotated[str | None, typer.Option(metavar="COMMAND", help="Player B: a GTP engine.")] = None,
    engine_processes: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Simultaneous games of players that search one position at a time: a process per game for engines, a "
            "thread per game for players with a time limit.",
        ),
    ] = 1,
    engine_timeout: Annotated[
        float, typer.Option(metavar="S", help="An engine that does not reply within this time loses the game.")
    ] = 60.0,
    simulations: Annotated[
        int | None,
        typer.Option(metavar="N", help="Simulations per move of players without @ [default: generation.simulations]."),
    ] = None,
    variant: Annotated[str | None, typer.Option(metavar="NAME", help="The rules [default: game.variant].")] = None,
    board_size: Annotated[
        int | None, typer.Option(metavar="N", help="Side of the board in points [default: game.board_size].")
    ] = None,
    opening_plies: Annotated[
        str | None,
        typer.Option(
            metavar="LEAST-MOST",
            help="Start each game with this number of random plies near the stones [default: the included balanced "
            "openings; 2-6 if there are none].",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the openings and of all random choices.")] = 0,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the games to this file as game text.")
    ] = None,
    store: Annotated[
        bool | None,
        typer.Option(
            "--store/--no-store",
            show_default=False,
            help="Store the match in records.database for `rate` [default: if the database exists].",
        ),
    ] = None,
    config: ConfigFile = None,
    set_: Overrides = None,
    a_set: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="As --set, for player A only; repeatable.")
    ] = None,
    b_set: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="As --set, for player B only; repeatable.")
    ] = None,
) -> None:
    """Play a match between two players: scores with 95% intervals, by colour and by kind of win."""
    if not 0 <= seed <= MAX_SEED:
        raise RequestError(f"--seed is {seed}: choose a whole number from 0 to {MAX_SEED}")
    if engine_processes < 1 or engine_processes > MOST_PROCESSES:
        raise RequestError(f"--engine-processes is {engine_processes}: choose 1 to {MOST_PROCESSES}")
    if not 0 < engine_timeout <= MOST_TIMEOUT_S:
        raise RequestError(f"--engine-timeout is {engine_timeout:g}: choose seconds above 0, up to {MOST_TIMEOUT_S:g}")
    if (player_b is None) == (engine is None):
        found = "neither was" if engine is None else "both were"
        raise RequestError(f"player B is an argument or --engine, and {found} given: use one of them")
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

    from alphapente.arena.players.spec import PlayerOptions, games_at_once
    from alphapente.cli.arena_match import Request, Side, play

    at_once = games_at_once(words, games, engine_processes)
    one, two = (
        Side(word, own, PlayerOptions(at_once, seed, engine_timeout, ", ".join(changes or ())))
        for word, own, changes in zip(words, configs, (a_set, b_set), strict=True)
    )
    status = play(Request((one, two), games, seed, plies, resolved, store, save))
    if status:
        raise typer.Exit(status)


def _own_config(path: Path | None, shared: Sequence[str], own: Sequence[str], resolved: Config) -> Config:
    """The configuration of one player. Raises ConfigError for a wrong setting, RequestError for another game."""
    config = load_config(path or default_config_path(), [*shared, *own]) if own else resolved
    if config.game != resolved.game:
        raise RequestError("--a-set and --b-set cannot change game.*, which both players share: use --set")
    return config


def _plies(text: str) -> tuple[int, int]:
    least, _, most = text.partition("-")
    if len(text) > 9 or not least.isdecimal() or not (most or least).isdecimal():
        raise RequestError(f"--opening-plies is {text[:20]!r}: write LEAST-MOST, like 2-6")
    return int(least), int(most or least)
