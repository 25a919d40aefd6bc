"""Runs the pipeline with the stand-in's jobs, in a separate process that can be signalled and killed.

`python scheduler.py FOLDER [section.key=value ...]` prints the events as JSON.
"""

import sys
from pathlib import Path

from alphapente.cli import streams
from alphapente.cli.jobs import guarded_report
from alphapente.cli.stopping import stop_on_signals
from alphapente.config import Config, load_config
from alphapente.errors import AlphaPenteError
from alphapente.events import Event, to_json
from alphapente.pipeline import run

STAND_IN = (sys.executable, str(Path(__file__).with_name("stand_in.py")))


def settings(folder: Path, *overrides: str) -> Config:
    """Two cycles of 50 records and two trainings, everything within `folder`."""
    base: dict[str, object] = {
        "generation.record_limit": 50,
        "generation.save_interval_games": 5,
        "training.data_sample_size": 40,
        "pipeline.checkpoint_dir": str(folder),
        "pipeline.log_dir": str(folder / "logs"),
        "pipeline.generation_cycles": 2,
        "pipeline.total_records_target": 1000,
    }
    given = dict(override.split("=", 1) for override in overrides)
    return load_config(
        None, [f"{key}={value}" for key, value in ({k: str(v) for k, v in base.items()} | given).items()]
    )


def pool_counts(folder: Path) -> tuple[int, int]:
    """Records and games in the stand-in's pool."""
    pool = folder / "pool"
    records = pool.stat().st_size if pool.exists() else 0
    return records, records // 5


def main() -> int:
    streams.guard()
    folder = Path(sys.argv[1])

    def report(event: Event) -> None:
        print(to_json(event), flush=True)

    with stop_on_signals(watch_stdin=False) as stop:
        config, guarded = settings(folder, *sys.argv[2:]), guarded_report(report, stop, [])
        try:
            run(config, guarded, stop, STAND_IN, lambda: pool_counts(folder))
        except AlphaPenteError as error:
            print(f"error: {error}", file=sys.stderr)
            return error.exit_code
        except KeyboardInterrupt:
            return 130
        return stop.status


if __name__ == "__main__":
    sys.exit(main())
