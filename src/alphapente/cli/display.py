"""Shows a running job: a live display on a terminal, plain lines otherwise, JSON with `--events`."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from alphapente.config import Config
from alphapente.events import Event, ReportFn, to_json
from alphapente.pipeline.lines import PlainLines, describe, stamped

if TYPE_CHECKING:
    from alphapente.cli.live import LiveShow

__all__ = ["Display", "describe", "subscriber"]


class Display:
    """Shows events; a context manager, so that the live display is always closed.

    `live` is opened and closed with this object.
    """

    def __init__(self, show: ReportFn, live: "LiveShow | None" = None) -> None:
        self._show = show
        self._live = live

    def __call__(self, event: Event) -> None:
        """Shows an event."""
        self._show(event)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()


def subscriber(config: Config, events: bool) -> Display:
    """The display of a job's events on standard output.

    With `events`, each event is one line of JSON. Else a terminal gets a live display, and a file or pipe plain lines.
    """
    if events:
        return Display(_print_json)
    if sys.stdout.isatty():
        from alphapente.cli.live import LiveShow

        live = LiveShow(config)
        return Display(live, live)
    return Display(PlainLines(_print_line))


def _print_json(event: Event) -> None:
    print(to_json(event), flush=True)


def _print_line(line: str) -> None:
    print(stamped(line), flush=True)
