"""A substitute for `alphapente run`: the real scheduler with the short jobs of tests/pipeline/stand_in.py.

It accepts the server's command line: `run [--config FILE] [--set KEY=VALUE]...`. With "refuse" in `STAND_IN` it ends
like a run whose database cannot be opened; with "dawdle" it waits a second before it locks the folder.
"""

import os
import sys
import time
from pathlib import Path

from alphapente.cli.stopping import stop_on_signals
from alphapente.config import load_config
from alphapente.errors import AlphaPenteError
from alphapente.pipeline import run
from tests.pipeline.scheduler import STAND_IN, pool_counts

COMMAND = (sys.executable, "-m", "tests.web.run_stand_in")


def main(words: list[str]) -> int:
    assert words[0] == "run"
    given = list(zip(words[1::2], words[2::2], strict=True))
    path = next((Path(value) for flag, value in given if flag == "--config"), None)
    config = load_config(path, [value for flag, value in given if flag == "--set"])
    asked = os.environ.get("STAND_IN", "")
    if "refuse" in asked:
        print("a line from a library\nerror: the database is on fire\nput it out", file=sys.stderr)
        return 1
    if "dawdle" in asked:
        time.sleep(1)
    with stop_on_signals(watch_stdin=False) as stop:
        try:
            folder = Path(config.pipeline.checkpoint_dir)
            run(config, lambda _event: None, stop, STAND_IN, lambda: pool_counts(folder))
        except AlphaPenteError as error:
            print(f"error: {error}", file=sys.stderr)
            return error.exit_code
        return stop.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
