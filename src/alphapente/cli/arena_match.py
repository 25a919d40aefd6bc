"""Plays the match of `alphapente arena`: checks everything first, and stores each pair of games when it ends."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alphapente.arena.matches.games import FORFEIT, GameStart, PlayedGame
from alphapente.arena.matches.match import MatchHooks, MatchReport, Tally, plan_games, play_planned, report_on
from alphapente.arena.matches.results import StoredMatch
from alphapente.arena.matches.saved_games import SavedGames
from alphapente.arena.players.base import Player
from alphapente.arena.players.identity import player_identity
from alphapente.arena.players.spec import PlayerOptions, make_player
from alphapente.cli.compilation import compile_with_progress
from alphapente.cli.stopping import stop_on_signals
from alphapente.config import Config
from alphapente.errors import AlphaPenteError, FailureError
from alphapente.records.connect import database_exists
from alphapente.records.model import Match, PlayerIdentity
from alphapente.records.store import Store


@dataclass(frozen=True, slots=True)
class Side:
    """The specification of one player."""

    word: str
    config: Config
    terms: PlayerOptions

    def identify(self) -> PlayerIdentity:
        """Its identity in the database. Raises as `arena.identity.player_identity`."""
        return player_identity(self.word, self.config, self.terms.seed)

    def make_player(self) -> Player:
        """The player. Raises as `arena.player_spec.make_player`."""
        return make_player(self.word, self.config, self.terms)


@dataclass(frozen=True, slots=True)
class Request:
    """A match to play. `config` is common to both players; `store` and `save` are the flags of these names."""

    sides: tuple[Side, Side]
    games: int
    seed: int
    opening_plies: tuple[int, int] | None
    config: Config
    store: bool | None
    save: Path | None

    @property
    def rules(self) -> tuple[str, int]:
        """Variant and board size."""
        return self.config.game.variant, self.config.game.board_size

    def plan(self) -> list[GameStart]:
        """See `plan_games`."""
        variant, size = self.rules
        return plan_games(self.games, variant=variant, size=size, seed=self.seed, opening_plies=self.opening_plies)


def play(request: Request) -> int:
    """Plays the games of the match that are not stored yet, prints the result and returns the exit status.

    Players, openings, `--save` and the database are checked before the first move; their errors are raised.
    """
    starts = request.plan()
    with ExitStack() as stack:
        saved = None if request.save is None else stack.enter_context(SavedGames(request.save))
        identities = request.sides[0].identify(), request.sides[1].identify()
        stored = _stored_match(stack, request, identities, starts)
        compile_with_progress()
        players = [stack.enter_context(closing(side.make_player())) for side in request.sides]
        if identities != (request.sides[0].identify(), request.sides[1].identify()):
            raise FailureError("a checkpoint was written while the match was prepared; run the same command again")
        return _play(request, (players[0], players[1]), starts, stored, saved)


def _stored_match(
    stack: ExitStack, request: Request, players: tuple[PlayerIdentity, PlayerIdentity], starts: Sequence[GameStart]
) -> StoredMatch | None:
    """The match in the database; None if it is not stored."""
    records = request.config.records
    if not (database_exists(records.database) if request.store is None else request.store):
        return None
    store = stack.enter_context(Store(records.database, records.busy_timeout_s))
    settings_id = store.settings_id(request.config.dump_json())
    return StoredMatch(store, Match(*players, *request.rules, request.seed, "arena", (), settings_id), starts)


def _play(
    request: Request,
    players: tuple[Player, Player],
    starts: Sequence[GameStart],
    stored: StoredMatch | None,
    saved: SavedGames | None,
) -> int:
    console = Console(highlight=False, soft_wrap=True)
    names = players[0].name, players[1].name
    known = {} if stored is None else stored.games
    console.print(_beginning(request, None if stored is None else len(known)), markup=False, end="")
    ended = dict(known)

    def on_played(index: int, game: PlayedGame) -> None:
        ended[index] = game
        if game.note:
            loser = "AB"[game.won_letter == "a"]
            console.print(f"game {index + 1}: {loser} lost after {len(game.moves)} plies: {game.note}", markup=False)
        if saved is not None:
            saved.write(index, game)

    if saved is not None:
        saved.begin(names, request.rules, known)
    started = time.monotonic()
    with stop_on_signals(watch_stdin=False) as stop:
        progress = _Progress(names, len(starts), stop)
        hooks = MatchHooks(known, on_played, stored.add if stored else _keep_nothing, progress.show, stop)
        try:
            with console.status(progress):
                report = play_planned(*players, starts, request.rules, request.seed, hooks)
        except AlphaPenteError:
            pairs = [game for index, game in sorted(ended.items()) if index ^ 1 in ended]
            if pairs:
                console.print(report_table(report_on(names, pairs, request.rules, request.seed, started)))
            raise
    console.print(report_table(report))
    if saved is not None:
        console.print(f"Wrote {saved.games} games to {saved.path}.", markup=False)
    if report.total.games == len(starts):
        return 0
    advice = "the same command resumes the match" if stored else "they are not stored (--store stores each pair)"
    console.print(f"Stopped after {report.total.games} of {len(starts)} games; {advice}.", markup=False)
    return stop.status


def _keep_nothing(_games: Mapping[int, PlayedGame]) -> None:
    pass


def _beginning(request: Request, known: int | None) -> str:
    """The text before the match; `known` is the number of its stored games, None if the match is not stored."""
    if known is None:
        database = request.config.records.database
        return f"Not stored: there is no {database} (--store creates it).\n" if request.store is None else ""
    if known == request.games:
        return (
            f"All {known} games of this match are stored, so none is played. Use another --seed for other openings, or "
            "--no-store to play these again.\n"
        )
    return f"{known} of {request.games} games are stored already; the others are played.\n" if known else ""


class _Progress:
    """The status line during a match; Rich renders it repeatedly."""

    def __init__(self, names: tuple[str, str], games: int, stop: Callable[[], bool]) -> None:
        self._text, self._games, self._stop = f"{names[0]} against {names[1]}", games, stop
        self._finished = ""

    def show(self, finished: int, tally: Tally) -> None:
        """See MatchHooks.on_game_fn."""
        self._finished = f": {finished} of {self._games} games, {tally.wins} won, {tally.losses} lost"

    def __rich__(self) -> Text:
        ending = "; stops after the moves in progress, Ctrl-C again stops at once" if self._stop() else ""
        return Text(self._text + self._finished + ending)


def report_table(report: MatchReport) -> Table:
    """The report as a table, from the view of player A."""
    first = f"A: {report.name_a}"
    before = f"; {report.known_games} games were stored before, times are of the others" * bool(report.known_games)
    caption = (
        f"{report.distinct_openings} different openings, "
        f"{report.distinct_games} different games ({report.distinct_share:.0%}), "
        f"{report.mean_plies:.1f} plies on average, {report.elapsed_s:.1f} s, seed {report.seed}{before}"
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
