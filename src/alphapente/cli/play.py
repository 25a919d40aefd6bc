"""`alphapente play`: a game in the terminal against a checkpoint, with undo, hints and evaluation."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alphapente.cli.options import (
    BoardSize,
    ConfigFile,
    Overrides,
    Seconds,
    Simulations,
    Variant,
    check_from,
    check_one_budget,
    resolve,
    with_options,
)
from alphapente.config import Config
from alphapente.errors import RequestError

if TYPE_CHECKING:
    from alphapente.cli.terminal_game import EngineMaker


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """The options of `alphapente play`."""

    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The checkpoint to play against [default: that of the model type, else the included network].",
        ),
    ] = None
    model_type: Annotated[
        str | None, typer.Option(metavar="NAME", help="Use the checkpoint of this model in pipeline.checkpoint_dir.")
    ] = None
    simulations: Simulations = None
    seconds: Seconds = None
    side: Annotated[int, typer.Option(metavar="1|2", help="Your player number; player 1 moves first.")] = 1
    variant: Variant = None
    board_size: BoardSize = None
    config: ConfigFile = None
    set_: Overrides = None
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of a fresh network and of ties.")] = 0


@with_options(PlayOptions)
def play(options: PlayOptions) -> None:
    """Play a game against a checkpoint: moves such as k10, undo, hint, eval; `help` lists all commands."""
    if options.side not in (1, 2):
        raise RequestError(f"--side is {options.side}: choose 1 (moves first) or 2")
    check_one_budget(options.simulations, options.seconds)
    if options.seconds is not None and not 0 < options.seconds <= 3600:
        raise RequestError(f"--seconds is {options.seconds:g}: choose a number above 0, up to 3600")
    check_from("--seed", options.seed)
    flags = {
        "generation.simulations": options.simulations,
        "generation.model_type": options.model_type,
        "game.variant": options.variant,
        "game.board_size": options.board_size,
    }
    resolved = resolve(options.config, options.set_, flags)

    from alphapente.cli.compilation import compile_with_progress
    from alphapente.cli.terminal_game import TerminalGame

    make_engine, opponent = _opponent(resolved, options.checkpoint, options.seconds, options.seed)
    compile_with_progress()
    game = TerminalGame(make_engine, resolved.game.variant, resolved.game.board_size, options.side)
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
