"""Configured paths, and files written atomically: a reader finds the old content or the new, never a part.

All files that are written as a whole are written here (`appending` is for files that grow). The rules:

- A symbolic link is followed, even if its target does not exist yet. The link stays; its target is replaced.
- A regular file is written beside its final place and renamed. It keeps the permissions of the file that it replaces;
  a new file has those that the umask leaves. Missing folders are created.
- A file that is not regular (FIFO, device, /dev/stdout) is written directly.
- After an error the old file is unchanged, and the temporary file is removed. A killed process may leave one:
  `remove_leftovers`.
"""

import contextlib
import errno
import io
import os
import re
import stat
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from alphapente.errors import FailureError

StrPath = str | os.PathLike[str]
"""The type of paths in public functions."""

_MAX_LINKS = 40
_LONGEST_NAME = 200
"""Longest file name, in bytes, that the name of its temporary file repeats; file systems allow 255 in total."""
_DESCRIPTOR = re.compile(r"(?:/dev|/proc/(\d+))/fd/(\d+)")
_SQLITE = b"SQLite format 3\0"
_SIDE_FILES = ("-wal", "-shm", "-journal")
"""Suffixes of SQLite's files beside a database."""
_ADVICE = {
    errno.EEXIST: "name another file",
    errno.EACCES: "name another file, or give yourself write permission for its folder",
    errno.EPERM: "name another file, or give yourself write permission for its folder",
    errno.EROFS: "name a file on another disk",
    errno.ENOENT: "create the folder that the link leads to, or name another file",
    errno.ENOTDIR: "a part of its path is not a folder; name another file",
    errno.ELOOP: "its symbolic links form a circle; name another file",
    errno.ENAMETOOLONG: "choose a shorter name",
}
_DEFAULT_ADVICE = "free some space, or name another file"


def configured_path(text: StrPath) -> Path:
    """The path that a setting names: `~` and `~user` at its start are replaced by the home folder.

    A name that the locale's encoding of file names cannot represent is used in UTF-8.
    """
    name = os.path.expanduser(os.fspath(text))
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        name = os.fsdecode(name.encode("utf-8", "surrogateescape"))
    return Path(name)


def real_path(path: StrPath) -> Path:
    """The path with all symbolic links followed, dangling ones too. Raises OSError for a circle of links."""
    return Path(_followed(os.fspath(path)))


@contextlib.contextmanager
def writing(path: StrPath, durable: bool = True) -> Iterator[BinaryIO]:
    """Opens a file for binary writing; it replaces the old file when the block ends without an error.

    `durable`: content and name survive a power cut once the block has ended. Raises FailureError, whose message names
    path and reason, and BrokenPipeError for a FIFO or pipe whose reader has left.
    """
    with _explained(path):
        target = _followed(os.fspath(path))
        if _is_special(target):
            with _open_special(target) as file:
                yield file
        else:
            _create_folders(os.path.dirname(path) or ".")
            with _beside(target, durable) as file:
                yield file


@contextlib.contextmanager
def writing_text(path: StrPath, durable: bool = True) -> Iterator[TextIO]:
    """As `writing`, for text in UTF-8; line ends are not translated."""
    with writing(path, durable) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        try:
            yield text
        finally:
            text.detach()  # flushes; `writing` closes the file


def write_bytes(path: StrPath, content: bytes | memoryview, durable: bool = True) -> None:
    """Writes a file whole. Raises as `writing`."""
    with writing(path, durable) as file:
        file.write(content)


def write_text(path: StrPath, text: str, durable: bool = True) -> None:
    """Writes a text file whole, in UTF-8. Raises as `writing`."""
    write_bytes(path, text.encode(), durable)


def appending(path: StrPath) -> BinaryIO:
    """Opens a file for appending, for the caller to close; creates it if it does not exist.

    Follows links and writes special files as `writing` does. Raises as `writing`.
    """
    with _explained(path):
        target = _followed(os.fspath(path))
        if _is_special(target):
            return _open_special(target)
        _refuse_database(target)
        _create_folders(os.path.dirname(path) or ".")
        return open(target, "ab")


def check_writable(path: StrPath) -> None:
    """Raises the FailureError that `writing` would raise, as far as that is known in advance. Changes nothing."""
    with _explained(path):
        target = _followed(os.fspath(path))
        if _is_special(target):
            return
        _refuse_database(target)
        folder = os.path.dirname(target)
        while not os.path.lexists(folder):
            folder = os.path.dirname(folder)
        if not os.path.isdir(folder):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)


