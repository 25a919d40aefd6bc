"""Runs the quick configuration for real in a temporary folder and keeps what the terminal shows as SVG pictures.

python docs/make_terminal_picture.py          writes docs/terminal.svg
"""

import io
import os
import re
import tempfile
from pathlib import Path

from rich.console import Console, RenderableType
from rich.terminal_theme import MONOKAI
from rich.text import Text

from alphapente import pipeline
from alphapente.cli.live import LiveShow, whole_run
from alphapente.config import load_config
from alphapente.events import EpochProgress, Event, GenerationProgress, StepStarted

HERE = Path(__file__).resolve().parent
WIDTH = 108


def main() -> None:
    """Run, and take the live picture in the middle of the second generation and of the last training."""
    config = load_config(HERE.parent / "config" / "quick.json")
    show = LiveShow(config, Console(file=io.StringIO(), width=WIDTH, force_terminal=True))
    seen: dict[str, RenderableType] = {}
    step = ""

    def report(event: Event) -> None:
        nonlocal step
        show(event)
        if isinstance(event, StepStarted):
            step = event.name
        half_way = isinstance(event, GenerationProgress) and event.records > event.record_limit // 2
        if step == "Generation 2" and half_way:
            seen.setdefault("generation", show.render())
        if step == "Training 3.1" and isinstance(event, EpochProgress) and event.epoch == 3:
            seen.setdefault("training", show.render())

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        summary = pipeline.run(config, report, lambda: False)
        os.chdir(HERE)
    paper = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    paper.print(Text("$ ./schedule_v2.sh config/quick.json", style="bold green"))
    for moment in seen.values():
        paper.print(moment)
        paper.print(Text("  ...", style="dim"))
    paper.print(whole_run(summary))
    picture = paper.export_svg(title="AlphaPente", theme=MONOKAI)
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)  # nothing is fetched from elsewhere
    (HERE / "terminal.svg").write_text(picture)


if __name__ == "__main__":
    main()
