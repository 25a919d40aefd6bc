"""`alphapente gtp`: a player as a GTP engine, for other programs and graphical interfaces."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphapente.cli.flags import ConfigFile, Overrides
from alphapente.config import default_config_path, load_config
from alphapente.errors import RequestError

if TYPE_CHECKING:
    from alphapente.arena.players.base import Player

MOST_THREADS = 1024


def gtp(
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The checkpoint that plays, or another player as in `alphapente arena` [default: the checkpoint of "
            "generation.model_type, else the network that AlphaPente includes].",
        ),
    ] = None,
    simulations: Annotated[
        int | None,
        typer.Option(metavar="N", help="Simulations per move; 0: no search [default: generation.simulations]."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds per move, instead of simulations.")
    ] = None,
    variant: Annotated[str | None, typer.Option(metavar="NAME", help="The rules [default: game.variant].")] = None,
    board_size: Annotated[
        int | None,
        typer.Option(metavar="N", help="Side of the board until the command `boardsize` [default: game.board_size]."),
    ] = None,
    threads: Annotated[int, typer.Option(metavar="N", help="Threads of the network.")] = 1,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of ties and random choices.")] = 0,
    config: ConfigFile = None,
    set_: Overrides = None,
) -> None:
    """Run a GTP engine on standard input and output: B is player 1, W player 2, column letters skip I."""
    if seed < 0:
        raise RequestError(f"--seed is {seed}: choose a whole number from 0")
    if not 1 <= threads <= MOST_THREADS:
        raise RequestError(f"--threads is {threads}: choose 1 to {MOST_THREADS}")
    if seconds is not None and simulations is not None:
        raise RequestError("--simulations and --seconds were both given: choose one of them")
    if seconds is not None and not 0.001 <= seconds <= 3600:
        raise RequestError(f"--seconds is {seconds:g}: choose 0.001 to 3600")
    if simulations is not None and simulations < 0:
        raise RequestError(f"--simulations is {simulations}: choose a whole number from 0 (no search)")
    flags: dict[str, Any] = {
        "game.variant": variant,
        "game.board_size": board_size,
        "network.threads_per_worker": threads,
    }
    given = {key: value for key, value in flags.items() if value is not None}
    resolved = load_config(config or default_config_path(), set_ or (), given)

    from alphapente.arena.players.gtp_server import GtpServer
    from alphapente.arena.players.identity import player_identity
    from alphapente.arena.players.spec import PlayerOptions, make_player, parse_player
    from alphapente.cli.compilation import compile_with_progress
    from alphapente.network.paths import opponent_path

    word = checkpoint or str(opponent_path(resolved))
    if simulations is not None or seconds is not None:
        spec = parse_player(word)
        if spec.simulations is not None or spec.seconds is not None:
            raise RequestError(f"{word} has a budget already: omit --simulations and --seconds")
        word = f"{word}@{simulations}" if seconds is None else f"{word}@{seconds:f}s"

    def player_for(size: int) -> "Player":
        game = resolved.game.model_copy(update={"board_size": size})
        return make_player(word, resolved.model_copy(update={"game": game}), PlayerOptions(seed=seed))

    player_identity(word, resolved, seed)  # reports a wrong player or checkpoint before the compilation
    compile_with_progress()
    server = GtpServer(player_for, resolved.game.variant, resolved.game.board_size, seed)
    server.run(sys.stdin, lambda text: print(text, end="", flush=True))