def is_regular(path: StrPath) -> bool:
    """Whether `writing` writes a regular file: False for a FIFO, a device, or a descriptor such as /dev/stdout."""
    try:
        return not _is_special(_followed(os.fspath(path)))
    except (OSError, ValueError):
        return False


def remove_leftovers(path: StrPath) -> None:
    """Removes temporary files of a file left by killed processes. No other process may be writing the file."""
    with contextlib.suppress(OSError):
        target = real_path(path)
        start = _temporary_start(target.name)
        for left in target.parent.iterdir():
            if left.name.startswith(start) and left.name.endswith(".tmp"):
                with contextlib.suppress(OSError):
                    left.unlink()


@contextlib.contextmanager
def _explained(path: StrPath) -> Iterator[None]:
    """Converts OSErrors in the block to FailureError: the path, the reason, and what to do."""
    try:
        yield
    except BrokenPipeError:
        raise
    except IsADirectoryError as error:
        raise FailureError(f"{os.fspath(path)} is a folder: name a file in it") from error
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, _DEFAULT_ADVICE)
        raise FailureError(f"{os.fspath(path)} cannot be written ({error.strerror or error}): {advice}") from error


def _followed(path: str) -> str:
    """The absolute path without links; for a descriptor of this process its path in /dev/fd or /proc."""
    for _ in range(_MAX_LINKS):
        folder, name = os.path.split(os.path.join(os.getcwd(), path))
        here = path
        try:
            here = os.path.join(os.path.realpath(folder), name)
            if _own_descriptor(here) is not None:
                return here
            path = os.path.join(os.path.dirname(here), os.readlink(here))
        except OSError:  # not a link
            return here
        except ValueError as error:  # a null character, or one that the locale cannot represent
            raise OSError(errno.EINVAL, f"no possible file name: {error}") from error
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _own_descriptor(target: str) -> int | None:
    """The descriptor of a path such as /proc/4711/fd/1 if it belongs to this process."""
    found = _DESCRIPTOR.fullmatch(target)
    return int(found[2]) if found and found[1] in (None, str(os.getpid())) else None


def _is_special(target: str) -> bool:
    """Whether the path exists and is not a regular file. Raises IsADirectoryError for a folder."""
    if _own_descriptor(target) is not None:
        return True
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    return not stat.S_ISREG(mode)


def _open_special(target: str) -> BinaryIO:
    own = _own_descriptor(target)
    # The process's own descriptor is duplicated: opening it again would truncate a file behind it.
    return os.fdopen(os.open(target, os.O_WRONLY) if own is None else os.dup(own), "wb")


def _create_folders(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder) from error


@contextlib.contextmanager
def _beside(target: str, durable: bool) -> Iterator[BinaryIO]:
    """A temporary file beside `target`, renamed to `target` at the end, removed after an error."""
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f"{_temporary_start(name)}{os.getpid()}.{threading.get_native_id()}.tmp")
    _refuse_database(target)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)  # left by a killed process with the same id
    try:
        with open(temporary, "xb") as file:
            _take_permissions(temporary, target)
            yield cast(BinaryIO, file)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if durable:
        _sync_folder(folder)


def _refuse_database(target: str) -> None:
    """Raises OSError for an SQLite file or its side files: writing a file must never replace the records."""
    if _is_database(target):
        raise OSError(errno.EEXIST, "it is a database")
    for ending in _SIDE_FILES:
        if target.endswith(ending) and _is_database(target.removesuffix(ending)):
            raise OSError(errno.EEXIST, "it is a part of the database beside it")


def _is_database(path: str) -> bool:
    try:
        if not os.path.isfile(path):
            return False
        with open(path, "rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _temporary_start(name: str) -> str:
    """The prefix of the names of a file's temporary files."""
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"{name[:40]}-{zlib.crc32(os.fsencode(name)):08x}"
    return f".{name}."


def _take_permissions(temporary: str, target: str) -> None:
    """Gives the new file the mode of the file that it replaces and, if the system allows it, the owner."""
    try:
        old = os.stat(target)
    except FileNotFoundError:
        return
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):
            os.chown(temporary, old.st_uid, old.st_gid)
    os.chmod(temporary, stat.S_IMODE(old.st_mode))


def _sync_folder(folder: str) -> None:
    """Makes a rename durable; some file systems do not support it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
