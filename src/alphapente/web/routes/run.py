"""Runs: their live state, start, pause and stop; configurations, shown and checked."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from alphapente.config import stage_sizes
from alphapente.rules.position import MAX_SIZE, MIN_SIZE
from alphapente.web.run import configs as run_configs
from alphapente.web.run.configs import Named
from alphapente.web.run.context import ConfigOf, RunContext, RunContextOf, RunOf, boards, newest_games
from alphapente.web.run.logs import MOST_LINES, logs
from alphapente.web.run.ratings import ratings
from alphapente.web.run.schemas import (
    BoardsAnswer,
    CheckAnswer,
    ConfigRequest,
    ConfigSummary,
    ConfigView,
    DoctorAnswer,
    LogsAnswer,
    RatingsAnswer,
    RunCurves,
    RunEvents,
    RunGame,
    RunRequest,
    RunSnapshot,
    RunSummary,
    StartedAnswer,
)
from alphapente.web.run.watch import read_run
from alphapente.web.streams import EventStream, described, event

router = APIRouter(tags=["run"])

EVERY_S = 1.0


@router.get("/runs")
def runs(context: RunContextOf) -> list[RunSummary]:
    """The runs in the folders that the configurations name, active ones first."""
    return context.watch.runs()


@router.get("/run")
def run(context: RunContextOf, one: ConfigOf) -> RunSnapshot:
    """The current state of a configuration's run."""
    return context.watch.snapshot(one)


@router.get("/run/events", response_class=StreamingResponse, responses=described(RunEvents))
async def events(context: RunContextOf, one: ConfigOf) -> EventStream:
    """Events `run`, each a complete snapshot as of GET /run: one at once, then one in every second with a change."""
    return EventStream(_changes(context, one))


async def _changes(context: RunContext, one: Named) -> AsyncIterator[str]:
    before: RunSnapshot | None = None
    while True:
        snapshot = await run_in_threadpool(context.watch.snapshot, one)
        if snapshot != before:
            yield event("run", snapshot)
            before = snapshot
        await asyncio.sleep(EVERY_S)


@router.get("/run/curves")
def curves(context: RunContextOf, run: RunOf) -> RunCurves:
    """The run's curves: its games averaged over windows, every epoch of its trainings, its rates."""
    return context.curves.of(run.config, run.folder)


@router.get("/run/settings")
def settings(run: RunOf) -> ConfigView:
    """Every setting in force in the run, and its overrides relative to its configuration."""
    loaded = run.named.load()
    path = None if run.named.path is None else str(run.named.path)
    return ConfigView(
        name=run.named.name,
        path=path,
        settings=run_configs.settings(loaded, run.config),
        overrides=run_configs.differences(loaded.config, run.config),
    )


@router.get("/run/ratings")
def run_ratings(run: RunOf, board_size: Annotated[int | None, Query(ge=MIN_SIZE, le=MAX_SIZE)] = None) -> RatingsAnswer:
    """Elo of all players of the stored matches on a board size (the run's largest), with 95% intervals."""
    return ratings(run.config, board_size or stage_sizes(run.config)[-1])


@router.get("/run/doctor")
def doctor(context: RunContextOf, run: RunOf) -> DoctorAnswer:
    """The newest examination of the run since the server's start, or the progress of the current one."""
    return context.doctor.answer(run.folder)


@router.post("/run/doctor", status_code=202)
def examine(context: RunContextOf, asked: RunRequest) -> DoctorAnswer:
    """Start to examine the run; this takes about a minute, at low priority. GET returns the findings."""
    found = read_run(context.configs.named(asked.config))
    context.doctor.begin(found.config, found.folder)
    return context.doctor.answer(found.folder)


@router.get("/run/logs")
def run_logs(
    run: RunOf,
    name: Annotated[str | None, Query(max_length=200, description="One of the answer's files.")] = None,
    lines: Annotated[int, Query(ge=1, le=MOST_LINES)] = 200,
) -> LogsAnswer:
    """The run's logs, and the last lines of one of them."""
    return logs(run.config, name, lines)


@router.get("/run/games")
def run_games(
    run: RunOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
    before: Annotated[int | None, Query(ge=0, le=2**63 - 1, description="Only games older than this id.")] = None,
) -> list[RunGame]:
    """The games in the run's database, newest first."""
    return newest_games(run, limit, before)


@router.get("/run/games/live")
def run_games_live(run: RunOf) -> BoardsAnswer:
    """The games that the run's self-play plays now."""
    return boards(run)


@router.post("/run/start", status_code=202)
def start(context: RunContextOf, asked: ConfigRequest) -> StartedAnswer:
    """Start the run of a configuration with these overrides, or resume it if it is paused."""
    one = context.configs.named(asked.config)
    pid = context.control.start(one, asked.overrides)
    context.watch.forget(one)
    return StartedAnswer(state="starting", pid=pid)


@router.post("/run/pause", status_code=202)
def pause(context: RunContextOf, asked: RunRequest) -> StartedAnswer:
    """Ask the run to end and to keep its state: the next start resumes it."""
    return _end(context, asked, for_good=False)


@router.post("/run/stop", status_code=202)
def stop(context: RunContextOf, asked: RunRequest) -> StartedAnswer:
    """Ask the run to end and mark it as finished: the next start begins a new one. Records and checkpoints stay."""
    return _end(context, asked, for_good=True)


def _end(context: RunContext, asked: RunRequest, for_good: bool) -> StartedAnswer:
    one = context.configs.named(asked.config)
    pid = context.control.end(one, for_good)
    context.watch.forget(one)
    return StartedAnswer(state="stopped" if pid is None else "ending", pid=pid)


@router.get("/configs")
def configs(context: RunContextOf) -> list[ConfigSummary]:
    """The configurations in the folder `config`, the default first."""
    return context.configs.summaries()


@router.get("/configs/{name}")
def config(context: RunContextOf, name: Annotated[str, Path(max_length=64)]) -> ConfigView:
    """A configuration with every setting: value, source, meaning, unit, allowed values."""
    return run_configs.view(context.configs.named(name))


@router.post("/configs/check")
def check(context: RunContextOf, asked: ConfigRequest) -> CheckAnswer:
    """Whether a configuration with these overrides is valid, and every override that is refused."""
    return run_configs.check(context.configs.named(asked.config), asked.overrides)
