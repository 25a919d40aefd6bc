"""A sparse round robin that plays only games that the database lacks, in one process for each core.

Each checkpoint plays those a few places before it in the run. Every third checkpoint and the last one play the
reference players, which also play each other. This is enough to rate all of them on one scale, and its cost grows with
the number of checkpoints instead of its square.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from alphapente.arena.matches.match import MatchHooks, plan_games, play_planned
from alphapente.arena.matches.results import StoredMatch
from alphapente.arena.players.base import Player
from alphapente.arena.players.play_settings import canonical_identity
from alphapente.config import Config
from alphapente.errors import AlphaPenteError, FailureError
from alphapente.records.model import Match, PlayerIdentity
from alphapente.records.store import Store

APART = (1, 2, 4)
"""A checkpoint plays those that are this number of places before it."""

REFERENCE_EVERY = 3
"""One of this number of checkpoints plays the references. Opponents that lose every game say little about strength."""
MATCH_GAMES = 20
"""A pair plays matches of this number of games, each with its own seed."""

_Pair = frozenset[PlayerIdentity]

MakePlayerFn = Callable[[str, Config, int], Player]
"""Makes a player from a word, the configuration and the number of games. Must be picklable."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A player of the tournament: `word` is the argument of `make_player`."""

    word: str
    identity: PlayerIdentity


@dataclass(frozen=True, slots=True)
class Job:
    """A match of two contestants. Of its first `games` games (an even number) `missing` are not stored."""

    one: Contestant
    other: Contestant
    games: int
    seed: int
    missing: int


@dataclass(frozen=True, slots=True)
class Played:
    """A finished and stored job, and the score of `one`, as a share of the points."""

    job: Job
    score: float


def plan(
    checkpoints: Sequence[Contestant],
    references: Sequence[Contestant],
    games: int,
    stored: Sequence[Match],
    apart: Sequence[int] = APART,
    seed: int = 0,
) -> list[Job]:
    """The matches that are missing until each pair has `games` games; `checkpoints` are in the order of the run.

    Each match of a pair has another seed and therefore other openings. An interrupted match is completed first.
    """
    pairs = [
        (checkpoints[place - gap], checkpoints[place])
        for place in range(len(checkpoints))
        for gap in sorted(set(apart))
        if 0 < gap <= place
    ]
    last = len(checkpoints) - 1
    measured = [one for place, one in enumerate(checkpoints) if place % REFERENCE_EVERY == 0 or place == last]
    pairs += [(one, other) for one in measured for other in references]
    pairs += [(references[i], references[j]) for i in range(len(references)) for j in range(i + 1, len(references))]
    of_pair: dict[_Pair, list[Match]] = {}
    for match in stored:
        players = frozenset((canonical_identity(match.player_a), canonical_identity(match.player_b)))
        of_pair.setdefault(players, []).append(match)
    jobs: list[Job] = []
    for one, other in dict.fromkeys(pairs):
        pair = frozenset((one.identity, other.identity))
        if len(pair) == 2:
            jobs += _jobs_of_pair(one, other, games, of_pair.get(pair, ()), seed)
    return jobs


def _jobs_of_pair(one: Contestant, other: Contestant, games: int, stored: Sequence[Match], seed: int) -> list[Job]:
    missing = games - sum(len(match.games) for match in stored)
    names = " ".join(sorted(f"{who.name} {who.digest}" for who in (one.identity, other.identity)))
    jobs: list[Job] = []
    number = 0
    while missing > 0:
        match_seed = zlib.crc32(f"{seed} {number} {names}".encode())
        begun = [match for match in stored if match.seed == match_seed and match.purpose == "rate"]
        have = {game.number for match in begun for game in match.games}
        absent = [game for game in range(MATCH_GAMES) if game not in have][: missing + missing % 2]
        if absent:
            swapped = bool(begun) and canonical_identity(begun[0].player_a) == other.identity
            ends = (other, one) if swapped else (one, other)
            jobs.append(Job(*ends, absent[-1] + 1, match_seed, len(absent)))
        missing -= len(absent)
        number += 1
    return jobs


