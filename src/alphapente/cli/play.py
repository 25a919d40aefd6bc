"""`alphapente play`: a game in the terminal against a checkpoint, with undo, hints and evaluation."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphapente.cli.flags import ConfigFile, Overrides
from alphapente.config import Config, default_config_path, load_config
from alphapente.errors import RequestError

if TYPE_CHECKING:
    from alphapente.cli.terminal_game import EngineMaker


def play(
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The checkpoint to play against [default: that of the model type, else the included network].",
        ),
    ] = None,
    model_type: Annotated[
        str | None, typer.Option(metavar="NAME", help="Use the checkpoint of this model in pipeline.checkpoint_dir.")
    ] = None,
    simulations: Annotated[
        int | None, typer.Option(metavar="N", help="Simulations per move [default: generation.simulations].")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds per move, instead of simulations.")
    ] = None,
    side: Annotated[int, typer.Option(metavar="1|2", help="Your player number; player 1 moves first.")] = 1,
    variant: Annotated[str | None, typer.Option(metavar="NAME", help="The rules [default: game.variant].")] = None,
    board_size: Annotated[
        int | None, typer.Option(metavar="N", help="Side of the board in points [default: game.board_size].")
    ] = None,
    config: ConfigFile = None,
    set_: Overrides = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of a fresh network and of ties.")] = 0,
) -> None:
    """Play a game against a checkpoint: moves such as k10, undo, hint, eval; `help` lists all commands."""
    if side not in (1, 2):
        raise RequestError(f"--side is {side}: choose 1 (moves first) or 2")
    if seconds is not None and simulations is not None:
        raise RequestError("--simulations and --seconds were both given: choose one of them")
    if seconds is not None and not 0 < seconds <= 3600:
        raise RequestError(f"--seconds is {seconds:g}: choose a number above 0, up to 3600")
    if seed < 0:
        raise RequestError(f"--seed is {seed}: choose a whole number from 0")
    flags: dict[str, Any] = {
        "generation.simulations": simulations,
        "generation.model_type": model_type,
        "game.variant": variant,
        "game.board_size": board_size,
    }
    given = {key: value for key, value in flags.items() if value is not None}
    resolved = load_config(config or default_config_path(), set_ or (), given)

    from alphapente.cli.compilation import compile_with_progress
    from alphapente.cli.terminal_game import TerminalGame

    make_engine, opponent = _opponent(resolved, checkpoint, seconds, seed)
    compile_with_progress()
    game = TerminalGame(make_engine, resolved.game.variant, resolved.game.board_size, side)
    game.say(opponent)
    status = game.run()
    if status:
        raise typer.Exit(status)


def _opponent(config: Config, checkpoint: Path | None, seconds: float | None, seed: int) -> "tuple[EngineMaker, str]":
    """(function that makes an engine for a board size, sentence about its network)."""
    import numpy as np

    from alphapente.arena.players.engine import Engine
    from alphapente.network.load import load_network

    network = load_network(config, checkpoint, seed)
    described = f"Your opponent: {network.description}."
    if checkpoint is None and network.step == 0:
        described += " It is untrained: `alphapente run` trains one, or `python train_v2.py` from records."

    def make_engine(size: int) -> Engine:
        return Engine(
            network.evaluator(config.search.leaves_at_once, size),
            config.search,
            np.random.default_rng(seed),
            simulations=config.generation.simulations,
            seconds=seconds,
        )

    return make_engine, described
