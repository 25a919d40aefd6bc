"""`alphapente arena A B`: a match between two players over varied openings, colours swapped, with intervals."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphapente.cli.flags import ConfigFile, Overrides
from alphapente.config import Config, default_config_path, load_config
from alphapente.errors import RequestError

if TYPE_CHECKING:
    from rich.table import Table

    from alphapente.arena.match import MatchReport
    from alphapente.arena.players import Player
    from alphapente.network.load import Source

SEATS = 32
"""Positions that a searching player thinks about at once."""
PRECISIONS = ("fp32", "bf16", "int8")
PLAYER = (
    "A checkpoint, `fresh`, `random`, `heuristic`, or `policy:FILE` to play its network without search; "
    "`fp32:`, `bf16:` or `int8:` before it sets what its network computes in."
)


def arena(
    player_a: Annotated[str, typer.Argument(metavar="A", help=PLAYER)],
    player_b: Annotated[str, typer.Argument(metavar="B", help="The other player, named in the same ways.")],
    games: Annotated[int, typer.Option(metavar="N", help="Games, an even number: each opening is played twice.")] = 100,
    simulations: Annotated[
        int | None, typer.Option(metavar="N", help="Simulations a move [default: generation.simulations].")
    ] = None,
    variant: Annotated[str | None, typer.Option(metavar="NAME", help="The rules [default: game.variant].")] = None,
    board_size: Annotated[
        int | None, typer.Option(metavar="N", help="Side of the board in points [default: game.board_size].")
    ] = None,
    opening_plies: Annotated[
        str, typer.Option(metavar="LEAST-MOST", help="Random plies that open each game, near the stones.")
    ] = "2-6",
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the openings and of chance.")] = 0,
    save: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the games as text.")] = None,
    config: ConfigFile = None,
    set_: Overrides = None,
) -> None:
    """Play a match between two players: who is stronger, how surely, by which colour and by which kind of win."""
    if seed < 0:
        raise RequestError(f"--seed is {seed}: choose a whole number from 0")
    flags: dict[str, Any] = {
        "generation.simulations": simulations,
        "game.variant": variant,
        "game.board_size": board_size,
    }
    given = {key: value for key, value in flags.items() if value is not None}
    resolved = load_config(config or default_config_path(), set_ or (), given)
    plies = _plies(opening_plies)

    from rich.console import Console

    from alphapente.arena.match import play_match

    console = Console(highlight=False)
    one, two = make_player(player_a, resolved, games, seed), make_player(player_b, resolved, games, seed)
    with console.status(f"{one.name} against {two.name}") as status:
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
        )
    console.print(report_table(report))
    if save is not None:
        _save(save, report)
        console.print(f"Wrote {len(report.games)} games to {save}.", soft_wrap=True)


def make_player(name: str, config: Config, games: int, seed: int = 0) -> "Player":
    """The player that a word names. Raises CheckpointError for a checkpoint that cannot be used.

    With `int8:` before it, RequestError where that cannot be: see `_network`.
    """
    from alphapente.arena.heuristic import HeuristicEvaluator
    from alphapente.arena.players import PolicyPlayer, RandomPlayer, SearchPlayer
    from alphapente.network.load import load_evaluator

    seats, size, simulations = min(SEATS, games), config.game.board_size, config.generation.simulations
    if name == "random":
        return RandomPlayer()
    if name == "heuristic":
        return SearchPlayer(HeuristicEvaluator(seats, size), config.search, simulations, f"heuristic, {simulations}")
    if name == "fresh":
        from alphapente.network.models import build_model

        model = build_model(config, config.generation.model_type, seed)
        return SearchPlayer(load_evaluator(model, config, seats, size), config.search, simulations, "fresh network")
    precision, colon, rest = name.partition(":")
    if colon and precision in PRECISIONS:
        config = config.model_copy(update={"network": config.network.model_copy(update={"precision": precision})})
    else:
        rest = name
    path = Path(rest.removeprefix("policy:"))
    evaluator = load_evaluator(_network(path, config), config, seats, size)
    described = f"{path}, {evaluator.name}"
    if rest.startswith("policy:"):
        return PolicyPlayer(evaluator, f"policy of {described}")
    return SearchPlayer(evaluator, config.search, simulations, f"{described}, {simulations} simulations")


def _network(path: Path, config: Config) -> "Source":
    """A checkpoint's network as `network.precision` wants it: for int8 quantized on records of `records.database`.

    Raises RequestError where int8 cannot be had: no OpenVINO, no NNCF, a processor without int8, too few records.
    """
    from alphapente.network.device import choose_device
    from alphapente.network.load import prepare

    network = prepare(path, config, choose_device(config.network.device).device)
    if config.network.precision != "int8":
        return network
    from alphapente.network.openvino_backend import PortableNetwork
    from alphapente.network.quantization import BATCH
    from alphapente.records.store import Store
    from alphapente.selfplay.calibration import calibration_planes, in_precision

    if not isinstance(network, PortableNetwork):
        raise RequestError("int8 is for OpenVINO: set network.device to openvino")
    with Store(config.records.database, config.records.busy_timeout_s, read_only=True) as store:
        planes = calibration_planes(store, config)
    if planes is None:
        raise RequestError(
            f"int8 needs {BATCH} records of {config.game.variant} {config.game.board_size}x{config.game.board_size} "
            f"to quantize on, and {config.records.database} holds fewer: name another by --set records.database=FILE"
        )
    return in_precision(network, config, planes)


def report_table(report: "MatchReport") -> "Table":
    """The report as a table, as player A sees it."""
    from rich.table import Table

    first, distinct = f"A: {report.name_a}", f"{report.distinct_games} different games"
    caption = f"{distinct}, {report.mean_plies:.1f} plies on average, {report.elapsed_s:.1f} s, seed {report.seed}"
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
        table.add_row(label, "", f"five {ways['five']}", f"captures {ways['captures']}")
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
        texts.append(write_game(GameText(headers, list(game.moves), None, report.variant, report.size)))
    try:
        path.write_text("\n".join(texts), encoding="utf-8")
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}; choose another file") from error
