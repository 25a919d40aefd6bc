"""`alphapente rate`: rates all players from the matches in the database; plays missing matches of a run first."""

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphapente.cli.options import (
    BoardSize,
    ConfigFile,
    Overrides,
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
    from rich.table import Table

    from alphapente.arena.matches.tournament import Contestant, Played
    from alphapente.arena.players.base import Player
    from alphapente.arena.ratings.ratings import RatedPlayer, RatingList
    from alphapente.events import KeptNetwork
    from alphapente.records.model import Match

REFERENCES = "tactical,random"
COUNT = 12

Run = list[tuple["KeptNetwork", "Contestant"]]
"""The networks that a run has kept, each with its player."""


@dataclass(frozen=True, slots=True)
class RateOptions:
    """The options of `alphapente rate`."""

    checkpoints: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The run's checkpoints, for --games, --plot and --json [default: pipeline.checkpoint_dir].",
        ),
    ] = None
    games: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="First play this number of games between pairs of the run's networks, minus the stored ones; 0: none.",
        ),
    ] = 0
    count: Annotated[
        int, typer.Option(metavar="N", help="Maximum number of the run's networks, spread evenly over the run.")
    ] = COUNT
    simulations: Simulations = None
    seconds: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds per move of the run's networks, instead of simulations.")
    ] = None
    references: Annotated[
        str,
        typer.Option(metavar="A,B", help="Reference players that play some of the networks, written as in `arena`."),
    ] = REFERENCES
    apart: Annotated[
        str, typer.Option(metavar="N,N", help="Each network plays the networks this number of places before it.")
    ] = "1,2,4"
    workers: Annotated[
        int, typer.Option(metavar="N", help="Simultaneous matches, each in a process; 0: one per core.")
    ] = 0
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the matches.")] = 0
    anchor: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=ELO", show_default=False, help="Fix a player's Elo; repeatable."),
    ] = None
    variant: Variant = None
    board_size: BoardSize = None
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw Elo over the run's records and hours.")] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
    config: ConfigFile = None
    set_: Overrides = None


@with_options(RateOptions)
def rate(options: RateOptions) -> None:
    """Rate all players by their stored matches (Bradley-Terry), with 95% intervals; play missing matches first."""
    flags = {
        "generation.simulations": options.simulations,
        "game.variant": options.variant,
        "game.board_size": options.board_size,
    }
    config = resolve(options.config, options.set_, flags)
    check_from("--games", options.games)
    check_from("--workers", options.workers)
    check_from("--seed", options.seed)
    check_from("--count", options.count, least=1)
    check_one_budget(options.simulations, options.seconds)
    anchors, gaps = _anchors(options.anchor or []), _numbers(options.apart)

    from alphapente.arena.ratings.ratings import rate_matches
    from alphapente.pipeline.picture_target import check_target

    if options.plot is not None:
        check_target(options.plot)
    run = _run(options, config)
    status = _play(run, anchors, gaps, options, config) if options.games else 0
    ratings = rate_matches(_stored(config), config.game.variant, config.game.board_size, anchors)
    if options.as_json:
        typer.echo(json.dumps(as_dict(ratings, run), indent=2))
    else:
        _print(ratings)
    if options.plot is not None:
        _draw(ratings, run, config, options.plot, quiet=options.as_json)
    if status:
        raise typer.Exit(status)


def _anchors(texts: list[str]) -> dict[str, float]:
    anchors = {}
    for text in texts:
        name, _, elo = text.rpartition("=")
        try:
            anchors[name] = float(elo)
        except ValueError:
            name = ""
        if not name:
            raise RequestError(f"--anchor is {text!r}: write NAME=ELO, like random=0")
    return anchors


def _numbers(text: str) -> list[int]:
    parts = text.split(",") if text else []
    if not all(part.isdecimal() and int(part) for part in parts):
        raise RequestError(f"--apart is {text!r}: write whole numbers from 1, like 1,2,4")
    return [int(part) for part in parts]


