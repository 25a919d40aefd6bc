"""The events of a job as lines of text, for logs and terminals."""

import contextlib
import math
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from alphapente.events import (
    CompilationProgress,
    EpochProgress,
    EpochReport,
    Event,
    GamesInPlay,
    GenerationProgress,
    GenerationSummary,
    KeptNetwork,
    Lost,
    Note,
    PipelineSummary,
    PromotionSummary,
    ReportFn,
    RunEnded,
    RunProgress,
    RunStarted,
    StepEnded,
    StepStarted,
    TrainingSummary,
)

PROGRESS_INTERVAL_S = 5.0
"""Minimum time between two progress lines of one kind."""


def describe(event: Event) -> str:
    """The event as one line, or several of a summary; "" for one that only other programs read."""
    match event:
        case Note(text=text):
            return text
        case CompilationProgress():
            return f"compiling: {event.kernels} of {event.num_kernels} kernels after {duration(event.elapsed_s)}"
        case Lost(what=what, reason=reason):
            return f"warning: {what} cannot be written ({reason}); the work continues without"
        case GenerationProgress():
            return _generation_progress(event)
        case GenerationSummary():
            return _generation_summary(event)
        case EpochProgress():
            return (
                f"epoch {event.epoch}/{event.num_epochs}: step {event.step} of {event.num_steps}, "
                f"policy loss {event.policy_loss:.4f}, value loss {event.value_loss:.4f}, "
                f"{rate(event.samples_per_s)} samples/s"
            )
        case EpochReport():
            return (
                f"epoch {event.epoch}/{event.num_epochs}: policy loss {event.policy_loss:.4f}, "
                f"value loss {event.value_loss:.4f}, total loss {event.total_loss:.4f}, "
                f"policy entropy {event.policy_entropy:.3f}, value error {event.value_error:.3f}, "
                f"learning rate {event.learning_rate:.2g}, {rate(event.samples_per_s)} samples/s{_besides(event)}"
            )
        case TrainingSummary(policy_loss=loss) if math.isnan(loss):
            return f"training done: {event.model_type}, nothing was due; step {event.step:,} as before"
        case TrainingSummary():
            return (
                f"training done: {event.model_type}, {event.epochs} epochs on {event.records:,} records in "
                f"{duration(event.elapsed_s)}, step {event.step:,}, policy loss {event.policy_loss:.4f}, "
                f"value loss {event.value_loss:.4f}, {rate(event.samples_per_s)} samples/s{_reuse(event)}; "
                f"saved {event.checkpoint}"
            )
        case PromotionSummary():
            return _promotion_summary(event)
        case StepStarted():
            return (
                f"{event.name} begins (cycle {event.cycle} of {event.total_cycles}; {event.records:,} of "
                f"{event.records_target:,} records); log: {event.log}"
            )
        case PipelineSummary():
            return _pipeline_summary(event)
        case GamesInPlay() | StepEnded() | RunStarted() | RunProgress() | RunEnded() | KeptNetwork():
            return ""


def _besides(event: EpochReport) -> str:
    """The part of an epoch's line about auxiliary targets and held-out games, if there are any."""
    parts = [f"{name.replace('_', ' ')} loss {loss:.4f}" for name, loss in event.auxiliary.items()]
    if event.validation_policy_loss is not None and event.validation_value_loss is not None:
        held_out = (
            f"held out: policy loss {event.validation_policy_loss:.4f}, value loss {event.validation_value_loss:.4f}"
        )
        if event.calibration_error is not None:
            held_out += f", calibration error {event.calibration_error:.3f}"
        parts.append(held_out)
    return "".join(f"; {part}" for part in parts)


def _reuse(event: TrainingSummary) -> str:
    """How often a training used each record that was new to its network."""
    return f", reuse {event.samples / event.new_records:.1f}" if event.new_records and event.samples else ""


def _generation_progress(event: GenerationProgress) -> str:
    share = 100 * event.records / max(event.record_limit, 1)
    return (
        f"self-play: {event.records:,} of {event.record_limit:,} records ({share:.0f}%), "
        f"{counted(event.games, 'game')}, {rate(event.records_per_s)} records/s, "
        f"{rate(event.simulations_per_s)} simulations/s, {rate(event.evaluations_per_s)} evaluations/s, "
        f"{time_left(event)} left"
    )


def _generation_summary(event: GenerationSummary) -> str:
    games = max(event.games, 1)
    parts = [
        f"self-play done: {counted(event.games, 'game')}, {event.records:,} records "
        f"({event.records / games:.1f} a game) in {duration(event.elapsed_s)}",
        f"  plies: {event.plies:,} ({event.plies / games:.1f} a game)",
        f"  won by player 1: {_share(event.wins_by_player, '1')}, player 2: {_share(event.wins_by_player, '2')}, "
        f"draws: {_share(event.wins_by_player, 'draw')}",
        f"  won by five: {_share(event.won_by, 'five')}, by captures: {_share(event.won_by, 'captures')}, "
        f"draws: {_share(event.won_by, 'draw')}",
        f"  rates: {rate(event.records_per_s)} records/s, {rate(event.simulations_per_s)} simulations/s, "
        f"{rate(event.evaluations_per_s)} evaluations/s",
    ]
    if event.carried_over:
        parts.append(f"  still in play, kept for the next generation: {counted(event.carried_over, 'game')}")
    return "\n".join(parts)


