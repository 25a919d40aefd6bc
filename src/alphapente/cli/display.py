"""Shows a running job: a live display on a terminal, plain lines otherwise, JSON with the hidden `--events`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from alphapente.config import Config
from alphapente.events import ReportFn, to_json
from alphapente.pipeline.lines import PlainLines, stamped


@contextmanager
def subscriber(config: Config, events: bool, in_run: bool = False) -> Iterator[ReportFn]:
    """The display of a job's events on standard output.

    With `events`, each event is one line of JSON. Else a terminal gets a live display, and a file or pipe plain lines.
    A step of a run prints plain lines without their time, which its log adds.
    """
    show_line = partial(print, flush=True)
    if events:
        yield lambda event: show_line(to_json(event))
    elif in_run:
        yield PlainLines(show_line)
    elif sys.stdout.isatty():
        from alphapente.cli.live import LiveShow

        live = LiveShow(config)
        live.start()
        try:
            yield live
        finally:
            live.stop()
    else:
        yield PlainLines(lambda line: show_line(stamped(line)))