def play_jobs(
    jobs: Sequence[Job],
    config: Config,
    make_player_fn: MakePlayerFn,
    workers: int,
    on_played_fn: Callable[[Played], None],
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Plays the jobs in `workers` processes. Each pair of games is stored in `records.database` when it ends.

    Returns False if `stop` ended it early: games in play are lost, and `plan` plans the rest of their matches.
    Raises FailureError if a match failed or a process died.
    """
    processes = _MatchProcesses(config, make_player_fn, min(workers, len(jobs)))
    try:
        return processes.play(list(jobs), on_played_fn, stop)
    finally:
        processes.end()


class _MatchProcesses:
    """The processes that play matches, and the job of each."""

    def __init__(self, config: Config, make_player_fn: MakePlayerFn, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Any] = []
        self._processes = []
        for number in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_work, args=(theirs, config, make_player_fn), name=f"match {number + 1}", daemon=True
            )
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def play(self, waiting: list[Job], on_played_fn: Callable[[Played], None], stop: Callable[[], bool]) -> bool:
        running: dict[Any, Job] = {}
        waiting.reverse()
        for pipe in self._pipes:
            running[pipe] = waiting.pop()
            self._send(pipe, running[pipe])
        while running:
            if stop():
                return False
            for ready in wait(list(running), 0.2):
                on_played_fn(Played(running.pop(ready), self._receive(ready)))
                if waiting:
                    running[ready] = waiting.pop()
                    self._send(ready, running[ready])
        return True

    def _send(self, pipe: Any, job: Job) -> None:
        with contextlib.suppress(OSError):  # `_receive` reports a process that has died
            pipe.send(job)

    def _receive(self, pipe: Any) -> float:
        try:
            kind, content = pipe.recv()
        except (EOFError, OSError) as error:
            process = self._processes[self._pipes.index(pipe)]
            process.join(1.0)
            raise FailureError(
                f"the process of {process.name} died (exit status {process.exitcode}): its games in play are lost, "
                "finished ones are stored; run the same command again to resume"
            ) from error
        if kind == "failed":
            raise FailureError(content)
        return float(content)

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.join()


def _work(pipe: Connection, config: Config, make_player_fn: MakePlayerFn) -> None:
    """The main function of a process: plays the jobs that it receives, until it is killed or its parent exits."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the parent decides
    threading.Thread(target=_end_with_parent, daemon=True, name="parent-watch").start()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            _serve(pipe, config, make_player_fn)
        except AlphaPenteError as error:
            pipe.send(("failed", str(error)))


def _serve(pipe: Connection, config: Config, make_player_fn: MakePlayerFn) -> None:
    with Store(config.records.database, config.records.busy_timeout_s) as store:
        settings_id = store.settings_id(config.dump_json())
        while True:
            job: Job = pipe.recv()
            try:
                score = _play(job, config, make_player_fn, store, settings_id)
            except AlphaPenteError as error:
                names = f"{job.one.identity.name} against {job.other.identity.name}"
                raise FailureError(f"the match of {names} failed: {error}") from error
            pipe.send(("played", score))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _play(job: Job, config: Config, make_player_fn: MakePlayerFn, store: Store, settings_id: int) -> float:
    rules = config.game.variant, config.game.board_size
    starts = plan_games(job.games, variant=rules[0], size=rules[1], seed=job.seed)
    match = Match(job.one.identity, job.other.identity, *rules, job.seed, "rate", (), settings_id)
    stored = StoredMatch(store, match, starts)
    with (
        contextlib.closing(make_player_fn(job.one.word, config, job.games)) as one,
        contextlib.closing(make_player_fn(job.other.word, config, job.games)) as other,
    ):
        hooks = MatchHooks(known=stored.games, on_pair_fn=stored.add)
        return play_planned(one, other, starts, rules, job.seed, hooks).total.score
