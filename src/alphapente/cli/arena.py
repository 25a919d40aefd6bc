"""`alphapente arena A B`: a match between two players; each opening is played twice with colours swapped."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from alphapente.cli.options import BoardSize, ConfigFile, Overrides, Variant, resolve, with_options
from alphapente.config import Config
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


@dataclass(frozen=True, slots=True)
class ArenaOptions:
    """The options of `alphapente arena`."""

    player_a: Annotated[str, typer.Argument(metavar="A", help=PLAYER)]
    player_b: Annotated[
        str | None, typer.Argument(metavar="[B]", help="The other player, in the same form; or --engine.")
    ] = None
    games: Annotated[int, typer.Option(metavar="N", help="Games, an even number: each opening is played twice.")] = 100
    engine: Annotated[str | None, typer.Option(metavar="COMMAND", help="Player B: a GTP engine.")] = None
    engine_processes: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Simultaneous games of players that search one position at a time: a process per game for engines, a "
            "thread per game for players with a time limit.",
        ),
    ] = 1
    engine_timeout: Annotated[
        float, typer.Option(metavar="S", help="An engine that does not reply within this time loses the game.")
    ] = 60.0
    simulations: Annotated[
        int | None,
        typer.Option(metavar="N", help="Simulations per move of players without @ [default: generation.simulations]."),
    ] = None
    variant: Variant = None
    board_size: BoardSize = None
    opening_plies: Annotated[
        str | None,
        typer.Option(
            metavar="LEAST-MOST",
            help="Start each game with this number of random plies near the stones [default: the included balanced "
            "openings; 2-6 if there are none].",
        ),
    ] = None
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the openings and of all random choices.")] = 0
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the games to this file as game text.")] = None
    store: Annotated[
        bool | None,
        typer.Option(
            "--store/--no-store",
            show_default=False,
            help="Store the match in records.database for `rate` [default: if the database exists].",
        ),
    ] = None
    config: ConfigFile = None
    set_: Overrides = None
    a_set: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="As --set, for player A only; repeatable.")
    ] = None
    b_set: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="As --set, for player B only; repeatable.")
    ] = None


@with_options(ArenaOptions)
def arena(options: ArenaOptions) -> None:
    """Play a match between two players: scores with 95% intervals, by colour and by kind of win."""
    _check(options)
    config, own = _configs(options)
    words = (options.player_a, options.player_b if options.player_b is not None else f"gtp:{options.engine}")
    plies = None if options.opening_plies is None else _plies(options.opening_plies)

    from alphapente.arena.players.spec import PlayerOptions, games_at_once
    from alphapente.cli.arena_match import Request, Side, play

    at_once = games_at_once(words, options.games, options.engine_processes)
    one, two = (
        Side(word, config, PlayerOptions(at_once, options.seed, options.engine_timeout, ", ".join(changes or ())))
        for word, config, changes in zip(words, own, (options.a_set, options.b_set), strict=True)
    )
    status = play(Request((one, two), options.games, options.seed, plies, config, options.store, options.save))
    if status:
        raise typer.Exit(status)


def _check(options: ArenaOptions) -> None:
    """Raises RequestError for a number out of range, and if player B is not given exactly once."""
    if not 0 <= options.seed <= MAX_SEED:
        raise RequestError(f"--seed is {options.seed}: choose a whole number from 0 to {MAX_SEED}")
    if not 1 <= options.engine_processes <= MOST_PROCESSES:
        raise RequestError(f"--engine-processes is {options.engine_processes}: choose 1 to {MOST_PROCESSES}")
    timeout = options.engine_timeout
    if not 0 < timeout <= MOST_TIMEOUT_S:
        raise RequestError(f"--engine-timeout is {timeout:g}: choose seconds above 0, up to {MOST_TIMEOUT_S:g}")
    if (options.player_b is None) == (options.engine is None):
        found = "neither was" if options.engine is None else "both were"
        raise RequestError(f"player B is an argument or --engine, and {found} given: use one of them")


def _configs(options: ArenaOptions) -> tuple[Config, list[Config]]:
    """(the configuration that both players share, that of each player).

    Raises ConfigError for a wrong setting, and RequestError if a player's own settings change the game.
    """
    flags: dict[str, Any] = {
        "generation.simulations": options.simulations,
        "game.variant": options.variant,
        "game.board_size": options.board_size,
    }
    # As texts, so that --a-set and --b-set have precedence over the flags.
    shared = [
        *(options.set_ or ()),
        *(f"{key}={json.dumps(value)}" for key, value in flags.items() if value is not None),
    ]
    resolved = resolve(options.config, shared)
    own = [resolve(options.config, [*shared, *(changes or ())]) for changes in (options.a_set, options.b_set)]
    if any(config.game != resolved.game for config in own):
        raise RequestError("--a-set and --b-set cannot change game.*, which both players share: use --set")
    return resolved, own


def _plies(text: str) -> tuple[int, int]:
    least, _, most = text.partition("-")
    if len(text) > 9 or not least.isdecimal() or not (most or least).isdecimal():
        raise RequestError(f"--opening-plies is {text[:20]!r}: write LEAST-MOST, like 2-6")
    return int(least), int(most or least)
