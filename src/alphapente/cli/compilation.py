"""Compiles the search before a command that needs it, with progress on standard error: standard output is for results."""

import sys

from alphapente.events import CompilationProgress


def compile_with_progress() -> None:
    """Returns when the search is compiled, at once where it was before. Raises FailureError where it cannot be."""
    from alphapente.selfplay.compilation import compile_kernels, is_compiled

    if is_compiled():
        return
    from alphapente.pipeline.lines import PlainLines, describe

    if sys.stderr is None or not sys.stderr.isatty():
        compile_kernels(PlainLines(lambda line: print(line, file=sys.stderr, flush=True)))
        return
    from rich.console import Console

    with Console(stderr=True).status("compiling the search for this machine, once") as status:

        def show(progress: CompilationProgress) -> None:
            status.update(describe(progress))

        compile_kernels(show)
