"""`alphapente checkpoint info FILE` prints what a checkpoint contains; `pack FILE TO` writes a small copy for play."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from alphapente.network.checkpoint import Checkpoint

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def group() -> None:
    """Show the contents of a checkpoint, or write a small copy of it for play."""


@app.command()
def info(file: Annotated[Path, typer.Argument(help="A checkpoint, such as checkpoints/simple_model.pt.")]) -> None:
    """Print format, model, sizes, steps, epochs and main training settings."""
    from alphapente.network.checkpoint import read

    print("\n".join(f"{name + ':':16s}{value}" for name, value in describe(file, read(file)).items()))


@app.command()
def pack(
    file: Annotated[Path, typer.Argument(help="A checkpoint.")],
    to: Annotated[Path, typer.Argument(help="The file to write; one that is there is replaced.")],
) -> None:
    """Write what plays, in half precision and without the optimizer: an eighth of the size, to give to others."""
    from alphapente.network.checkpoint import packed, read, save

    save(to, packed(read(file)))
    print(f"{to}: {to.stat().st_size:,} bytes ({file} has {file.stat().st_size:,})")


def describe(file: Path, checkpoint: "Checkpoint") -> dict[str, str]:
    """A checkpoint's contents as texts, by name."""
    from alphapente.config import BUILT_IN_CLASSES
    from alphapente.network.checkpoint import FORMAT_VERSION, num_weights

    training = checkpoint.training
    lines_network = checkpoint.class_path == BUILT_IN_CLASSES["mixnet"]
    reads = "line patterns" if lines_network else f"{checkpoint.num_planes} input planes"
    lines = {
        "file": f"{file} ({file.stat().st_size:,} bytes)",
        "format version": str(FORMAT_VERSION),
        "model type": f"{checkpoint.model_type} ({checkpoint.class_path})",
        "sizes": ", ".join(f"{name} {value}" for name, value in checkpoint.sizes.items()) or "none",
        "weights": f"{num_weights(checkpoint):,}, {reads}, any board size",
        "step": f"{checkpoint.step:,}",
        "last training": f"{training.get('epoch', 0)} of {training.get('num_epochs', 0)} epochs",
        "losses": ", ".join(f"{kind} {_number(training.get(f'{kind}_loss'))}" for kind in ("policy", "value")),
        "seed": str(checkpoint.seed),
        "saved": checkpoint.created,
    }
    return lines | _settings(checkpoint.config)


def _number(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "unknown"


def _settings(config: str) -> dict[str, str]:
    """The main settings from the JSON of the resolved configuration."""
    import json

    try:
        found = json.loads(config)
        game, training = found["game"], found["training"]
        return {
            "game": f"{game['variant']} {game['board_size']}x{game['board_size']}",
            "training": ", ".join(
                f"{key} {training[key]}"
                for key in ("batch_size", "learning_rate", "data_sample_size", "sample_strategy", "outcome_weight")
            ),
        }
    except (ValueError, KeyError, TypeError):
        return {"configuration": "not in this checkpoint"}
