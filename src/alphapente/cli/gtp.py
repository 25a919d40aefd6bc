"""`alphapente gtp`: a player as a GTP engine, for other programs and graphical interfaces."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from alphapente.cli.options import (
    ConfigFile,
    Overrides,
    Seconds,
    Variant,
    check_from,
    check_one_budget,
    resolve,
    with_options,
)
from alphapente.config import Config
from alphapente.errors import RequestError

if TYPE_CHECKING:
    from alphapente.arena.players.base import Player

MOST_THREADS = 1024


@dataclass(frozen=True, slots=True)
class GtpOptions:
    """The options of `alphapente gtp`."""

    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The checkpoint that plays, or another player as in `alphapente arena` [default: the checkpoint of "
            "generation.model_type, else the network that AlphaPente includes].",
        ),
    ] = None
    simulations: Annotated[
        int | None,
        typer.Option(metavar="N", help="Simulations per move; 0: no search [default: generation.simulations]."),
    ] = None
    seconds: Seconds = None
    variant: Variant = None
    board_size: Annotated[
        int | None,
        typer.Option(metavar="N", help="Side of the board until the command `boardsize` [default: game.board_size]."),
    ] = None
    threads: Annotated[int, typer.Option(metavar="N", help="Threads of the network.")] = 1
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of ties and random choices.")] = 0
    config: ConfigFile = None
    set_: Overrides = None


@with_options(GtpOptions)
def gtp(options: GtpOptions) -> None:
    """Run a GTP engine on standard input and output: B is player 1, W player 2, column letters skip I."""
    _check(options)
    flags = {
        "game.variant": options.variant,
        "game.board_size": options.board_size,
        "network.threads_per_worker": options.threads,
    }
    resolved = resolve(options.config, options.set_, flags)

    from alphapente.arena.players.gtp_server import GtpServer
    from alphapente.arena.players.identity import player_identity
    from alphapente.arena.players.spec import PlayerOptions, make_player
    from alphapente.cli.compilation import compile_with_progress

    word = _player_word(options, resolved)

    def player_for(size: int) -> "Player":
        game = resolved.game.model_copy(update={"board_size": size})
        return make_player(word, resolved.model_copy(update={"game": game}), PlayerOptions(seed=options.seed))

    player_identity(word, resolved, options.seed)  # reports a wrong player or checkpoint before the compilation
    compile_with_progress()
    server = GtpServer(player_for, resolved.game.variant, resolved.game.board_size, options.seed)
    server.run(sys.stdin, lambda text: print(text, end="", flush=True))


def _check(options: GtpOptions) -> None:
    """Raises RequestError for a number out of range, and for two budgets."""
    check_from("--seed", options.seed)
    if not 1 <= options.threads <= MOST_THREADS:
        raise RequestError(f"--threads is {options.threads}: choose 1 to {MOST_THREADS}")
    check_one_budget(options.simulations, options.seconds)
    if options.seconds is not None and not 0.001 <= options.seconds <= 3600:
        raise RequestError(f"--seconds is {options.seconds:g}: choose 0.001 to 3600")
    if options.simulations is not None and options.simulations < 0:
        raise RequestError(f"--simulations is {options.simulations}: choose a whole number from 0 (no search)")


def _player_word(options: GtpOptions, config: Config) -> str:
    """The player with its budget, in the form of `alphapente arena`. Raises RequestError for two budgets."""
    from alphapente.arena.players.spec import parse_player
    from alphapente.network.paths import opponent_path

    word = options.checkpoint or str(opponent_path(config))
    if options.simulations is None and options.seconds is None:
        return word
    spec = parse_player(word)
    if spec.simulations is not None or spec.seconds is not None:
        raise RequestError(f"{word} has a budget already: omit --simulations and --seconds")
    return f"{word}@{options.simulations}" if options.seconds is None else f"{word}@{options.seconds:f}s"
