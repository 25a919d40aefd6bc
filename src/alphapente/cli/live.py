"""The live display of a running job on a terminal: bars, rates, losses, and for a pipeline the whole run above."""

import math
import time

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from alphapente.config import Config
from alphapente.events import (
    CompilationProgress,
    EpochProgress,
    EpochReport,
    Event,
    GenerationProgress,
    GenerationSummary,
    PipelineSummary,
    StepStarted,
    TrainingSummary,
)
from alphapente.pipeline.lines import PlainLines, counted, duration, rate, time_left

_REFRESH_PER_S = 4
_BARS = "▁▂▃▄▅▆▇█"
_LOSSES_SHOWN = 6
_EPOCHS_SHOWN = 32


class LiveShow:
    """Shows the latest events; notes and results scroll above."""

    def __init__(self, config: Config, console: Console | None = None) -> None:
        self._config = config
        self._console = console or Console()
        self._lines = PlainLines(self._print, interval_s=math.inf)
        self._began = time.monotonic()
        self._step: StepStarted | None = None
        self._training_name = ""
        self._records_before = 0
        self._compilation: CompilationProgress | None = None
        self._generation: GenerationProgress | None = None
        self._epoch: EpochProgress | None = None
        self._games: list[int] = []
        self._epoch_losses: list[float] = []
        self._losses: list[tuple[str, float]] = []
        self._live = Live(
            console=self._console, get_renderable=self.render, refresh_per_second=_REFRESH_PER_S, transient=True
        )

    def start(self) -> None:
        """Starts the display."""
        self._live.start()

    def stop(self) -> None:
        """Removes the display; the lines above it stay."""
        self._live.stop()

    def __call__(self, event: Event) -> None:
        """Handles an event."""
        match event:
            case StepStarted():
                self._begin_step(event)
            case CompilationProgress():
                self._compilation = event
            case GenerationProgress():
                self._compilation = None
                self._generation = event
            case GenerationSummary():
                self._generation = None
                if event.games:
                    self._games.append(event.games)
                self._records_before += event.records
            case EpochProgress():
                self._epoch = event
            case EpochReport():
                self._epoch_losses.append(event.total_loss)
            case TrainingSummary():
                self._end_training()
        if isinstance(event, PipelineSummary):
            self._console.print(whole_run(event))
        elif not (isinstance(event, EpochReport) and self._step):
            self._lines(event)

    def _begin_step(self, event: StepStarted) -> None:
        self._step = event
        if event.name.startswith("Training"):
            self._training_name = event.name.removeprefix("Training ")
            self._epoch_losses = []
        else:
            self._records_before = event.records

    def _end_training(self) -> None:
        self._epoch = None
        if self._step and self._epoch_losses:
            self._losses.append((self._training_name, self._epoch_losses[-1]))

    def _print(self, line: str) -> None:
        self._console.print(Text(line))

    def render(self) -> RenderableType:
        """The current display."""
        parts: list[RenderableType] = []
        if self._step:
            parts += self._whole_run(self._step)
        if self._compilation:
            parts += _compilation_bar(self._compilation)
        if self._generation:
            parts += _generation_bar(self._generation)
        if self._epoch:
            parts += self._epoch_bar(self._epoch)
        return Group(*parts)

    def _whole_run(self, step: StepStarted) -> list[RenderableType]:
        records = self._records_before + (self._generation.records if self._generation else 0)
        elapsed = duration(time.monotonic() - self._began)
        name = f"Cycle {step.cycle} of {step.total_cycles}"
        detail = [f"{records:,} of {step.records_target:,} records in the database"]
        if self._games:
            detail.append("games by generation " + ", ".join(f"{games:,}" for games in self._games[-_LOSSES_SHOWN:]))
        parts = _bar(name, records, step.records_target, f"{elapsed} so far", detail)
        if self._losses:
            losses = " > ".join(f"{name}: {loss:.3f}" for name, loss in self._losses[-_LOSSES_SHOWN:])
            parts.append(_detail([f"total loss {losses}"]))
        return parts

    def _epoch_bar(self, epoch: EpochProgress) -> list[RenderableType]:
        steps_left = (epoch.num_epochs - epoch.epoch + 1) * epoch.num_steps - epoch.step
        seconds_left = steps_left * self._config.training.batch_size / max(epoch.samples_per_s, 1e-9)
        detail = [
            f"policy loss {epoch.policy_loss:.4f}",
            f"value loss {epoch.value_loss:.4f}",
            f"{rate(epoch.samples_per_s)} samples/s",
        ]
        if len(self._epoch_losses) > 1:
            detail.append(sparkline(self._epoch_losses[-_EPOCHS_SHOWN:]))
        training = f"Training {self._training_name} e" if self._training_name else "E"
        name = f"{training}poch {epoch.epoch} of {epoch.num_epochs}"
        return _bar(name, epoch.step, epoch.num_steps, f"{duration(seconds_left)} left", detail)


def _compilation_bar(progress: CompilationProgress) -> list[RenderableType]:
    detail = [f"{progress.kernels} of {progress.num_kernels} kernels", "needed once on this machine"]
    return _bar(
        "Compiling the search", progress.kernels, progress.num_kernels, f"{duration(progress.elapsed_s)} so far", detail
    )


def _generation_bar(progress: GenerationProgress) -> list[RenderableType]:
    detail = [
        f"{progress.records:,} of {progress.record_limit:,} records",
        counted(progress.games, "game"),
        f"{rate(progress.records_per_s)} records/s",
        f"{rate(progress.simulations_per_s)} simulations/s",
    ]
    left = f"{time_left(progress)} left"
    return _bar("Self-play", progress.records, progress.record_limit, left, detail)


def _bar(name: str, completed: int, total: int, time_text: str, detail: list[str]) -> list[RenderableType]:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(width=28, no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_column(width=5, justify="right", no_wrap=True)
    grid.add_column(width=20, justify="right", no_wrap=True)
    share = 100 * min(completed, total) / max(total, 1)
    bar = ProgressBar(total=max(total, 1), completed=min(completed, total))
    grid.add_row(Text(name, style="bold"), bar, f"{share:.0f}%", time_text)
    return [grid, _detail(detail)]


def _detail(parts: list[str]) -> Text:
    return Text("  " + " · ".join(parts), style="dim", no_wrap=True, overflow="ellipsis")


def sparkline(values: list[float]) -> str:
    """The values as a row of bars; the lowest value has the lowest bar."""
    low, high = min(values), max(values)
    span = high - low or 1.0
    return "".join(_BARS[round((value - low) / span * (len(_BARS) - 1))] for value in values)


def whole_run(summary: PipelineSummary) -> RenderableType:
    """The summary of a whole run: a line, and a table with a row for each cycle."""
    title = Text(
        f"{counted(summary.cycles, 'cycle')}, {summary.records:,} of {summary.records_target:,} records, "
        f"{duration(summary.elapsed_s)}"
    )
    table = Table()
    for heading in ("cycle", "games", "total loss by training"):
        table.add_column(heading, justify="left" if "loss" in heading else "right")
    losses: dict[str, list[str]] = {}
    for name, loss in summary.loss_by_training:
        cycle = name.removeprefix("Training ").partition(".")[0]
        losses.setdefault(cycle, []).append(f"{loss:.4f}")
    first = int(next(iter(losses), "1"))
    for row, games in enumerate(summary.games_by_cycle):
        cycle = str(first + row)
        table.add_row(cycle, f"{games:,}", "  ".join(losses.get(cycle, [])))
    return Group(title, table) if table.rows else title