def _run(options: RateOptions, config: Config) -> Run:
    """The kept networks of the run as players; none if no option needs them.

    Raises RequestError if matches or a picture need them and the run has kept none.
    """
    from alphapente.arena.matches.tournament import Contestant
    from alphapente.arena.players.identity import player_identity
    from alphapente.network.paths import HISTORY
    from alphapente.pipeline.history import end_to_end, pick, read_history

    required = options.games > 0 or options.plot is not None
    if not required and not options.as_json:
        return []
    folder = options.checkpoints or config.pipeline.checkpoint_folder
    run_folder = folder.parent if folder.name == HISTORY else folder
    kept = end_to_end(read_history(run_folder))
    if required and not kept:
        raise RequestError(
            f"no networks of a run are kept in {folder}: run with pipeline.keep_checkpoints, or set the folder by "
            "--checkpoints"
        )
    budget = "" if options.seconds is None else f"@{options.seconds:g}s"
    chosen = pick(kept, options.count) if options.games else kept
    words = [(one, f"{run_folder / HISTORY / one.checkpoint}{budget}") for one in chosen]
    return [(one, Contestant(word, player_identity(word, config))) for one, word in words]


def _references(words: str, config: Config) -> "list[Contestant]":
    from alphapente.arena.matches.tournament import Contestant
    from alphapente.arena.players.identity import player_identity

    names = [word for word in words.split(",") if word]
    for word in names:
        make_player(word, config, 2).close()  # reports an invalid one before the other matches are played
    return [Contestant(word, player_identity(word, config)) for word in names]


def make_player(word: str, config: Config, games: int) -> "Player":
    """The player that a word of `arena` names, for a match in another process."""
    from alphapente.arena.players import spec

    return spec.make_player(word, config, spec.PlayerOptions(spec.games_at_once([word], games, 1)))


def _stored(config: Config) -> "list[Match]":
    from alphapente.records.store import Store

    with Store(config.records.database, config.records.busy_timeout_s, read_only=True) as store:
        return store.matches(config.game.variant, config.game.board_size)


def _play(run: Run, anchors: dict[str, float], apart: list[int], options: RateOptions, config: Config) -> int:
    """Plays the matches that the database lacks and returns the exit status.

    References, anchors and database are checked before the first move.
    """
    from rich.console import Console

    from alphapente.arena.matches.tournament import plan, play_jobs
    from alphapente.arena.ratings.ratings import check_anchors
    from alphapente.cli.compilation import compile_with_progress
    from alphapente.cli.stopping import stop_on_signals
    from alphapente.network.device import num_cores
    from alphapente.records.store import Store

    players = [contestant for _, contestant in run], _references(options.references, config)
    with Store(config.records.database, config.records.busy_timeout_s) as store:
        store.settings_id(config.dump_json())
        matches = store.matches(config.game.variant, config.game.board_size)
    check_anchors(anchors, matches, [contestant.identity for group in players for contestant in group])
    jobs = plan(*players, options.games, matches, apart, options.seed)
    console = Console(stderr=True, highlight=False)
    total = sum(job.missing for job in jobs)
    console.print(f"{len(jobs)} matches of {total:,} games to play; each is stored when it ends", soft_wrap=True)
    if jobs:
        compile_with_progress()
    done: list[Played] = []

    def on_played(played: "Played") -> None:
        done.append(played)
        one, other = played.job.one.identity.name, played.job.other.identity.name
        console.print(
            f"{len(done)} of {len(jobs)}: {one} against {other}: {played.score:.1%} of {played.job.games} games",
            soft_wrap=True,
        )

    with stop_on_signals(watch_stdin=False) as stop:
        if not jobs or play_jobs(jobs, config, make_player, options.workers or num_cores(), on_played, stop):
            return 0
        console.print("stopped; the same command resumes from here", soft_wrap=True)
        return stop.status


