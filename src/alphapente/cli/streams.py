"""Output that fails never interrupts or damages the work of a command. The policy for all commands:

- Characters that a stream's encoding lacks are printed as a similar one or as an escape, such as `\\xdf`; the bytes of
  a file name that is not text are printed unchanged.
- A closed standard stream is replaced by /dev/null: output is discarded, and there is no input.
- Standard output that cannot be written (a full disk): the command continues and saves everything. At its end it
  reports that in one line, with exit status 1.
- Standard output to a broken pipe: a job saves everything and ends, any other command ends at once; both with exit
  status 141 and no message.
- Standard error that cannot be written: the command continues, and its exit status does not change.
- A log or curve that cannot be written: the job reports it once, as `events.Lost`, and continues; at its end it exits
  with status 1. A step of `alphapente run` reports it to the run, which continues and exits with status 1 at its end.
  Logs that cannot be created when the run starts are refused before anything is done.
"""

import codecs
import contextlib
import io
import os
import sys
from typing import TextIO

_NEAR = dict(zip("▁▂▃▄▅▆▇█", "12345678", strict=True)) | {"·": "-", "…": ".", "━": "-", "╸": "-", "╺": " ", "•": "*"}
_BRAILLE = range(0x2800, 0x2900)
"""Used by spinners."""
_HANDLER = "alphapente.near"


class Output:
    """The state of guarded standard output; `problem` is why it could not be written, "" if it could."""

    problem: str = ""


class _Stream(io.TextIOWrapper):
    """A standard stream whose writes raise only for a broken pipe, and on standard error never.

    After the first failure its descriptor is /dev/null, so that buffered data does not fail again, for example when
    Python flushes it at exit. Further writes to a broken pipe raise.
    """

    _broken: BrokenPipeError | None = None

    def __init__(self, stream: io.TextIOWrapper, output: Output | None) -> None:
        self._output = output
        encoding, at_lines, at_once = stream.encoding, stream.line_buffering, stream.write_through
        super().__init__(stream.detach(), encoding, _HANDLER, None, at_lines, at_once)

    def write(self, text: str) -> int:
        if self._broken is not None:
            raise self._broken
        try:
            return super().write(text)
        except OSError as error:
            self._fail(error)
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        if self._output is None:
            return
        if isinstance(error, BrokenPipeError):
            self._broken = error
            raise error
        self._output.problem = self._output.problem or error.strerror or str(error)


def guard() -> Output:
    """Applies the policy above to the standard streams of the process; streams that were replaced are not changed."""
    codecs.register_error(_HANDLER, _near)
    output = Output()
    _open_closed()
    if sys.stdin is sys.__stdin__ and isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    for name, owner in (("stdout", output), ("stderr", None)):
        stream = getattr(sys, name)
        if stream is getattr(sys, f"__{name}__") and isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError):
                os.set_blocking(stream.fileno(), True)  # another program may have set a shared terminal to non-blocking
            _replace(name, _Stream(stream, owner))
    return output


def _open_closed() -> None:
    """Opens /dev/null for each closed standard stream, so that no other file gets its descriptor."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        descriptor = os.open(os.devnull, os.O_RDWR)
        os.set_inheritable(descriptor, descriptor == number)
        stream = open(descriptor, "w" if number else "r", encoding="utf-8")  # noqa: SIM115 - open until the end
        _replace(name, stream)


def _replace(name: str, stream: TextIO) -> None:
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)


def _near(error: UnicodeError) -> tuple[bytes, int]:
    """Encodes characters that an encoding lacks: similar ones for bars, bytes for surrogates, escapes for others."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    encoded = b""
    for character in error.object[error.start : error.end]:
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:
            encoded += bytes([code - 0xDC00])
        else:
            near = "*" if code in _BRAILLE else _NEAR.get(character)
            encoded += near.encode() if near else character.encode("ascii", "backslashreplace")
    return encoded, error.end
