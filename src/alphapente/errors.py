"""Errors with a one-line message: what was found, what is allowed, what to do next."""


class AlphaPenteError(Exception):
    """Base of every error that AlphaPente raises on purpose; the command line prints its one line."""

    exit_code = 1


class RequestError(AlphaPenteError, ValueError):
    """The request is wrong (a flag, a key, a move, a file name): exit status 2."""

    exit_code = 2


class FailureError(AlphaPenteError, RuntimeError):
    """The request is valid but could not be carried out (disk, database, checkpoint): exit status 1."""
