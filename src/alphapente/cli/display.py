"""Shows a running job: a live picture on a terminal, plain lines elsewhere, JSON for a program that reads along."""

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
    """Takes events and shows them; a context manager, so that a live picture is put away whatever happens.

    `picture` is a live one, opened and closed with the display.
    """

    def __init__(self, show: ReportFn, picture: "LiveShow | None" = None) -> None:
        self._show = show
        self._picture = picture

    def __call__(self, event: Event) -> None:
        """Show an event."""
        self._show(event)

    def __enter__(self) -> Self:
        if self._picture:
            self._picture.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._picture:
            self._picture.stop()


def subscriber(config: Config, events: bool) -> Display:
    """What shows a job's events on standard output.

    With `events`, each event is one line of JSON. Else a terminal gets a live picture, anything else plain lines.
    """
    if events:
        return Display(_print_json)
    if sys.stdout.isatty():
        from alphapente.cli.live import LiveShow

        picture = LiveShow(config)
        return Display(picture, picture)
    return Display(PlainLines(_print_line))


def _print_json(event: Event) -> None:
    print(to_json(event), flush=True)


def _print_line(line: str) -> None:
    print(stamped(line), flush=True)