def rating_table(ratings: "RatingList") -> "Table":
    """The ratings as a table, best first."""
    from rich.table import Table

    from alphapente.arena.confidence import CONFIDENCE_Z
    from alphapente.arena.ratings.bradley_terry import PRIOR_DRAWS

    fit = ratings.fit
    anchors = ", ".join(f"{name} = {elo:g}" for name, elo in ratings.anchors.items())
    repeated = f" ({ratings.repeated_games:,} repeated ones excluded)" if ratings.repeated_games else ""
    spread = CONFIDENCE_Z * fit.first_player_deviation
    caption = (
        f"Bradley-Terry over {ratings.games:,} games{repeated}; fixed: {anchors or 'the average'}; moving first is "
        f"worth {fit.first_player_elo:+.0f} Elo (+-{spread:.0f}); prior: {PRIOR_DRAWS:g} drawn game for each player"
    )
    table = Table(
        "player", "Elo", "95% interval", "in its class", "games", "score",
        title=f"{ratings.variant} {ratings.board_size}x{ratings.board_size}", caption=caption,
    )  # fmt: skip
    group = ratings.players[0].group
    for player in ratings.players:
        if player.group != group:
            table.add_section()
            group = player.group
        interval = "fixed" if player.label in ratings.anchors else f"{player.low:+.0f} to {player.high:+.0f}"
        table.add_row(
            player.label, f"{player.elo:+.0f}", interval, "-" if player.spread is None else f"+-{player.spread:.0f}",
            f"{player.games:,}", f"{player.score:.1%}",
        )  # fmt: skip
    return table


def _print(ratings: "RatingList") -> None:
    from rich.console import Console

    from alphapente.arena.ratings.ratings import warnings

    console = Console(highlight=False)
    console.print(rating_table(ratings))
    for line in warnings(ratings):
        console.print(line, soft_wrap=True)


def as_dict(ratings: "RatingList", run: Run) -> dict[str, Any]:
    """The ratings as a dictionary for JSON; networks of the run have their records and seconds."""
    from alphapente.arena.ratings.bradley_terry import PRIOR_DRAWS
    from alphapente.arena.ratings.ratings import warnings

    kept = {contestant.identity: one for one, contestant in run}
    steps = []
    for (_, before), (_, after) in pairwise(_rated(ratings, run)):
        elo, spread = ratings.difference(after, before)
        steps.append({"from": before.label, "to": after.label, "elo": elo, "low": elo - spread, "high": elo + spread})
    return {
        "variant": ratings.variant,
        "board_size": ratings.board_size,
        "anchors": ratings.anchors,
        "games": ratings.games,
        "repeated_games": ratings.repeated_games,
        "prior_draws": PRIOR_DRAWS,
        "first_player_elo": ratings.fit.first_player_elo,
        "warnings": warnings(ratings),
        "players": [_player_dict(player, kept.get(player.identity)) for player in ratings.players],
        "steps": steps,
    }


def _player_dict(player: "RatedPlayer", kept: "KeptNetwork | None") -> dict[str, Any]:
    identity = player.identity
    return {
        "player": player.label,
        "kind": identity.kind,
        "elo": player.elo,
        "low": player.low,
        "high": player.high,
        "spread": player.spread,
        "games": player.games,
        "score": player.score,
        "group": player.group,
        "network_step": identity.network_step,
        "simulations": identity.simulations,
        "seconds": identity.seconds,
        "digest": identity.digest,
        "records": kept.records if kept else None,
        "elapsed_s": kept.elapsed_s if kept else None,
    }


def _rated(ratings: "RatingList", run: Run) -> "list[tuple[KeptNetwork, RatedPlayer]]":
    rated = {player.identity: player for player in ratings.players}
    return [(kept, rated[contestant.identity]) for kept, contestant in run if contestant.identity in rated]


def _draw(ratings: "RatingList", run: Run, config: Config, path: Path, quiet: bool) -> None:
    from alphapente.pipeline.rating_picture import draw

    rated = _rated(ratings, run)
    if not rated:
        raise RequestError(
            "none of the run's networks has a stored match with this budget: play some with --games N, or set the "
            "budget by --simulations or --seconds"
        )
    size = config.game.board_size
    seconds = rated[0][1].identity.seconds
    budget = f"{config.generation.simulations} simulations" if seconds is None else f"{seconds:g} s"
    draw(ratings, rated, path, f"{config.game.variant} {size}x{size}, {budget} per move")
    if not quiet:
        typer.echo(f"wrote {path}")
