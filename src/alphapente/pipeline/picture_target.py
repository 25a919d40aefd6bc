"""Checks where a picture is to be written, before the work whose result it shows."""

import os
from pathlib import Path

from alphapente.errors import FailureError, RequestError


def check_target(path: Path) -> None:
    """Returns where a picture can be drawn to `path` (its ending chooses the format).

    Raises RequestError for an ending that names no format or a path that cannot be written, FailureError without
    matplotlib.
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
    if path.is_dir():
        raise RequestError(f"cannot write {path}: it is a folder; name a file in it")
    if not path.parent.is_dir():
        raise RequestError(f"cannot write {path}: there is no folder {path.parent}; create it or name another file")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise RequestError(f"cannot write {path}: permission denied; name another file")
