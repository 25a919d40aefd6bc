"""A sparse round robin that plays only what the database lacks, in a process for each core.

Each checkpoint meets those a few places before it in the run, every third one and the last meet the references, and the
references meet each other: enough to hang all of them on one scale, at a cost that grows with the number of checkpoints
and not with its square.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from alphapente.arena.match import play_match
from alphapente.arena.players import Player
from alphapente.arena.results import store_match
from alphapente.config import Config
from alphapente.errors import AlphaPenteError, FailureError
from alphapente.records.model import Match, PlayerIdentity
from alphapente.records.store import Store

APART = (1, 2, 4)
"""A checkpoint plays those that are so many places before it."""

REFERENCE_EVERY = 3
"""Of so many checkpoints one meets the references; whom it beats every time tells little of how strong it is."""
MATCH_GAMES = 20
"""A pairing is played in matches of so many games, each stored as it ends: an interrupt loses no more than that."""

MakePlayerFn = Callable[[str, Config, int], Player]
"""Makes a player of its word, the configuration and the number of games. It must be picklable."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """Who plays: the word that names it as a player, and who that is."""

    word: str
    identity: PlayerIdentity


@dataclass(frozen=True, slots=True)
class Job:
    """A match to play: so many games (even) of two contestants."""

    one: Contestant
    other: Contestant
    games: int
    seed: int


@dataclass(frozen=True, slots=True)
class Played:
    """A job that is done and stored, and what `one` scored in it, as a share of the points."""

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
    """The matches that are still to be played so that each pair has `games` games; `checkpoints` are in their order.

    Each match of a pair has another seed, and so other openings.
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
    played: Counter[frozenset[PlayerIdentity]] = Counter()
    matches: Counter[frozenset[PlayerIdentity]] = Counter()
    for match in stored:
        pair = frozenset((match.player_a, match.player_b))
        played[pair] += len(match.games)
        matches[pair] += 1
    jobs = []
    for one, other in dict.fromkeys(pairs):
        pair = frozenset((one.identity, other.identity))
        missing = games - played[pair]
        while missing > 0 and len(pair) == 2:
            count = min(missing + missing % 2, MATCH_GAMES)
            words = f"{seed} {matches[pair]} " + " ".join(sorted(f"{who.name} {who.digest}" for who in pair))
            jobs.append(Job(one, other, count, zlib.crc32(words.encode())))
            missing -= count
            matches[pair] += 1
    return jobs


def play_jobs(
    jobs: Sequence[Job],
    config: Config,
    make_player_fn: MakePlayerFn,
    workers: int,
    on_played_fn: Callable[[Played], None],
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Plays the jobs in `workers` processes, each match stored in `records.database` as it ends.

    False where `stop` ended it before: the matches in play, one for each process, are then lost; all others are stored.
    Raises FailureError for a match that failed, or a process that died.
    """
    crew = _Crew(config, make_player_fn, min(workers, len(jobs)))
    try:
        return crew.play(list(jobs), on_played_fn, stop)
    finally:
        crew.end()


class _Crew:
    """The processes, and what each of them is playing."""

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
        at_work: dict[Any, Job] = {}
        waiting.reverse()
        for pipe in self._pipes:
            at_work[pipe] = waiting.pop()
            self._send(pipe, at_work[pipe])
        while at_work:
            if stop():
                return False
            for ready in wait(list(at_work), 0.2):
                on_played_fn(Played(at_work.pop(ready), self._answer(ready)))
                if waiting:
                    at_work[ready] = waiting.pop()
                    self._send(ready, at_work[ready])
        return True

    def _send(self, pipe: Any, job: Job) -> None:
        with contextlib.suppress(OSError):  # a process that has died is told of where its answer is read
            pipe.send(job)

    def _answer(self, pipe: Any) -> float:
        try:
            kind, content = pipe.recv()
        except (EOFError, OSError) as error:
            process = self._processes[self._pipes.index(pipe)]
            process.join(1.0)
            raise FailureError(
                f"the process of {process.name} died (exit status {process.exitcode}): its match in play is lost, all "
                "others are stored; run the same command again to go on"
            ) from error
        if kind == "failed":
            raise FailureError(content)
        return float(content)

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.join()


def _work(pipe: Connection, config: Config, make_player_fn: MakePlayerFn) -> None:
    """A process: plays what it is sent, until it is killed or its parent is gone."""
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
    with (
        contextlib.closing(make_player_fn(job.one.word, config, job.games)) as one,
        contextlib.closing(make_player_fn(job.other.word, config, job.games)) as other,
    ):
        report = play_match(
            one, other, job.games, variant=config.game.variant, size=config.game.board_size, seed=job.seed
        )
    store_match(store, report, (job.one.identity, job.other.identity), "rate", settings_id)
    return report.total.score
