"""Trains a network from scratch with one method of making policy targets, for a given number of evaluations.

    python benchmarks/compare_targets.py gumbel --simulations 32 --evaluations 300000 --seed 1 --folder gumbel-32-1

The networks of several methods can then play each other in `alphapente arena`.
"""

import argparse
import json
import time
from pathlib import Path

from alphapente.config import load_config
from alphapente.events import Event, GenerationProgress

GENERAL = [
    "game.board_size=9",
    "generation.model_type=resnet",
    "training.model_type=resnet",
    "models.resnet.blocks=2",
    "models.resnet.channels=32",
    "generation.workers=1",
    "generation.games_per_worker=32",
    "generation.record_limit=1000000000",
    "generation.temperature_half_life=20",
    "generation.temperature_final=0.5",
    "training.batch_size=128",
    "training.learning_rate=0.002",
    "training.num_epochs=2",
    "training.sample_strategy=recent",
    "training.warmup_steps=20",
    "training.threads=1",
]
"""Settings of all methods: 9x9, a residual network of 2 blocks and 32 channels, one core."""

PUCT = ["search.root=puct", "generation.mcts_random=0.25"]
FORCED = ["search.forced_playouts=2"]
CAPPED = ["generation.full_search_share=0.25"]
METHODS: dict[str, list[str]] = {
    "gumbel": ["generation.mcts_random=0.1"],
    "gumbel-capped": ["generation.mcts_random=0.1", *CAPPED],
    "puct": PUCT,
    "puct-forced": [*PUCT, *FORCED],
    "puct-capped-forced": [*PUCT, *CAPPED, *FORCED],
}
"""The methods by name. "capped": a quarter of the searches is full, the others have a quarter of the simulations."""


class Counter:
    """Counts the network evaluations, and decides when there are enough."""

    def __init__(self, enough: int) -> None:
        self.enough, self.evaluations = enough, 0.0

    def count(self, event: Event) -> None:
        """Takes the events of self-play or training."""
        if isinstance(event, GenerationProgress):
            self.evaluations = event.evaluations_per_s * event.elapsed_s

    def done(self) -> bool:
        """Whether the number of evaluations is reached."""
        return self.evaluations >= self.enough


def teach(method: str, simulations: int, evaluations: int, cycles: int, seed: int, folder: Path) -> None:
    """Alternates self-play and training for `cycles` cycles with equal evaluations; prints a line per cycle."""
    from alphapente import selfplay, training

    made: list[int] = []
    spent = 0
    for cycle in range(cycles):
        config = load_config(
            None,
            [
                *GENERAL,
                f"generation.simulations={simulations}",
                f"generation.cheap_simulations={max(1, simulations // 4)}",
                *METHODS[method],
                f"generation.seed={seed * 1000 + cycle}",
                f"training.seed={seed * 1000 + cycle}",
                f"records.database={folder / 'records.db'}",
                f"pipeline.checkpoint_dir={folder}",
                f"pipeline.log_dir={folder / 'logs'}",
            ],
        )
        begun = time.process_time()
        counter = Counter((evaluations - spent) // (cycles - cycle))
        played = selfplay.generate(config, counter.count, counter.done)
        spent += played.evaluations
        made.append(played.records)
        newest = config.training.model_copy(update={"data_sample_size": max(1, sum(made[-2:]))})
        taught = training.train(config.model_copy(update={"training": newest}), counter.count)
        line = {
            "way": method,
            "cycle": cycle + 1,
            "evaluations": spent,
            "records": sum(made),
            "plies a game": round(played.plies / max(played.games, 1), 1),
            "policy loss": round(taught.policy_loss, 3),
            "value loss": round(taught.value_loss, 3),
            "cpu s": round(time.process_time() - begun, 1),
        }
        print(json.dumps(line), flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("--simulations", type=int, default=32)
    parser.add_argument("--evaluations", type=int, default=300_000)
    parser.add_argument("--cycles", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, required=True)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    teach(**vars(chosen))


if __name__ == "__main__":
    main()
