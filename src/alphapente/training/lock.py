"""One training at a time for each checkpoint: a file lock, which the system releases when its process ends."""

import os
from typing import Self

from alphapente.errors import FailureError
from alphapente.files import StrPath, real_path, remove_leftovers

try:
    import fcntl
except ImportError:  # Windows: no such locks there
    fcntl = None  # type: ignore[assignment]


class CheckpointLock:
    """The lock of a checkpoint, held by the training that writes it; a context manager.

    Entering raises FailureError if another training holds it, or the folder cannot be written.
    """

    def __init__(self, checkpoint: StrPath) -> None:
        self._checkpoint = checkpoint
        real = real_path(checkpoint)  # so that two links to one file share one lock
        self._path = real.with_name(f".{real.name}.lock")
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise FailureError(
                f"cannot write to the folder of checkpoints {self._path.parent}: {error.strerror}; "
                "set pipeline.checkpoint_dir to one that can be written"
            ) from error
        if fcntl is not None:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = os.read(self._descriptor, 32).decode(errors="replace").strip()
                os.close(self._descriptor)
                raise FailureError(
                    f"another training{f' (process {holder})' if holder else ''} is at work on {self._checkpoint}: "
                    "wait for it to end, or train into another pipeline.checkpoint_dir"
                ) from error
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)
        except OSError as error:
            os.close(self._descriptor)
            raise FailureError(
                f"cannot write to the folder of checkpoints {self._path.parent}: {error.strerror}; "
                "free some space and run again"
            ) from error
        remove_leftovers(self._checkpoint)
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._descriptor)