def _promotion_summary(event: PromotionSummary) -> str:
    if event.verdict == "unopposed":
        return f"promoted: the network of step {event.step:,}, the first network"
    if event.verdict == "same":
        return f"nothing to test: the network of step {event.step:,} is the one that plays"
    verdict = {"accept": "it is stronger", "reject": "it is not stronger"}.get(event.verdict, "undecided")
    done = "promoted" if event.promoted else "not promoted"
    return (
        f"{done}: the network of step {event.step:,} against that of step {event.old_step:,}: {event.wins} won, "
        f"{event.losses} lost, {event.draws} drawn; {verdict} (log-likelihood ratio {event.llr:.2f}, bounds "
        f"{event.lower:.2f} and {event.upper:.2f}) in {duration(event.elapsed_s)}"
    )


def _pipeline_summary(event: PipelineSummary) -> str:
    parts = [
        f"pipeline: {counted(event.cycles, 'cycle')}, {event.records:,} of {event.records_target:,} records, "
        f"{duration(event.elapsed_s)}"
    ]
    if event.games_by_cycle:
        parts.append("  games by cycle: " + ", ".join(f"{games:,}" for games in event.games_by_cycle))
    if event.loss_by_training:
        losses = ", ".join(f"{name.removeprefix('Training ')}: {loss:.4f}" for name, loss in event.loss_by_training)
        parts.append("  total loss by training: " + losses)
    return "\n".join(parts)


def _share(counts: dict[str, int], key: str) -> str:
    count, total = counts.get(key, 0), sum(counts.values())
    return f"{count:,} ({100 * count / max(total, 1):.0f}%)"


def counted(number: int, thing: str) -> str:
    """A number of things: "1 game", "1,200 games"."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def duration(seconds: float) -> str:
    """A duration as text: "4.2 s", "3 min 20 s", "2 h 05 min"; "?" for one that is unknown."""
    if not 0 <= seconds < 1e9:
        return "?"
    whole = round(seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def time_left(progress: GenerationProgress) -> str:
    """The time that a generation still needs; "?" while it has no records to estimate it by."""
    return duration(progress.remaining_s if progress.records else float("inf"))


def rate(per_second: float) -> str:
    """A rate as text: two significant digits below ten, whole numbers above."""
    return f"{per_second:.2g}" if 0 < per_second < 10 else f"{per_second:,.0f}"


class PlainLines:
    """Writes events as plain lines: progress at most every few seconds, everything else at once.

    `write` gets one line without its line end.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        interval_s: float = PROGRESS_INTERVAL_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._interval_s = interval_s
        self._now = now
        self._last: dict[type[Event], float] = {}

    def __call__(self, event: Event) -> None:
        """Write the event's lines, if it is due."""
        if isinstance(event, CompilationProgress | GenerationProgress | EpochProgress):
            now = self._now()
            if now - self._last.setdefault(type(event), now) < self._interval_s:
                return
            self._last[type(event)] = now
        for line in describe(event).splitlines():
            self._write(line)


def new_file(path: Path) -> Path:
    """Creates an empty file that no other process writes: `path`, with a number added to its name if that exists.

    Returns its path; `path` itself if no file can be created, so that opening it reports why.
    """
    number, chosen = 1, path
    while True:
        try:
            chosen.parent.mkdir(parents=True, exist_ok=True)
            chosen.open("xb").close()
            return chosen
        except FileExistsError:
            if not chosen.is_file():  # a folder has the name, or a file that of the folder
                return path
        except OSError:
            return path
        number += 1
        chosen = path.with_name(f"{path.stem}_{number}{path.suffix}")


class LogFile:
    """A log of plain lines, each with its time, written to disk at once.

    If that fails, `report` gets a Lost event, once, and lines are dropped until the file can be written again.
    """

    def __init__(self, path: Path, report: ReportFn) -> None:
        self.path = path
        self._report = report
        self._lost = False
        self._file: FileIO | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            self._lose(error)

    def write(self, line: str) -> None:
        """Add one line."""
        if self._file is None:
            return
        try:
            self._file.write(_encoded(stamped(line) + "\n"))
        except OSError as error:
            self._lose(error)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()

    def _lose(self, error: OSError) -> None:
        if not self._lost:
            self._lost = True
            self._report(Lost(f"the log {self.path}", error.strerror or str(error)))


def _encoded(text: str) -> bytes:
    """The text in UTF-8; bytes of a file name that are not valid UTF-8 stay as they are."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace")


def stamped(line: str) -> str:
    """The line with the local time before it."""
    return time.strftime("%Y-%m-%d %H:%M:%S ") + line
