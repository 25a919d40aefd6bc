"""Checks the path of a picture before the work whose result it shows."""

from pathlib import Path

from alphapente.errors import FailureError, RequestError
from alphapente.files import check_writable


def check_target(path: Path) -> None:
    """Returns if a picture can be drawn to `path` (its extension selects the format).

    Raises RequestError for an unknown extension, FailureError for a path that cannot be written, or without matplotlib.
    """
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError as error:
        raise FailureError(
            "matplotlib draws pictures and is not installed: `pip install 'alphapente[plot]'`"
        ) from error
    ending = path.suffix[1:].lower() or "png"
    if ending not in FigureCanvasBase.filetypes:
        raise RequestError(f"cannot draw to {path}: no picture has the ending .{ending}; choose .png, .svg or .pdf")
    check_writable(path)
